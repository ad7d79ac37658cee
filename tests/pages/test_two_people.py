"""Two people at the same thing at once, through the pages: both are told the truth, and nothing typed is lost."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from cpar_plugin.services.panels.editing import Panel
from cpar_plugin.store.tables import member
from oscar_host.host import OscarHost

from ..browser import look
from .conftest import BARRED, MANAGER, RECEPTION, Person


def _text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"</?strong>", "", response.get_data(as_text=True)))


def _live(host: OscarHost) -> list[Panel]:
    with host.database.engine.connect() as connection:
        return editing.live_panels(connection, host)


def _panel_of(host: OscarHost, patient_id: int) -> int | None:
    with host.database.engine.connect() as connection:
        return connection.scalar(select(member.c.panel_id).where(member.c.patient_id == patient_id))


def _entered(**fields: Any) -> dict[str, Any]:
    panel = {"number": "0042", "facilities": "113", "providers": "101", "practitioner_ids": "1234-56789"}
    return panel | {"version": "1", "step": "save"} | fields


@pytest.fixture
def other(app: Flask) -> Person:
    """A second administrator."""
    return Person(app, BARRED)


@pytest.fixture
def patients(oscar: Any) -> list[int]:
    """Three active patients of Dr Okafor."""
    return [oscar.patient(hin=f"10000000{number}") for number in range(3)]


ASSIGN = {"kind": "assign", "provider_id": "101", "status": "AC", "step": "carry-out"}


def test_of_two_who_edit_a_panel_the_second_sees_both_and_decides(
    host: OscarHost, manager: Any, other: Any, panel: int
) -> None:
    address = f"/cpar/panels/{panel}/edit"
    manager.post(address, **_entered(number="0050", facilities=["113", "7"]))
    late = other.post(address, **_entered(number="0099", notify="manager@clinic.ca"))
    page = _text(late)
    assert late.status_code == 409
    assert "Penner, Ada saved this panel (Nov 10, 2026, 10:00 AM)" in page
    assert '<th scope="row">CPAR Panel Number</th><td data-label="Current value"><div>0050</div></td>' in page
    assert '<td data-label="Your entry"><div>0099</div></td>' in page
    assert '<div>000113</div><div>000007</div></td><td data-label="Your entry"><div>000113</div></td>' in page
    assert '(empty)</td><td data-label="Your entry"><div>manager@clinic.ca</div></td>' in page
    assert '<th scope="row">Providers</th>' not in page  # they are the same
    assert 'name="number" value="0099"' in page
    assert 'name="version" value="2"' in page
    assert _live(host)[0].number == "0050"
    decided = other.post(address, **_entered(number="0099", facilities=["113", "7"], version="2"))
    assert decided.status_code == 303
    assert (_live(host)[0].number, _live(host)[0].facilities) == ("0099", ("000113", "000007"))


def test_a_form_that_is_sent_twice_is_saved_once_and_no_one_else_is_blamed(
    host: OscarHost, manager: Any, panel: int
) -> None:
    for _ in range(2):
        assert manager.post(f"/cpar/panels/{panel}/edit", **_entered(number="0050")).status_code == 303
        made = _entered(number="0060", providers="102", practitioner_ids="223456789")
        assert manager.post("/cpar/panels/new", **made).status_code == 303
        assert manager.post("/cpar/settings", name="New Name", site_id="S-2", version="2").status_code == 303
    assert [(one.number, one.version) for one in _live(host)] == [("0050", 2), ("0060", 1)]
    with host.database.engine.connect() as connection:
        assert clinic.load(connection).version == 3


def test_of_two_who_change_the_settings_the_second_sees_both_and_decides(
    host: OscarHost, configured: None, manager: Any, other: Any
) -> None:
    manager.post("/cpar/settings", name="Theirs", site_id="S-1", version="2")
    late = other.post("/cpar/settings", name="Mine", site_id="S-1", version="2")
    page = _text(late)
    assert late.status_code == 409
    assert "Penner, Ada saved these settings" in page
    assert '<th scope="row">Clinic Name</th><td data-label="Current value"><div>Theirs</div></td>' in page
    assert '<td data-label="Your entry"><div>Mine</div></td>' in page
    assert 'name="name" value="Mine"' in page
    assert other.post("/cpar/settings", name="Mine", site_id="S-1", version="3").status_code == 303
    with host.database.engine.connect() as connection:
        assert clinic.load(connection).name == "Mine"


def test_of_two_who_assign_the_same_patient_the_second_is_shown_where_the_patient_is(
    host: OscarHost, manager: Any, reception: Any, panel: int, other_panel: int, patients: list[int]
) -> None:
    address = f"/cpar/patients/{patients[0]}/choose"
    assert manager.post(address, panel_id=panel, seen_panel_id="").status_code == 303
    late = reception.post(address, panel_id=other_panel, seen_panel_id="")
    assert late.status_code == 409
    assert "Someone else moved this patient to panel 0042 in the meantime. Nothing was changed" in _text(late)
    assert _panel_of(host, patients[0]) == panel
    assert reception.post(address, panel_id=other_panel, seen_panel_id=panel).status_code == 303
    assert _panel_of(host, patients[0]) == other_panel


def test_a_patient_is_not_put_on_a_panel_that_was_deleted_in_the_meantime(
    host: OscarHost, manager: Any, reception: Any, panel: int, patients: list[int]
) -> None:
    manager.post(f"/cpar/panels/{panel}/delete", version="1")
    late = reception.post(f"/cpar/patients/{patients[0]}/choose", panel_id=panel, seen_panel_id="")
    assert late.status_code == 404
    assert "This panel has been deleted: select another one." in _text(late)
    assert _panel_of(host, patients[0]) is None


def test_no_one_is_put_on_a_panel_that_was_deleted_after_the_preview(
    host: OscarHost, manager: Any, other: Any, panel: int, patients: list[int]
) -> None:
    preview = other.see("/cpar/bulk", **ASSIGN | {"panel_id": panel, "step": "preview"})
    assert "Assign 3 Patients" in _text(preview)
    manager.post(f"/cpar/panels/{panel}/delete", version="1")
    late = other.post("/cpar/bulk", **ASSIGN, panel_id=panel)
    assert late.status_code == 422
    assert "This panel has been deleted: select another one." in _text(late)
    assert [_panel_of(host, patient) for patient in patients] == [None] * 3


def test_a_panel_is_deleted_with_those_that_someone_has_added_in_the_meantime(
    host: OscarHost, manager: Any, reception: Any, panel: int, patients: list[int]
) -> None:
    assert "0 patients will become Not Paneled" in _text(manager.get(f"/cpar/panels/{panel}/delete"))
    reception.post(f"/cpar/patients/{patients[0]}/choose", panel_id=panel, seen_panel_id="")
    manager.post(f"/cpar/panels/{panel}/delete", version="1")
    assert "Patients now Not Paneled: 1" in _text(manager.get("/cpar/panels"))
    assert _panel_of(host, patients[0]) is None


def test_an_edit_of_a_panel_that_was_deleted_in_the_meantime_says_so(manager: Any, other: Any, panel: int) -> None:
    manager.post(f"/cpar/panels/{panel}/delete", version="1")
    late = other.post(f"/cpar/panels/{panel}/edit", **_entered(number="0099"))
    assert late.status_code == 404
    assert "It may have been deleted" in _text(late)


def test_of_two_who_press_submit_the_second_is_shown_who_was_first(
    manager: Any, other: Any, panel: int, fill: Any
) -> None:
    fill(panel)
    assert manager.post(f"/cpar/panels/{panel}/submit").status_code == 303
    late = other.post(f"/cpar/panels/{panel}/submit")
    assert late.status_code == 409
    assert "Penner, Ada already queued this panel" in _text(late)


def test_an_undo_gives_back_only_those_that_no_one_has_moved_in_the_meantime(
    host: OscarHost, manager: Any, other: Any, panel: int, other_panel: int, patients: list[int]
) -> None:
    answer = manager.post("/cpar/bulk", **ASSIGN, panel_id=panel).location
    other.post(f"/cpar/patients/{patients[0]}/choose", panel_id=other_panel, seen_panel_id=panel)
    page = _text(manager.get(manager.post(f"{answer}/undo").location))
    assert "Patients restored: 2. Changed since, so not restored: 1." in page
    assert [_panel_of(host, patient) for patient in patients] == [other_panel, None, None]


def test_of_two_who_undo_the_second_is_shown_who_has_done_it(
    manager: Any, other: Any, panel: int, patients: list[int]
) -> None:
    answer = manager.post("/cpar/bulk", **ASSIGN, panel_id=panel).location
    manager.post(f"{answer}/undo")
    page = _text(other.get(other.post(f"{answer}/undo").location))
    assert "Nothing was changed: this bulk update had already been undone" in page
    assert "Undone by Penner, Ada, Nov 10, 2026, 10:00 AM" in page


def test_a_user_who_meets_other_numbers_than_in_the_preview_is_informed(
    manager: Any, reception: Any, panel: int, other_panel: int, patients: list[int]
) -> None:
    reception.post(f"/cpar/patients/{patients[0]}/choose", panel_id=panel, seen_panel_id="")
    answer = manager.post("/cpar/bulk", **ASSIGN, panel_id=panel, expected="3")
    page = _text(manager.get(answer.location))
    assert "the numbers differ from the review" in page
    assert "Added: 2" in page
    assert "Already on the panel: 1" in page


@pytest.fixture
def both(open_tab: Callable[..., Page]) -> tuple[Page, Page]:
    """Two administrators at their browsers."""
    return open_tab(MANAGER), open_tab(BARRED)


def test_two_managers_in_two_browsers_edit_the_same_panel(host: OscarHost, both: tuple[Page, Page], panel: int) -> None:
    first, second = both
    for one in both:
        one.goto(f"/cpar/panels/{panel}/edit")
    first.get_by_label("CPAR Panel Number").fill("0050")
    first.get_by_role("button", name="Save").click()
    expect(first.get_by_role("row", name="0050")).to_be_visible()
    second.get_by_label("CPAR Panel Number").fill("0099")
    second.get_by_role("button", name="Save").click()
    alert = second.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert.get_by_role("row", name="CPAR Panel Number")).to_contain_text("0050")
    expect(second.get_by_label("CPAR Panel Number")).to_have_value("0099")
    look(second, "panel-edited-by-two")
    second.get_by_role("link", name="keep the current values").click()
    expect(second.get_by_label("CPAR Panel Number")).to_have_value("0050")
    assert _live(host)[0].number == "0050"


def test_two_clerks_in_two_browsers_assign_the_same_patient(
    host: OscarHost, open_tab: Callable[..., Page], panel: int, other_panel: int, patients: list[int]
) -> None:
    tabs = open_tab(RECEPTION), open_tab(MANAGER)
    for tab in tabs:
        tab.goto(f"/patients/{patients[0]}")
        tab.locator("summary[aria-label='Add to a panel']").click()
    tabs[0].get_by_role("button", name="0042").click()
    expect(tabs[0].locator(".cpar-widget-panel")).to_have_text("0042 (Okafor, Adaeze)")
    tabs[1].get_by_role("button", name="0077").click()
    expect(tabs[1].get_by_text("Someone else moved this patient to panel 0042")).to_be_visible()
    assert _panel_of(host, patients[0]) == panel
