"""Lines of reports on their page: two people at one line, all that are found, undo, paper, file, the patient's box."""

import re
from typing import Any

import pytest
from sqlalchemy import select, update

from cpar_plugin.store.tables import report_line
from oscar_host.host import OscarHost

from .conftest import MANAGER, RECEPTION
from .list_layouts import LISTED
from .report_layouts import REPORTS
from .test_reports import send, teach, text_of

ADDRESS = "/cpar/reports/lines"
CHANGE, UNDO = f"{ADDRESS}/change", f"{ADDRESS}/undo"

pytestmark = pytest.mark.databases("one")


@pytest.fixture
def patients(oscar: Any) -> list[int]:
    """Those of the report, with their PHNs."""
    return [
        oscar.patient(hin=one.phn, last_name=one.family_name, first_name=one.given_name, born=one.born.isoformat())
        for one in LISTED
    ]


@pytest.fixture
def listed(manager: Any, patients: list[int], configured: None) -> list[str]:
    """Lines of a report of conflicts, by their numbers."""
    layout = REPORTS["plain"]()
    send(manager, layout.data)
    assert teach(manager, layout).status_code == 303
    return lines_on(manager.get(ADDRESS))


def lines_on(answer: Any) -> list[str]:
    return re.findall(r'name="selected" value="(\d+)-\d+"', answer.get_data(as_text=True))


def test_the_second_of_two_at_one_line_is_notified_who_was_faster(
    manager: Any, barred: Any, listed: list[str], patients: list[int]
) -> None:
    assert len(listed) == len(patients)
    seen = [f"{line}-1" for line in listed[:2]]
    assert manager.post(CHANGE, action="take", selected=seen[0]).status_code == 303
    answer = barred.post(CHANGE, action="take", selected=seen)
    assert answer.status_code == 409
    page = text_of(answer)
    assert f"Someone else was faster. Not changed: Record {patients[0]}" in page
    assert "Penner, Ada has it. Changed by Penner, Ada, Nov 10, 2026" in page
    assert "Changed: 1 line." in page


def test_all_that_are_found_are_assigned_on_whatever_page_and_restored(
    monkeypatch: pytest.MonkeyPatch, host: OscarHost, manager: Any, listed: list[str]
) -> None:
    monkeypatch.setattr("cpar_plugin.services.reports.lines.AT_ONCE", 2)
    answer = manager.post(CHANGE, action="assign", assignee=RECEPTION, all="yes", kind="conflict")
    assert (answer.status_code, "Santos, Ada may not manage panels" in text_of(answer)) == (422, True)
    assert 'name="all" value="yes" checked' in answer.get_data(as_text=True)
    answer = manager.post(CHANGE, action="assign", assignee=MANAGER, all="yes", kind="conflict")
    assert "kind=conflict" in answer.location
    page = manager.get(answer.location).get_data(as_text=True)
    assert f"Undo this change of {len(listed)} lines" in page
    operation = re.search(r'name="operation" value="(\d+)"', page)
    assert operation
    owners = select(report_line.c.owner_id).distinct()
    with host.database.engine.connect() as connection:
        assert connection.scalars(owners).all() == [MANAGER]
    manager.post(CHANGE, action="release", selected=f"{listed[0]}-2")
    answer = manager.post(UNDO, operation=operation[1])
    assert answer.status_code == 409
    assert f"Undone: {len(listed) - 1} lines. Not restored, because they were changed since: 1." in text_of(answer)
    assert f"line {listed[0]}" in text_of(answer)
    with host.database.engine.connect() as connection:
        assert connection.scalars(owners).all() == [None]
    assert manager.post(UNDO, operation=operation[1]).status_code == 422
    assert manager.post(UNDO, operation="0").status_code == 404


def test_paper_and_file_have_what_the_list_shows(manager: Any, listed: list[str]) -> None:
    manager.post(CHANGE, action="state-waiting", note="Wrote to them", selected=f"{listed[0]}-1")
    narrowed = {"state": "waiting", "sort": "-name"}
    printed = text_of(manager.get(f"{ADDRESS}/print", **narrowed))
    assert "Example Clinic. As of Nov 10, 2026" in printed
    assert "Filters: state: Waiting." in printed
    assert printed.count("Wrote to them") == 1
    answer = manager.get(f"{ADDRESS}/export", **narrowed)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="lines-of-reports-2026-11-10.csv"'
    assert len(answer.get_data(as_text=True).splitlines()) == 2
    assert len(manager.get(f"{ADDRESS}/export").get_data(as_text=True).splitlines()) == len(listed) + 1
    for field in ("kind", "state", "due", "sort", "panel", "page"):
        assert manager.get(ADDRESS, **{field: "x"}).status_code == 422


def test_a_note_that_says_why_is_not_cleared_and_no_notes_of_many_are(manager: Any, listed: list[str]) -> None:
    manager.post(CHANGE, action="state-will-not-do", note="Deceased", selected=f"{listed[0]}-1")
    answer = manager.post(CHANGE, action="note", note="", selected=f"{listed[0]}-2", state="will-not-do")
    assert (answer.status_code, "The note says why" in text_of(answer)) == (422, True)
    answer = manager.post(CHANGE, action="note", note=" ", all="yes", state="will-not-do")
    assert (answer.status_code, "To clear notes, select one line at a time" in text_of(answer)) == (422, True)
    assert "Deceased" in text_of(manager.get(f"/cpar/reports/lines/{listed[0]}"))
    manager.post(CHANGE, action="note", note="Moved", selected=f"{listed[0]}-2", state="will-not-do")
    manager.post(CHANGE, action="state-open", selected=f"{listed[0]}-3")
    assert manager.post(CHANGE, action="note", note="", selected=f"{listed[0]}-4").status_code == 303


def test_overdue_lines_are_marked_and_found(host: OscarHost, manager: Any, listed: list[str]) -> None:
    assert lines_on(manager.get(ADDRESS, due="overdue")) == []
    with host.database.writing() as connection:
        moment = host.clock.now().replace(year=2025)
        connection.execute(update(report_line).where(report_line.c.line_id == int(listed[1])).values(opened_at=moment))
    answer = manager.get(ADDRESS, due="overdue")
    assert lines_on(answer) == [listed[1]]
    assert "Dec 10, 2025 Overdue" in text_of(answer)
    assert lines_on(manager.get(ADDRESS))[0] == listed[1]
    assert lines_on(manager.get(ADDRESS, sort="-age"))[-1] == listed[1]


def test_tab_and_box_say_what_is_open_until_it_is_done(
    manager: Any, reception: Any, listed: list[str], patients: list[int]
) -> None:
    assert f"Reports {len(listed)} to do" in text_of(manager.get("/cpar/panels"))
    box = f"/cpar/patients/{patients[0]}/widget"
    told = "Conflict with another clinic , open since Nov 10, 2026"
    assert told in text_of(reception.get(box))
    manager.post(CHANGE, action="state-done", selected=f"{listed[0]}-1")
    assert told not in text_of(reception.get(box))
    assert f"Reports {len(listed) - 1} to do" in text_of(manager.get("/cpar/panels"))
