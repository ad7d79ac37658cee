"""OSCAR's own lists of patients: marks on its day sheet, and a column in the results of its search."""

import re
from datetime import date, datetime
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from cpar_plugin.domain.confirmation import ConfirmedHow
from cpar_plugin.store import tables
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
    with page.expect_response("**/page/notes"):  # a busy browser may be idle for a while before it asks
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
    expect(page.get_by_role("button", name="Panel: Not Paneled.")).to_have_count(2)
    no_findings(page, "oscar-day-sheet", ".plugin-mark")
    picture(page, "oscar-day-sheet", full_page=False)


def test_the_search_has_a_column_with_the_panel(bed: Bed, patients: dict[str, int], at_browser: At) -> None:
    page = at_browser(DOCTOR)
    bed.oscar.set(patients=[(one, name) for name, one in patients.items()])
    assert len(asked(page, SEARCH)) == 1
    table = page.locator("#patientResults")
    expect(table.get_by_text("Panel", exact=True)).to_be_visible()
    headings = table.locator("tr.tableHeadings th").all_inner_texts()
    assert headings[headings.index("Doctor") + 1] == "Panel"
    place = headings.index("Panel") + 1
    cells = table.locator(f"tr:not(.tableHeadings) td:nth-child({place})")
    expect(cells).to_have_text(["0042", "0042 P", "Not Paneled P"])
    assert {row.locator("> *").count() for row in table.locator("tr").all()} == {len(headings)}
    no_findings(page, "oscar-search", ".plugin-mark")
    picture(page, "oscar-search", full_page=False)


@pytest.fixture
def visitors(rows: Any, own_host: OscarHost, two_panels: Any) -> dict[str, int]:
    """Three with appointments today: confirmed two years ago, on no panel, and confirmed two years ago."""
    today = own_host.clock.now().astimezone(own_host.clock.zone).date()
    results = {}
    for name in ("DIAZ, PAT", "EVANS, PAT", "FOX, PAT"):
        results[name] = rows.patient(hin=next(_PHNS), last_name=name.partition(",")[0])
        rows.visit(results[name], date(2026, 1, 5))
        rows.visit(results[name], today, "23:59", "t")
        if name != "EVANS, PAT":
            confirmed_earlier(own_host, results[name], two_panels[0], datetime(2024, 4, 1, 10, 0))  # noqa: DTZ001
    return results


def test_reception_answers_on_the_day_sheet_with_one_key_for_each_patient(
    bed: Bed, own_host: OscarHost, visitors: dict[str, int], at_browser: At
) -> None:
    page = at_browser(DOCTOR)
    opened_day(bed, page, visitors)
    page.evaluate("() => { document.onkeydown = document.onkeypress = (event) => { document.title = event.key } }")
    marks, box = page.locator("button.plugin-mark"), page.get_by_role("dialog")
    expect(marks).to_have_count(6)
    marks.first.focus()
    page.keyboard.press("Enter")
    expect(box.get_by_text("your regular family provider?")).to_be_visible()
    expect(box.get_by_role("button", name="Confirmed, asked: ")).to_be_focused()
    expect(box.get_by_role("link", name="Check-in list")).to_have_attribute("href", "/oscar/cpar/check-in")
    no_findings(page, "oscar-day-sheet-box", "dialog")
    picture(page, "oscar-day-sheet-box", full_page=False)
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(marks.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(box.get_by_role("button", name="Confirmed, asked: ")).to_be_focused()
    page.keyboard.press("1")
    expect(box).to_have_count(0)
    result = page.get_by_role("img", name="Confirmed: asked at check-in.")
    expect(result).to_have_count(2)  # both appointments of this patient
    expect(page.get_by_role("status")).to_have_text("Confirmed: asked at check-in.")
    expect(marks.first).to_be_focused()  # the next patient
    page.keyboard.press("Enter")
    expect(box.get_by_role("link", name="Add to a panel")).to_have_attribute("target", "_blank")
    page.keyboard.press("4")
    expect(page.get_by_role("img", name="Not asked today.")).to_have_count(2)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.title() == "Enter", "a key in the box is none of OSCAR's page"
    with own_host.database.engine.connect() as connection:
        member = connection.execute(tables.member.select().where(tables.member.c.patient_id == visitors["DIAZ, PAT"]))
        assert member.one().confirmed_how == ConfirmedHow.AT_CHECK_IN
    picture(page, "oscar-day-sheet-done", full_page=False)


def test_the_mark_says_in_its_box_what_cannot_be_done_and_what_a_colleague_has_done(
    bed: Bed, own_host: OscarHost, rows: Any, two_panels: Any, visitors: dict[str, int], at_browser: At
) -> None:
    page = at_browser(DOCTOR, forgiving=True)
    away = False
    # Before the page is opened: one that is open may still send what it sends next past a route that is new.
    page.route("**/check-in/*", lambda route: route.abort() if away else route.continue_())
    another_day = rows.patient()
    opened_day(bed, page, {**visitors, "GRAY, PAT": another_day})
    marks, box = page.locator("button.plugin-mark"), page.get_by_role("dialog")
    marks.nth(3).click()
    expect(box).to_have_text("Panel: Not Paneled.")  # no appointment today: the words alone
    page.keyboard.press("Escape")
    marks.first.click()
    expect(box.get_by_role("button", name="Confirmed, asked: ")).to_be_focused()
    confirmed_earlier(own_host, visitors["DIAZ, PAT"], two_panels[1], seen_panel_id=two_panels[0])
    page.keyboard.press("1")
    expect(box.get_by_role("alert")).to_contain_text("moved this patient to panel 0077")
    page.keyboard.press("Escape")
    marks.nth(2).click()
    expect(box.get_by_role("button", name="Moved away: ")).to_be_visible()
    away = True
    page.keyboard.press("3")
    expect(box.get_by_role("alert")).to_contain_text("Nothing was saved")
    away = False
    page.keyboard.press("3")
    expect(page.get_by_role("img", name="Moved away: on no panel here.")).to_have_count(2)


def test_the_day_sheet_leads_to_the_check_in_list(bed: Bed, visitors: dict[str, int], at_browser: At) -> None:
    page = at_browser(DOCTOR)
    opened_day(bed, page, visitors)
    with page.expect_popup() as popup:
        page.locator("#firstMenu").get_by_role("link", name="Check-in").click()
    expect(popup.value.get_by_role("heading", name="Check-in")).to_be_visible()
    for name in visitors:
        expect(popup.value.get_by_role("link", name=re.compile(name, re.IGNORECASE)).last).to_be_visible()


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
