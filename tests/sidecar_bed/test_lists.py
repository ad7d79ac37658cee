"""OSCAR's own lists of patients: marks on its day sheet, and a column in the results of its search."""

from datetime import date
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from oscar_host.host import OscarHost

from ..browser import no_findings, picture
from .bed import Bed
from .conftest import At
from .installed import DOCTOR, NO_RIGHTS
from .test_record import confirmed_earlier

DAY = "/oscar/provider/providercontrol.jsp"
SEARCH = "/oscar/demographic/demographiccontrol.jsp?displaymode=Search&search_mode=search_name&keyword=E"
_PHNS = map(str, count(200_000_001))


@pytest.fixture
def patients(rows: Any, own_host: OscarHost, two_panels: Any) -> dict[str, int]:
    """One who is well on panel 0042, one who will be left out, and one on no panel."""
    well, excluded = rows.patient(hin=next(_PHNS)), rows.patient(hin="")
    for patient_id in (well, excluded):
        rows.visit(patient_id, date(2026, 1, 5))
        confirmed_earlier(own_host, patient_id, two_panels[0])
    return {"ABEL, PAT": well, "BAKER, PAT": excluded, "CHAN, PAT": rows.patient()}


def asked(page: Page, address: str) -> list[Request]:
    """The questions to our side about listed patients, while the page is opened."""
    questions: list[Request] = []
    page.on("request", lambda request: questions.append(request) if "/page/notes" in request.url else None)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return questions


def opened_day(bed: Bed, page: Page, patients: dict[str, int]) -> list[Request]:
    """The day sheet with an appointment of nobody and two for each patient."""
    listed = [*patients.items(), ("LUNCH", 0), *patients.items()]
    bed.oscar.set(appointments=[(7 + n, one, name, f"09:{10 + n}") for n, (name, one) in enumerate(listed)])
    return asked(page, DAY)


def test_the_day_sheet_marks_who_has_something_to_do_and_asks_once(
    bed: Bed, patients: dict[str, int], at_browser: At
) -> None:
    page = at_browser(DOCTOR)
    [question] = opened_day(bed, page, patients)
    assert question.url.endswith("/oscar/cpar/page/notes"), "an address that tells of patients"
    marked = page.locator("td.appt:has(.plugin-mark) .apptLink")
    expect(marked).to_have_text(["BAKER, PAT", "CHAN, PAT"] * 2)
    expect(page.locator("td.appt .plugin-mark").first).to_have_attribute(
        "title", "Panel: No PHN. Enter the patient's PHN. EMR field: Health Ins. #."
    )
    expect(page.get_by_role("img", name="Panel: Not Paneled.")).to_have_count(2)
    no_findings(page, "oscar-day-sheet", ".plugin-mark")
    picture(page, "oscar-day-sheet", full_page=False)


def test_the_search_has_a_column_with_the_panel(bed: Bed, patients: dict[str, int], at_browser: At) -> None:
    page = at_browser(DOCTOR)
    bed.oscar.set(patients=[(one, name) for name, one in patients.items()])
    assert len(asked(page, SEARCH)) == 1
    table = page.locator("#patientResults")
    headings = table.locator("tr.tableHeadings th").all_inner_texts()
    assert headings[headings.index("Doctor") + 1] == "Panel"
    place = headings.index("Panel") + 1
    cells = table.locator(f"tr:not(.tableHeadings) td:nth-child({place})")
    expect(cells).to_have_text(["0042", "0042 P", "Not Paneled P"])
    assert {row.locator("> *").count() for row in table.locator("tr").all()} == {len(headings)}
    no_findings(page, "oscar-search", ".plugin-mark")
    picture(page, "oscar-search", full_page=False)


def test_who_may_see_no_patients_sees_both_as_they_were(bed: Bed, patients: dict[str, int], at_browser: At) -> None:
    page = at_browser(NO_RIGHTS)
    assert len(opened_day(bed, page, patients)) == 1
    expect(page.locator(".plugin-mark")).to_have_count(0)


def test_while_our_side_is_down_or_does_not_answer_both_are_as_they_were(
    bed: Bed, patients: dict[str, int], at_browser: At
) -> None:
    page = at_browser(DOCTOR, forgiving=True)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("**/page/notes", lambda route: None)  # never answered
    bed.oscar.set(appointments=[(7, patients["CHAN, PAT"], "CHAN, PAT", "09:10")])
    with page.expect_event("requestfailed", lambda request: "/page/notes" in request.url):
        page.goto(DAY, wait_until="load")
        expect(page.locator(".apptLink")).to_have_text("CHAN, PAT")
    page.unroute_all()
    bed.stop_application()
    try:
        page.goto(DAY)
        page.wait_for_load_state("networkidle")
        expect(page.locator(".apptLink")).to_have_text("CHAN, PAT")
    finally:
        bed.start_application()
    assert errors == []
