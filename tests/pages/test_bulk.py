"""Bulk Update: form, preview, carrying out, undo."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import func, select, update

import cpar_plugin
from cpar_plugin.services.panels import editing
from cpar_plugin.store.tables import member, operation, skipped
from cpar_plugin.web.bulk import ACTIONS
from oscar_host.host import OscarHost

from ..browser import look
from .conftest import BARRED, MANAGER

pytestmark = pytest.mark.databases("one")


def _text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"</?strong>", "", response.get_data(as_text=True)))


def _members(host: OscarHost) -> dict[str, int]:
    with host.database.engine.connect() as connection:
        return {panel.number: panel.members for panel in editing.live_panels(connection, host)}


@pytest.fixture
def patients(oscar: Any) -> list[int]:
    """Three active patients of Dr Okafor, one of them without a visit, and an inactive one."""
    results = [oscar.patient(hin=f"10000000{number}") for number in range(3)]
    for patient in results[:2]:
        oscar.visit(patient)
    return [*results, oscar.patient(patient_status="IN")]


def test_the_form_offers_the_three_orders_and_active_as_the_status(manager: Any, panel: int) -> None:
    page = _text(manager.get("/cpar/bulk"))
    for words in ("Assign patients to a panel", "Move patients to a different panel", "Remove patients from a panel"):
        assert words in page
    assert '<option value="AC" selected>Active</option>' in page
    assert re.search(r'value="assign" id="cpar-kind-assign" checked', page)


def test_every_action_has_its_button_and_hides_the_fields_of_the_others(manager: Any, panel: int) -> None:
    page, css = _text(manager.get("/cpar/bulk")), Path(cpar_plugin.__file__).with_name("static") / "cpar.css"
    names = re.findall(r'name="kind" value="([a-z]+)"', page)
    assert names == [action.name for action in ACTIONS]
    for action in ACTIONS:
        assert f'cpar-for-{action.name}">{action.verb} Patients</button>' in page
        hides = f'.cpar-bulk:has([value="{action.name}"]:checked) [class*="cpar-for-"]:not(.cpar-for-{action.name})'
        assert hides in css.read_text(encoding="utf-8"), "add this line to cpar.css"
        shown = re.findall(rf'class="cpar-field[a-z -]* cpar-for-{action.name}\b.*?> <label for="cpar-([a-z_]+)"', page)
        assert set(shown) == set(action.fields)


def test_a_preview_says_and_changes_nothing(host: OscarHost, manager: Any, panel: int, patients: list[int]) -> None:
    page = _text(manager.see("/cpar/bulk", kind="assign", provider_id="101", panel_id=panel, status="AC"))
    assert "3 patients who are currently Not Paneled will be added" in page
    assert "1 patient without a visit will have no confirmation date" in page
    assert "1 patient with a different status will not be changed" in page
    assert "As things are now, 2 of these patients will be submitted and 1 will be excluded:" in page
    assert "<li>No visit in the past: 1. Only patients with a past visit can be submitted" in page
    assert ">Assign 3 Patients</button>" in page
    assert _members(host) == {"0042": 0}


def test_assigning_shows_what_was_done_and_can_be_undone_once(
    host: OscarHost, manager: Any, panel: int, patients: list[int]
) -> None:
    order = {"kind": "assign", "provider_id": "101", "panel_id": panel, "status": "AC"}
    answer = manager.post("/cpar/bulk", step="carry-out", **order)
    assert answer.status_code == 303
    assert "Added: 3" in _text(manager.get(answer.location))
    assert _members(host) == {"0042": 3}
    undo = f"{answer.location}/undo"
    assert manager.post(undo).location == answer.location
    page = _text(manager.get(answer.location))
    assert "This bulk update was undone. Patients restored: 3" in page
    assert undo not in page
    assert _members(host) == {"0042": 0}
    assert manager.post(undo).status_code == 303
    assert "had already been undone" in _text(manager.get(answer.location))


def test_a_bulk_update_of_the_past_is_found_again_from_the_form(manager: Any, panel: int, patients: list[int]) -> None:
    answer = manager.post("/cpar/bulk", step="carry-out", kind="assign", provider_id="101", panel_id=panel, status="AC")
    page = _text(manager.get("/cpar/bulk"))
    assert answer.location in page
    assert "Patients of Okafor, Adaeze with status Active assigned to panel 0042." in page
    assert "3 changed, by Penner, Ada" in page


def test_moving_and_removing(host: OscarHost, manager: Any, panel: int, other_panel: int, patients: list[int]) -> None:
    manager.post("/cpar/bulk", step="carry-out", kind="assign", provider_id="101", panel_id=panel, status="AC")
    move = {"kind": "move", "from_panel_id": panel, "panel_id": other_panel, "status": "AC"}
    page = _text(manager.see("/cpar/bulk", **move))
    assert "3 patients will leave panel 0042, which will then be empty" in page
    assert "eHealth Services Provider Support" in page
    assert "3 patients have an MRP who is not a provider of the panel" in page
    manager.post("/cpar/bulk", step="carry-out", **move)
    assert _members(host) == {"0042": 0, "0077": 3}
    remove = {"kind": "remove", "from_panel_id": other_panel, "status": "AC"}
    page = _text(manager.see("/cpar/bulk", **remove))
    assert "3 patients will leave panel 0077, which will then be empty, and become Not Paneled" in page
    answer = manager.post("/cpar/bulk", step="carry-out", **remove)
    assert "Removed: 3" in _text(manager.get(answer.location))
    assert _members(host) == {"0042": 0, "0077": 0}


def test_the_order_can_be_changed_after_the_preview(manager: Any, panel: int) -> None:
    page = _text(manager.see("/cpar/bulk", step="change", kind="move", from_panel_id=panel, panel_id="", status="IN"))
    assert re.search(r'value="move" id="cpar-kind-move" checked', page)
    assert f'<option value="{panel}" selected>' in page


def test_an_order_that_concerns_no_one_offers_nothing_to_do(host: OscarHost, manager: Any, panel: int) -> None:
    order = {"kind": "remove", "from_panel_id": panel, "status": "AC"}
    page = _text(manager.see("/cpar/bulk", **order))
    assert "No patients match" in page
    assert 'value="carry-out"' not in page
    assert manager.post("/cpar/bulk", step="carry-out", **order).location == "/cpar/bulk"


def test_a_patient_that_the_manager_may_not_see_is_not_changed_and_counted(
    host: OscarHost, oscar: Any, manager: Any, panel: int, patients: list[int]
) -> None:
    oscar.privilege("receptionist", f"_demographic${patients[0]}", "o")
    order = {"kind": "assign", "provider_id": "101", "panel_id": panel, "status": "AC"}
    assert "1 patient whose record you do not have access to will not be changed" in _text(
        manager.see("/cpar/bulk", **order)
    )
    manager.post("/cpar/bulk", step="carry-out", **order)
    assert _members(host) == {"0042": 2}
    with host.database.engine.connect() as connection:
        assert connection.scalar(select(member).where(member.c.patient_id == patients[0])) is None


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        ({"kind": "assign"}, ["provider_id", "panel_id"]),
        ({"kind": "move"}, ["from_panel_id", "panel_id"]),
        ({"kind": "remove"}, ["from_panel_id"]),
        ({"kind": "explode"}, ["kind"]),
        ({"kind": "confirm", "from_panel_id": "1", "status": "AC"}, ["kind"]),
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
    answer = manager.see("/cpar/bulk", step=step, **order)
    page = _text(answer)
    assert answer.status_code == 422
    for field in fields:
        assert f'<a href="#cpar-{field}">' in page
        assert f'id="cpar-{field}"' in page
    assert _members(host) == {"0042": 0}


def test_an_operation_that_is_not_there_is_a_404(manager: Any, panel: int) -> None:
    assert manager.get("/cpar/bulk/99").status_code == 404
    assert manager.post("/cpar/bulk/99/undo").status_code == 404


ASSIGN = {"kind": "assign", "provider_id": "101", "status": "AC"}


def _csv(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.get_data().startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(response.get_data().decode("utf-8-sig"))))


def test_the_preview_and_the_result_list_those_not_assigned_with_the_reason(
    host: OscarHost, oscar: Any, manager: Any, panel: int, patients: list[int]
) -> None:
    already = patients[0]
    manager.post(f"/cpar/patients/{already}/choose", panel_id=panel, seen_panel_id="")
    oscar.patient(provider_no="102", patient_status="IN")  # of another MRP: not concerned
    inactive = oscar.patient(patient_status="DE", last_name="=Formula", first_name="Zoë", hin="100000777")
    preview = manager.see("/cpar/bulk", **ASSIGN, panel_id=panel)
    assert "Export these patients with reasons (CSV)</button>" in _text(preview)
    before = _csv(manager.post("/cpar/bulk", **ASSIGN, panel_id=panel, step="skipped"))
    result = manager.post("/cpar/bulk", **ASSIGN, panel_id=panel, step="carry-out").location
    page = _text(manager.get(result))
    assert "<h2>Not assigned</h2>" in page
    for reason in ("Already on the panel: 1", "Status is Inactive: 1", "Status is Deceased: 1"):
        assert f"<li>{reason}</li>" in page
    answer = manager.get(f"{result}/skipped")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="bulk-update-{result[11:]}-not-changed.csv"'
    entries = _csv(answer)
    assert entries == before
    assert [(int(row["Record"]), row["Reason"]) for row in entries] == [
        (inactive, "Status is Deceased"),
        (already, "Already on the panel"),
        (patients[3], "Status is Inactive"),
    ]
    assert entries[0] == {
        "Record": str(inactive),
        "Family name": "'=Formula",
        "Given name": "Zoë",
        "Date of birth": "1980-02-03",
        "PHN": "100000777",
        "Status": "Deceased",
        "Current panel": "",
        "Reason": "Status is Deceased",
        "How to fix": "Correct the status, or repeat the Bulk Update with this status.",
    }
    assert entries[1]["Current panel"] == "0042"


def test_the_result_says_what_was_so_when_it_was_carried_out(
    host: OscarHost, emr: OscarHost, manager: Any, panel: int, patients: list[int]
) -> None:
    answer = manager.post("/cpar/bulk", **ASSIGN, panel_id=panel, step="carry-out").location
    demographic = host.tables.demographic
    with emr.database.writing() as connection:
        changed = update(demographic).where(demographic.c.demographic_no == patients[3])
        connection.execute(changed.values(patient_status="AC", provider_no="102"))
    manager.post(f"{answer}/undo")
    [row] = _csv(manager.get(f"{answer}/skipped"))
    assert (int(row["Record"]), row["Reason"]) == (patients[3], "Status is Inactive")


def test_the_result_says_who_of_those_assigned_will_be_excluded_next_and_leads_to_them(
    oscar: Any, manager: Any, barred: Any, panel: int, patients: list[int]
) -> None:
    on_it_before = oscar.patient(hin="", provider_no="102")
    manager.post(f"/cpar/patients/{on_it_before}/choose", panel_id=panel, seen_panel_id="")
    without_phn = oscar.patient(hin="")
    oscar.visit(without_phn)
    answer = manager.post("/cpar/bulk", **ASSIGN, panel_id=panel, step="carry-out").location
    page = _text(manager.get(answer))
    listed = f'<a href="/cpar/panels/{panel}?show='
    assert f'{listed}no-phn">No PHN</a>: 1.' in page
    assert f'{listed}no-visit">No visit in the past</a>: 1.' in page
    assert f'{listed}no-confirmation">No confirmation date</a>: 1.' in page
    assert manager.get(f"/cpar/panels/{panel}", show="no-phn").status_code == 200
    oscar.privilege(BARRED, f"_demographic${without_phn}", "o")
    assert "No PHN" not in _text(barred.get(answer))
    manager.post(f"/cpar/patients/{patients[2]}/remove", seen_panel_id=panel)
    assert "No visit in the past" not in _text(manager.get(answer))
    manager.post(f"{answer}/undo")
    assert "Will be excluded from the next submission until corrected" not in _text(manager.get(answer))


def test_preview_and_result_name_those_that_a_shared_phn_excludes_elsewhere(
    host: OscarHost, oscar: Any, manager: Any, barred: Any, panel: int, other_panel: int, patients: list[int]
) -> None:
    other = oscar.patient(hin="100000001", provider_no="102", last_name="Wren", first_name="Pat")
    oscar.visit(other)
    manager.post(f"/cpar/patients/{other}/choose", panel_id=other_panel, seen_panel_id="")
    named = (
        f'<li><a href="/patients/{other}">WREN, Pat</a>, on panel '
        f'<a href="/cpar/panels/{other_panel}?show=shared-phn">0077</a>. '
        f'<a href="/patients/{patients[1]}">Other record {patients[1]}</a></li>'
    )
    preview = _text(manager.see("/cpar/bulk", **ASSIGN, panel_id=panel))
    assert "1 patient not in this update has the same PHN as a patient in it, and will also be excluded" in preview
    assert named in preview
    answer = manager.post("/cpar/bulk", **ASSIGN, panel_id=panel, step="carry-out").location
    assert named in _text(manager.get(answer))
    log = host.tables.log
    with host.database.engine.connect() as connection:
        read = select(log.c.contentId).where(log.c.action == "read", log.c.provider_no == MANAGER)
        assert connection.scalars(read).all() == ["/cpar/bulk", answer]
    oscar.privilege(BARRED, f"_demographic${other}", "o")
    closed = _text(barred.get(answer))
    assert "WREN" not in closed
    assert "<li>No access to record: 1.</li>" in closed
    assert "Next submission" not in _text(manager.see("/cpar/bulk", kind="remove", from_panel_id=panel, status="AC"))


@pytest.mark.parametrize(("kind", "words"), [("move", "not moved"), ("remove", "not removed")])
def test_those_not_moved_or_removed_are_listed_too(
    manager: Any, panel: int, other_panel: int, patients: list[int], kind: str, words: str
) -> None:
    for status in ("AC", "IN"):
        manager.post("/cpar/bulk", **ASSIGN | {"status": status}, panel_id=panel, step="carry-out")
    order = {"kind": kind, "from_panel_id": panel, "panel_id": other_panel, "status": "AC"}
    assert "Export these patients with reasons (CSV)" in _text(manager.see("/cpar/bulk", **order))
    assert len(_csv(manager.post("/cpar/bulk", **order, step="skipped"))) == 1
    answer = manager.post("/cpar/bulk", **order, step="carry-out").location
    assert f"Export patients {words}, with reasons (CSV)" in _text(manager.get(answer))
    [row] = _csv(manager.get(f"{answer}/skipped"))
    assert (int(row["Record"]), row["Current panel"], row["Status"]) == (patients[3], "0042", "Inactive")


def test_who_may_not_see_a_patient_reads_of_a_closed_record_and_nothing_else(
    oscar: Any, manager: Any, barred: Any, panel: int, patients: list[int]
) -> None:
    oscar.privilege(BARRED, f"_demographic${patients[3]}", "o")
    oscar.privilege(BARRED, f"_demographic${patients[0]}", "o")
    order = ASSIGN | {"panel_id": panel}
    page = _text(barred.see("/cpar/bulk", **order))
    assert "2 patients whose records you do not have access to will not be changed" in page
    assert "You do not have access to any of these patients" not in page
    assert "different status" not in page
    assert _csv(barred.post("/cpar/bulk", **order, step="skipped")) == []
    answer = barred.post("/cpar/bulk", **order, step="carry-out").location
    page = _text(barred.get(answer))
    assert "No access to record: 2" in page
    assert "Inactive" not in page.partition("<h2>")[2]
    assert _csv(barred.get(f"{answer}/skipped")) == []
    entries = {int(row["Record"]): row["Reason"] for row in _csv(manager.get(f"{answer}/skipped"))}
    assert entries == dict.fromkeys(
        (patients[0], patients[3]), "The person who ran the bulk update had no access to the record"
    )


def test_the_audit_trail_records_each_file(host: OscarHost, manager: Any, panel: int, patients: list[int]) -> None:
    manager.post("/cpar/bulk", **ASSIGN, panel_id=panel, step="skipped").get_data()
    answer = manager.post("/cpar/bulk", **ASSIGN, panel_id=panel, step="carry-out").location
    manager.get(f"{answer}/skipped").get_data()
    log = host.tables.log
    with host.database.engine.connect() as connection:
        entries = connection.scalars(
            select(log.c.contentId).where(log.c.action == "read", log.c.provider_no == MANAGER)
        )
        assert entries.all() == ["/cpar/bulk", f"{answer}/skipped"]


@pytest.mark.databases("both")
def test_a_form_that_is_sent_twice_is_carried_out_once_and_shows_the_same_result(
    host: OscarHost, manager: Any, panel: int, patients: list[int]
) -> None:
    preview = _text(manager.see("/cpar/bulk", **ASSIGN, panel_id=panel))
    [key] = re.findall(r'name="form_key" value="([0-9a-f]{32})"', preview)
    order = ASSIGN | {"panel_id": panel, "step": "carry-out", "form_key": key, "expected": "3"}
    first, second = (manager.post("/cpar/bulk", **order) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert "cpar-note" not in _text(manager.get(first.location))
    manager.post(f"{first.location}/undo")
    assert manager.post("/cpar/bulk", **order).location == first.location
    assert _members(host) == {"0042": 0}
    with host.database.engine.connect() as connection:
        bulk = select(func.count()).where(operation.c.kind == "bulk-assign")
        assert connection.scalar(bulk) == 1
        assert connection.scalar(select(func.count()).select_from(skipped)) == 1
    again = _text(manager.see("/cpar/bulk", **ASSIGN, panel_id=panel))
    assert key not in again


def test_a_key_that_no_form_of_ours_has_is_refused(
    host: OscarHost, manager: Any, panel: int, patients: list[int]
) -> None:
    order = ASSIGN | {"panel_id": panel, "step": "carry-out", "form_key": "x" * 500}
    assert manager.post("/cpar/bulk", **order).status_code == 422
    assert _members(host) == {"0042": 0}


@pytest.mark.databases("both")
def test_a_double_click_carries_out_once_and_a_wait_is_reported(
    open_tab: Callable[..., Page], panel: int, patients: list[int]
) -> None:
    page = open_tab(MANAGER)
    held: list[Route] = []
    is_held = False
    # Before the page is opened: one that is open may still send what it sends next past a route that is new.
    page.context.route("**/cpar/bulk", lambda route: held.append(route) if is_held else route.continue_())
    page.goto("/cpar/bulk")
    page.get_by_role("combobox", name="Provider").select_option("101")
    page.get_by_role("combobox", name="To panel").select_option(str(panel))
    page.get_by_role("button", name="Assign Patients").click()
    carry_out = page.get_by_role("button", name="Assign 3 Patients")
    look(page, "bulk-preview")
    # The answer goes to a tab of its own, and waits: so the page can be looked at meanwhile.
    page.evaluate("document.querySelector('form:has([name=expected])').target = 'answer'")
    is_held = True
    carry_out.dblclick()
    expect(carry_out).to_be_disabled()
    expect(carry_out).to_be_focused()
    carry_out.press("Enter")
    status = page.get_by_role("status")
    expect(status).to_have_text("Working ... This may take a minute or more for many patients. Please wait.")
    look(page, "bulk-busy")
    assert len(held) == 1
    assert "step=carry-out" in (held[0].request.post_data or "")
    with page.expect_popup() as answer:
        held[0].continue_()
    expect(answer.value.get_by_text("Added: 3")).to_be_visible()
    look(answer.value, "bulk-result")
    # What a browser tells a page that it shows once more from its memory:
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(carry_out).to_be_enabled()
    expect(status).to_have_count(0)


def test_every_form_that_may_take_long_says_so(manager: Any, panel: int, patients: list[int]) -> None:
    answer = manager.post("/cpar/bulk", **ASSIGN, panel_id=panel, step="carry-out").location
    for page in (
        manager.get("/cpar/bulk"),
        manager.see("/cpar/bulk", **ASSIGN | {"status": "IN"}, panel_id=panel),
        manager.get(answer),
        manager.get("/cpar/panels/new"),
        manager.get(f"/cpar/panels/{panel}/edit"),
        manager.get(f"/cpar/panels/{panel}/delete"),
        manager.get("/cpar/settings"),
    ):
        assert re.search(r'<form[^>]* data-busy="\w+ing', _text(page)), page.request.path


def test_the_pages_cost_the_same_number_of_statements_for_few_patients_and_for_many(
    oscar: Any, manager: Any, panel: int, patients: list[int], statements: list[str]
) -> None:
    def cost() -> list[int]:
        counts = []
        for fields in ({}, {"step": "skipped"}, {"step": "carry-out"}):
            statements.clear()
            answer = manager.post("/cpar/bulk", **ASSIGN, panel_id=panel, **fields)
            if not fields:
                answer = manager.get(answer.location)
            assert answer.get_data() is not None
            counts.append(len(statements))
        for address in (answer.location, f"{answer.location}/skipped"):
            statements.clear()
            shown = manager.get(address)
            assert shown.status_code == 200
            assert shown.get_data()
            counts.append(len(statements))
        return counts

    manager.post("/cpar/bulk")  # the first form of all also fetches its token
    for _ in range(2):
        oscar.patient()  # with one PHN for both, as the many have: whether they share it is a question of its own
    few = cost()
    for _ in range(30):
        oscar.patient()
        oscar.patient(patient_status="IN")
    assert cost() == few
    assert few[1] <= 12
    assert few[0] <= 23  # who is assigned is read once, for all that the preview says
    assert few[3] <= 22  # this one applies the rules of a submission, as the preview does
    assert few[4] <= 12
