"""Bulk Update: form, preview, carrying out, undo."""

import re
from typing import Any

import pytest

from cpar_plugin.services import panels
from cpar_plugin.services.membership import membership
from cpar_plugin.settings import load
from oscar_host.host import OscarHost


def _text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"</?strong>", "", response.get_data(as_text=True)))


def _members(host: OscarHost) -> dict[str, int]:
    with host.database.engine.connect() as connection:
        return {panel.number: panel.members for panel in panels.live_panels(connection, host)}


@pytest.fixture
def patients(oscar: Any) -> list[int]:
    """Three active patients of Dr Okafor, one of them without a visit, and an inactive one."""
    found = [oscar.patient(hin=f"10000000{number}") for number in range(3)]
    for patient in found[:2]:
        oscar.visit(patient)
    return [*found, oscar.patient(patient_status="IN")]


def test_the_form_offers_the_three_orders_and_active_as_the_status(manager: Any, panel: int) -> None:
    page = _text(manager.get("/cpar/bulk"))
    for words in ("Assign patients to a panel", "Move patients to a different panel", "Remove patients from a panel"):
        assert words in page
    assert '<option value="AC" selected>Active</option>' in page
    assert re.search(r'value="assign" id="cpar-kind-assign" checked', page)


def test_a_preview_tells_and_changes_nothing(host: OscarHost, manager: Any, panel: int, patients: list[int]) -> None:
    page = _text(manager.post("/cpar/bulk", kind="assign", provider_id="101", panel_id=panel, status="AC"))
    assert "3 patients who are Not Paneled now are added" in page
    assert "1 patient without a visit gets none" in page
    assert "1 patient with another status is left alone" in page
    assert ">Assign 3 Patients</button>" in page
    assert _members(host) == {"0042": 0}


def test_assigning_shows_what_was_done_and_can_be_undone_once(
    host: OscarHost, manager: Any, panel: int, patients: list[int]
) -> None:
    order = {"kind": "assign", "provider_id": "101", "panel_id": panel, "status": "AC"}
    done = manager.post("/cpar/bulk", step="carry-out", **order)
    assert done.status_code == 303
    assert "Added: 3" in _text(manager.get(done.location))
    assert _members(host) == {"0042": 3}
    undo = f"{done.location}/undo"
    assert manager.post(undo).location == done.location
    page = _text(manager.get(done.location))
    assert "This bulk update was undone. Patients put back: 3" in page
    assert undo not in page
    assert _members(host) == {"0042": 0}
    assert manager.post(undo).status_code == 422


def test_a_bulk_update_of_the_past_is_found_again_from_the_form(manager: Any, panel: int, patients: list[int]) -> None:
    done = manager.post("/cpar/bulk", step="carry-out", kind="assign", provider_id="101", panel_id=panel, status="AC")
    page = _text(manager.get("/cpar/bulk"))
    assert done.location in page
    assert "Patients of Adaeze Okafor with status Active assigned to panel 0042." in page
    assert "3 changed, by Ada Penner" in page


def test_moving_and_removing(host: OscarHost, manager: Any, panel: int, other_panel: int, patients: list[int]) -> None:
    manager.post("/cpar/bulk", step="carry-out", kind="assign", provider_id="101", panel_id=panel, status="AC")
    move = {"kind": "move", "from_panel_id": panel, "panel_id": other_panel, "status": "AC"}
    page = _text(manager.post("/cpar/bulk", **move))
    assert "3 patients leave panel 0042, which is empty then" in page
    assert "eHealth Services Provider Support" in page
    assert "3 patients have an MRP who is not a provider of the panel" in page
    manager.post("/cpar/bulk", step="carry-out", **move)
    assert _members(host) == {"0042": 0, "0077": 3}
    remove = {"kind": "remove", "from_panel_id": other_panel, "status": "AC"}
    assert "3 patients leave panel 0077 and become Not Paneled" in _text(manager.post("/cpar/bulk", **remove))
    done = manager.post("/cpar/bulk", step="carry-out", **remove)
    assert "Removed: 3" in _text(manager.get(done.location))
    assert _members(host) == {"0042": 0, "0077": 0}


def test_the_order_can_be_changed_after_the_preview(manager: Any, panel: int) -> None:
    page = _text(manager.post("/cpar/bulk", step="change", kind="move", from_panel_id=panel, panel_id="", status="IN"))
    assert re.search(r'value="move" id="cpar-kind-move" checked', page)
    assert f'<option value="{panel}" selected>' in page


def test_an_order_that_concerns_nobody_offers_nothing_to_do(host: OscarHost, manager: Any, panel: int) -> None:
    order = {"kind": "remove", "from_panel_id": panel, "status": "AC"}
    page = _text(manager.post("/cpar/bulk", **order))
    assert "Nobody: there is nothing to do" in page
    assert 'value="carry-out"' not in page
    assert manager.post("/cpar/bulk", step="carry-out", **order).location == "/cpar/bulk"


def test_a_patient_whom_the_manager_may_not_see_is_left_alone_and_counted(
    host: OscarHost, oscar: Any, manager: Any, panel: int, patients: list[int]
) -> None:
    oscar.privilege("receptionist", f"_demographic${patients[0]}", "o")
    order = {"kind": "assign", "provider_id": "101", "panel_id": panel, "status": "AC"}
    assert "1 patient whose record you may not see is left alone" in _text(manager.post("/cpar/bulk", **order))
    manager.post("/cpar/bulk", step="carry-out", **order)
    assert _members(host) == {"0042": 2}
    with host.database.engine.connect() as connection:
        assert membership(connection, host, load(host.settings), patients[0]).panel is None


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        ({"kind": "assign"}, ["provider_id", "panel_id"]),
        ({"kind": "move"}, ["from_panel_id", "panel_id"]),
        ({"kind": "remove"}, ["from_panel_id"]),
        ({"kind": "explode"}, ["kind"]),
        ({"kind": "assign", "provider_id": "x'--", "panel_id": "1"}, []),
        ({"kind": "assign", "provider_id": "101", "panel_id": "9" * 40}, ["panel_id"]),
        ({"kind": "assign", "provider_id": "101", "panel_id": "١"}, ["panel_id"]),
        ({}, ["kind"]),
    ],
)
@pytest.mark.parametrize("step", ["preview", "carry-out"])
def test_a_wrong_order_is_sent_back(
    host: OscarHost, manager: Any, panel: int, order: dict[str, str], fields: list[str], step: str
) -> None:
    answer = manager.post("/cpar/bulk", step=step, **order)
    page = _text(answer)
    assert answer.status_code == 422
    for field in fields:
        assert f'<a href="#cpar-{field}">' in page
        assert f'id="cpar-{field}"' in page
    assert _members(host) == {"0042": 0}


def test_an_operation_that_is_not_there_is_a_404(manager: Any, panel: int) -> None:
    assert manager.get("/cpar/bulk/99").status_code == 404
    assert manager.post("/cpar/bulk/99/undo").status_code == 404
