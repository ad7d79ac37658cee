"""The page of a conflict with another clinic, as people work on it."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from cpar_plugin.store.tables import member
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from .conftest import MANAGER
from .report_layouts import REPORTS
from .test_reports import send, teach, text_of

pytestmark = pytest.mark.databases("one")
LINE = "/cpar/reports/conflicts/1"


@pytest.fixture
def patient(oscar: Any, manager: Any, panel: int) -> int:
    """Someone of panel 0042 in a report of conflicts."""
    patient_id: int = oscar.patient(hin="100000001", last_name="Both", first_name="Ann")
    oscar.visit(patient_id)
    for member_id in (patient_id, oscar.patient(hin="100000009", last_name="Stays")):
        manager.post(f"/cpar/patients/{member_id}/choose", panel_id=panel, seen_panel_id="")
    data = b"PHN,Last name,Other provider,Other clinic,Date\r\n100000001,Both,Dr. Else,Else Clinic,2026-11-03\r\n"
    send(manager, data)
    answer = teach(manager, REPORTS["plain"]()._replace(data=data))
    assert answer.status_code == 303
    return patient_id


def version(person: Any) -> str:
    page = person.get(LINE).get_data(as_text=True)
    return page.partition('name="version" value="')[2].partition('"')[0]


def test_the_page_shows_the_evidence_and_what_the_report_says(manager: Any, patient: int) -> None:
    page = text_of(manager.get(LINE))
    for text in ("BOTH, Ann", "PHN 100000001", "Panel 0042", "Last visit Oct 5, 2026", "Next appointment None"):
        assert text in page
    assert "Last confirmation Nov 10, 2026 (on adding)" in page
    assert "(panel 0042). Cut 1: the only provider seen, 1 of 1 visits since" in page
    for text in ("Other provider Dr. Else", "Other clinic Else Clinic", "Date Nov 3, 2026"):
        assert text in page
    assert "The registry learns it with the submission of Dec 7, 2026." in page
    assert f'href="{LINE}"' in manager.get("/cpar/reports/lines").get_data(as_text=True)


def test_who_removes_the_patient_is_notified_when_the_registry_learns_it(manager: Any, patient: int) -> None:
    answer = manager.see(LINE, action="theirs", reason="other-provider", note="called them", version=version(manager))
    page = text_of(answer)
    assert "Removed from the panel. The registry learns it with the submission of Dec 7, 2026." in page
    assert "Theirs: removed from the panel by" in page
    assert "Waiting" in page
    assert "Panel Not Paneled" in page
    assert "has another provider; called them" in text_of(manager.get(f"/cpar/patients/{patient}/history"))


def test_who_removes_the_last_patient_is_notified_that_nothing_will_be_submitted(
    manager: Any, host: OscarHost, patient: int, panel: int
) -> None:
    with host.database.engine.connect() as connection:
        others = connection.scalars(select(member.c.patient_id).where(member.c.patient_id != patient)).all()
    for other_id in others:
        manager.post(f"/cpar/patients/{other_id}/remove", seen_panel_id=panel)
    told = "No one else is on this panel, and an empty panel is not submitted"
    assert told in text_of(manager.get(LINE))
    page = text_of(manager.see(LINE, action="theirs", version=version(manager)))
    assert f"Removed from the panel. {told}" in page
    assert "The registry learns it with the submission" not in page


def test_a_wrong_form_is_notified_and_changes_nothing(manager: Any, patient: int) -> None:
    right = version(manager)
    for fields, status, message in (
        ({"action": "theirs", "reason": "nonsense", "version": right}, 422, "Select a reason from the list."),
        ({"action": "nonsense", "version": right}, 422, "incomplete"),
        ({"action": "ask", "version": "x"}, 422, "incomplete"),
        ({"action": "ask", "version": "99"}, 409, "Someone else changed this line"),
    ):
        answer = manager.post(LINE, **fields)
        assert (answer.status_code, message in text_of(answer)) == (status, True), text_of(answer)
    assert version(manager) == right
    assert manager.get("/cpar/reports/conflicts/99").status_code == 404


def test_a_conflict_about_someone_who_may_not_be_seen_is_refused(
    manager: Any, barred: Any, oscar: Any, patient: int
) -> None:
    oscar.privilege("303", f"_demographic${patient}", "o")
    right = version(manager)
    assert barred.get(LINE).status_code == 403
    assert barred.post(LINE, action="ask", version=right).status_code == 403
    assert version(manager) == right


def test_a_conflict_is_worked_on_in_a_browser(
    host: OscarHost, oscar: Any, patient: int, configured: None, open_tab: OpenTab
) -> None:
    oscar.visit(patient, "2026-11-10", "16:00", "t")
    page = open_tab(MANAGER)
    page.goto("/cpar/reports/lines")
    page.get_by_role("link", name="Evidence and endings: BOTH, Ann").click()
    look(page, "report-conflict")
    page.get_by_role("button", name="Ask at check-in").click()
    expect(page.get_by_role("status")).to_contain_text("The patient is on the check-in list")
    expect(page.get_by_role("main")).to_contain_text("Not asked yet.")
    page.goto("/cpar/check-in")
    row = page.get_by_role("listitem").filter(has_text="Both, Ann")
    expect(row).to_contain_text("Another clinic has you as its patient too.")
    look(page, "check-in-conflict")
    row.get_by_role("button", name="Has another provider").click()
    expect(page.get_by_text("Has another provider: on no panel here.")).to_be_visible()
    page.goto(LINE)
    expect(page.get_by_role("main")).to_contain_text("The patient has another provider, and is on no panel here.")
    look(page, "report-conflict-answered")


def test_the_question_is_the_clinics_own(manager: Any, oscar: Any, patient: int) -> None:
    oscar.visit(patient, "2026-11-10", "16:00", "t")
    manager.post(LINE, action="ask", version=version(manager))
    own = {"question": "A?", "question_not_paneled": "B?", "question_conflict": "Is it {provider}, or elsewhere?"}
    saved = manager.post("/cpar/settings/check-in", action="save", version="2", **own)
    assert saved.status_code == 303
    for address in ("/cpar/check-in", "/cpar/check-in/slips"):
        assert "or elsewhere?" in text_of(manager.get(address))


def test_letters_of_a_day_are_printed_each_on_a_sheet_of_its_own(manager: Any, patient: int, open_tab: OpenTab) -> None:
    page = open_tab(MANAGER)
    page.goto("/cpar/settings/letters")
    page.get_by_label("Letterhead").fill("1 Example Street")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("main")).to_contain_text("Re: Okafor, Ada")
    look(page, "letter-settings")
    page.get_by_role("button", name="Save").click()
    for to in ("Else Clinic", "Else Clinic, again"):
        page.goto(LINE)
        page.get_by_label("To", exact=True).fill(to)
        page.get_by_role("button", name="Record letter as sent").click()
        expect(page.get_by_role("status")).to_contain_text("The letter was recorded as sent.")
    page.get_by_label("From").fill("Else Clinic")
    page.get_by_label("What it says").fill("They agree")
    page.get_by_role("button", name="Log letter").click()
    expect(page.get_by_role("main")).to_contain_text("received from Else Clinic: They agree")
    look(page, "report-conflict-letters")
    page.get_by_role("link", name="All letters of today as one print").click()
    expect(page.get_by_role("article")).to_have_count(2)
    expect(page.get_by_role("article").first).to_contain_text("Re: Both, Ann, born Feb 3, 1980, PHN 100000001")
    look(page, "letters")
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="Letter"))) == 2
    page.get_by_label("Letters of").fill("2026-11-09")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("main")).to_contain_text("No letters were sent on this day.")
    page.get_by_role("link", name="Nov 10, 2026").click()
    expect(page.get_by_role("article")).to_have_count(2)
    page.goto(f"/cpar/patients/{patient}/history")
    look(page, "patient-history-letters")
    page.get_by_role("link", name="Letter of Nov 10, 2026 sent to Else Clinic, again").click()
    page.get_by_role("button", name="Withdraw this letter").click()
    expect(page.get_by_role("status")).to_contain_text("The letter was withdrawn.")
    look(page, "letter-withdrawn")
    page.goto("/cpar/reports/letters")
    expect(page.get_by_role("article")).to_have_count(1)
    page.goto(f"/cpar/patients/{patient}/history")
    expect(page.get_by_role("main")).to_contain_text("Withdrawn: Letter of Nov 10, 2026 sent to Else Clinic, again")
