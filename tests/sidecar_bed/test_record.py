"""The box in OSCAR's own Master Record, for people who are signed in to OSCAR and to nothing else."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from oscar_host.host import OscarHost

from ..browser import no_findings, picture
from .bed import Bed
from .conftest import At, master_record, sign_in
from .installed import DOCTOR, MANAGER, NO_RIGHTS

MASTER_SCRIPT = "/oscar/js/custom/clinic/master.js"


def box(page: Page) -> Locator:
    return page.locator(".rightSection > #plugin-boxes")


def opened(page: Page, patient_id: int) -> Page:
    """The patient's Master Record, with all that belongs to it: until then the box is one without scripts."""
    page.goto(master_record(patient_id))
    page.wait_for_load_state("networkidle")
    return page


LAST_SPRING = datetime(2026, 4, 1, 10, 0)  # noqa: DTZ001  the clinic's zone


def confirmed_earlier(
    host: OscarHost, patient_id: int, panel_id: int, on: datetime = LAST_SPRING, seen_panel_id: int | None = None
) -> None:
    """Add the patient to the panel, or move them to it, as of last spring."""
    then = replace(host, clock=FixedClock(on))
    one_patient.choose(then, then.identity.system, patient_id, panel_id, seen_panel_id=seen_panel_id)


def test_a_patient_is_added_moved_and_removed_in_the_master_record(
    bed: Bed, rows: Any, two_panels: Any, at_browser: At
) -> None:
    patient_id = rows.patient(last_name="ABEL")
    bed.oscar.set(appointments=[(7, patient_id, "ABEL, PAT", "09:15")])
    schedule = at_browser(DOCTOR)
    with schedule.expect_popup() as popup:
        schedule.locator(".masterBtn").click()
    page = popup.value
    address = page.url
    expect(box(page).get_by_role("heading", name="Panel (CPAR)")).to_be_visible()
    expect(page.locator(".rightSection > :first-child")).to_have_id("plugin-boxes")
    page.wait_for_load_state("networkidle")
    widget = page.locator("#cpar-widget")
    widget.get_by_label("Add to a panel").click()
    widget.get_by_role("button", name="0042 (Okafor, Ada)").click()
    expect(widget.get_by_role("status")).to_contain_text("Added to this panel")
    widget.get_by_label("Panel options").click()
    widget.get_by_text("Move to another panel").click()
    widget.get_by_role("button", name="0077 (Okafor, Ada)").click()
    expect(widget.get_by_role("status")).to_contain_text("Moved to this panel")
    widget.get_by_label("Panel options").click()
    widget.get_by_role("button", name="Remove from current panel").click()
    expect(widget.get_by_role("status")).to_contain_text("Removed from the panel")
    assert page.url == address


def test_confirming_disturbs_neither_the_page_nor_the_form_around_it(
    rows: Any, own_host: OscarHost, two_panels: Any, at_browser: At
) -> None:
    patient_id = rows.patient()
    confirmed_earlier(own_host, patient_id, two_panels[0])
    page = opened(at_browser(DOCTOR), patient_id)
    box(page).get_by_role("button", name="Confirm").click()
    expect(box(page).get_by_role("status")).to_contain_text("Confirmed today")
    assert page.evaluate("checked") == 0, "the checks of OSCAR's form have run"
    assert page.evaluate("Object.keys(window).length - itsOwn") == 2, "a global name: OSCAR's two are itsOwn, checked"


def test_without_the_script_of_the_box_its_forms_lead_back_to_the_master_record(
    rows: Any, two_panels: Any, at_browser: At
) -> None:
    patient_id = rows.patient()
    page = at_browser(DOCTOR, forgiving=True)
    page.route("**/static/htmx.esm.js", lambda route: route.abort())
    page.goto(master_record(patient_id))
    box(page).get_by_label("Add to a panel").click()
    box(page).get_by_role("button", name="0042 (Okafor, Ada)").click()
    expect(box(page).get_by_label("Panel options")).to_be_visible()
    assert page.url.endswith(master_record(patient_id))


@pytest.mark.parametrize("width", [700, 1000])
def test_the_box_fits_into_a_pop_up(
    rows: Any, own_host: OscarHost, two_panels: Any, at_browser: At, width: int
) -> None:
    patient_id = rows.patient(hin="")
    confirmed_earlier(own_host, patient_id, two_panels[0])
    page = at_browser(DOCTOR, width=width)
    page.goto(master_record(patient_id))
    box(page).get_by_label("Panel options").click()
    box(page).get_by_text("Move to another panel").click()
    expect(box(page).get_by_role("button", name="0077 (Okafor, Ada)")).to_be_visible()
    picture(page, f"master-record-{width}", full_page=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    place = page.locator("#cpar-widget").bounding_box()
    assert place
    assert place["height"] < 250, "OSCAR's own margins are between the lines"
    no_findings(page, f"master-record-{width}", "#plugin-boxes")


def answered(page: Page, address: str) -> int:
    """Open the address; the status with which our own address for the boxes answers."""
    with page.expect_response(lambda answer: "/page/patients/" in answer.url) as answer:
        page.goto(address)
    return answer.value.status


def test_nothing_is_there_for_someone_who_may_not_see_the_patient(rows: Any, at_browser: At) -> None:
    page = at_browser(NO_RIGHTS)
    assert answered(page, master_record(rows.patient())) == 204
    expect(page.locator(".cpar, #plugin-boxes")).to_have_count(0)


def test_nothing_is_there_for_a_patient_who_is_not(at_browser: At) -> None:
    assert answered(at_browser(DOCTOR), master_record(999_999)) == 204


def test_nothing_is_there_while_the_integration_is_off(bed: Bed, rows: Any, at_browser: At) -> None:
    bed.cpar("disable")
    try:
        assert answered(at_browser(DOCTOR), master_record(rows.patient())) == 204
    finally:
        bed.cpar("enable")


def test_while_the_application_is_down_the_page_of_the_patient_is_as_without_it(
    bed: Bed, rows: Any, at_browser: At
) -> None:
    page = at_browser(DOCTOR, forgiving=True)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    bed.oscar.script("master", "window.clinicsOwn = 'is there'")
    bed.oscar.set(custom=MASTER_SCRIPT)
    bed.stop_application()
    try:
        page.goto(master_record(rows.patient()))
        page.wait_for_load_state("networkidle")
        expect(page.get_by_role("heading", name="Contact Information")).to_be_visible()
        expect(page.locator("#plugin-boxes")).to_have_count(0)
        assert page.evaluate("clinicsOwn") == "is there"
    finally:
        bed.start_application()
    assert errors == []


def test_a_script_that_the_clinic_has_there_already_runs_as_before(bed: Bed, rows: Any, at_browser: At) -> None:
    bed.oscar.script("master", "window.clinicsOwn = document.readyState // without an end of line")
    bed.oscar.set(custom=MASTER_SCRIPT)
    bed.restart_nginx("--into-page", "append")
    page = at_browser(DOCTOR)
    page.goto(master_record(rows.patient()))
    expect(box(page)).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("clinicsOwn") == "loading"


def test_a_copy_of_that_script_from_before_the_installation_does_not_count_as_unchanged(bed: Bed) -> None:
    bed.oscar.script("master", "own()")
    since = {"If-Modified-Since": "Thu, 01 Oct 2026 00:00:00 GMT"}
    assert requests.get(bed.oscar.url[:-6] + MASTER_SCRIPT, headers=since, timeout=60).status_code == 304
    bed.restart_nginx("--into-page", "append")
    answer = requests.get(bed.site + MASTER_SCRIPT, headers=since, verify=bed.authority, timeout=60)
    assert answer.status_code == 200
    assert answer.text.startswith("own()\n;import(")
    assert not {"Last-Modified", "ETag"} & set(answer.headers)


def test_where_the_page_asks_for_that_script_and_there_is_none_it_is_ours_alone(
    bed: Bed, rows: Any, at_browser: At
) -> None:
    bed.oscar.set(custom=MASTER_SCRIPT)
    bed.restart_nginx("--into-page", "append")
    page = at_browser(DOCTOR)
    page.goto(master_record(rows.patient()))
    expect(box(page)).to_be_visible()
    page.wait_for_load_state("networkidle")


def test_the_third_way_is_a_file_that_oscar_includes(bed: Bed, rows: Any, at_browser: At) -> None:
    bed.restart_nginx("--into-page", "include")
    bed.oscar.set(included=(bed.folder / "into-page-include/cparView.jsp").read_text())
    page = at_browser(DOCTOR)
    page.goto(master_record(rows.patient()))
    expect(box(page)).to_be_visible()
    page.wait_for_load_state("networkidle")


def test_however_often_the_page_asks_for_it_the_box_is_there_once(bed: Bed, rows: Any, at_browser: At) -> None:
    again = "/oscar/cpar/frame/record.js"
    bed.oscar.set(included=f'<script type="module" src="{again}"></script>')
    page = at_browser(DOCTOR)
    page.goto(master_record(rows.patient()))
    expect(box(page)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator("#plugin-boxes")).to_have_count(1)


def test_where_the_page_has_no_right_column_the_box_is_under_the_bar(bed: Bed, rows: Any, at_browser: At) -> None:
    bed.oscar.set(right=False)
    page = at_browser(DOCTOR)
    page.goto(master_record(rows.patient()))
    expect(page.locator(".TopStatusBar + #plugin-boxes")).to_be_visible()


def test_a_user_who_signs_out_of_oscar_is_asked_in_the_box_to_sign_in_again(
    rows: Any, own_host: OscarHost, two_panels: Any, at_browser: At
) -> None:
    patient_id = rows.patient()
    confirmed_earlier(own_host, patient_id, two_panels[0])
    page = at_browser(DOCTOR)
    record = opened(page.context.new_page(), patient_id)
    page.get_by_role("link", name="Log Out").click()
    page.wait_for_url("**/oscar/index.jsp")
    for _ in range(2):
        with record.expect_response("**/confirm") as answer:
            box(record).get_by_role("button", name="Confirm").click()
        assert answer.value.status == 403
        alert = box(record).get_by_role("alert")
        expect(alert).to_contain_text("You are signed out: sign in again, then press the button again.")
    assert record.url.endswith(master_record(patient_id))
    no_findings(record, "oscar-signed-out", "#plugin-boxes")
    picture(record, "oscar-signed-out", full_page=False)
    with record.expect_popup() as popup:
        alert.get_by_role("link").click()
    expect(popup.value.get_by_role("heading", name="Sign in to OSCAR")).to_be_visible()
    sign_in(page, DOCTOR)
    popup.value.get_by_role("link", name="Then reload this page").click()
    expect(box(popup.value).get_by_role("button", name="Confirm")).to_be_visible()
    assert popup.value.url.endswith(master_record(patient_id))


def test_while_oscar_is_down_no_one_gets_in_and_a_page_says_so(bed: Bed, at_browser: At) -> None:
    page = at_browser(MANAGER, forgiving=True)
    context = page.context
    context.clear_cookies()
    context.add_cookies([{"name": "JSESSIONID", "value": "NOT-ASKED-YET", "domain": "127.0.0.1", "path": "/oscar"}])
    bed.oscar.stop()
    try:
        answer = page.goto("/oscar/cpar/panels")
        assert answer is not None
        assert answer.status == 503
        expect(page.get_by_role("heading", name="OSCAR is not responding")).to_be_visible()
    finally:
        bed.oscar.start()


def test_under_no_referrer_policy_every_form_works(
    bed: Bed, rows: Any, own_host: OscarHost, two_panels: Any, at_browser: At
) -> None:
    patient_id = rows.patient()
    confirmed_earlier(own_host, patient_id, two_panels[0])
    bed.restart_nginx(headers="add_header Referrer-Policy no-referrer always;")
    page = opened(at_browser(DOCTOR), patient_id)
    box(page).get_by_role("button", name="Confirm").click()
    expect(box(page).get_by_role("status")).to_contain_text("Confirmed today")
    box(page).get_by_label("Panel options").click()
    box(page).get_by_role("button", name="Remove from current panel").click()
    expect(box(page).get_by_role("status")).to_contain_text("Removed from the panel")
    page = at_browser(MANAGER)
    page.goto("/oscar/cpar/settings")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_be_visible()


def test_a_form_that_is_refused_leaves_one_sentence_in_the_box(
    rows: Any, own_host: OscarHost, two_panels: Any, at_browser: At
) -> None:
    patient_id = rows.patient()
    confirmed_earlier(own_host, patient_id, two_panels[0])
    page = opened(at_browser(DOCTOR), patient_id)
    tokens = box(page).locator("[name=csrf_token]")
    tokens.evaluate_all("fields => fields.forEach(field => field.value = 'of no session')")
    for _ in range(2):
        with page.expect_response("**/confirm") as answer:
            box(page).get_by_role("button", name="Confirm").click()
        assert answer.value.status == 400
        alert = box(page).get_by_role("alert")
        expect(alert).to_have_text("Something went wrong: reload the page, then try again.")
    expect(box(page).get_by_role("link")).to_have_count(0)
    expect(box(page).get_by_role("heading", name="Panel (CPAR)")).to_be_visible()


def test_no_cookie_of_ours_leaves_our_path_and_oscar_is_sent_its_own_alone(bed: Bed, rows: Any, at_browser: At) -> None:
    page = at_browser(DOCTOR)
    page.goto(master_record(rows.patient()))
    expect(box(page)).to_be_visible()
    [ours] = [cookie for cookie in page.context.cookies() if cookie["name"] != "JSESSIONID"]
    assert (ours["path"], ours["httpOnly"], ours["secure"], ours["sameSite"]) == ("/oscar/cpar", True, True, "Lax")
    sent = {cookie.partition("=")[0] for line in bed.oscar.questions() for cookie in line.cookie.split("; ")}
    assert sent == {"JSESSIONID"}


def test_what_is_asked_of_our_addresses_is_in_no_log_of_nginx(bed: Bed) -> None:
    for address in ("/fhir/Patient?family=SECRET", "/oscar/cpar/panels?number=SECRET"):
        requests.get(bed.site + address, verify=bed.authority, allow_redirects=False, timeout=60)
    bed.stop_application()
    try:
        down = requests.get(f"{bed.site}/fhir/Patient?family=SECRET", verify=bed.authority, timeout=60)
    finally:
        bed.start_application()
    assert down.status_code == 502
    logs = [log.read_text() for log in bed.folder.glob("*.log")]
    assert any("/fhir/Patient" in log for log in logs)
    assert not any("SECRET" in log for log in logs)


def test_the_box_has_the_size_of_the_text_next_to_it(
    rows: Any, own_host: OscarHost, two_panels: Any, at_browser: At
) -> None:
    patient_id = rows.patient(hin="")
    confirmed_earlier(own_host, patient_id, two_panels[0])
    page = opened(at_browser(DOCTOR), patient_id)
    sizes = "elements => [...new Set(elements.map(one => getComputedStyle(one).fontSize))]"
    beside = page.locator(".leftSection li").evaluate_all(sizes)
    assert page.locator("#cpar-widget :is(p, strong, span, time, button)").evaluate_all(sizes) == beside


def test_while_the_record_is_being_edited_one_line_remains(
    rows: Any, own_host: OscarHost, two_panels: Any, at_browser: At
) -> None:
    patient_id = rows.patient()
    confirmed_earlier(own_host, patient_id, two_panels[0])
    page = opened(at_browser(DOCTOR), patient_id)
    line = page.locator(".TopStatusBar + #plugin-lines")
    expect(line).to_have_count(0)
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(line).to_have_text("Panel 0042 (Okafor, Ada), confirmed Apr 1, 2026")
    expect(page.locator("#plugin-boxes")).to_be_hidden()
    picture(page, "master-record-edited", full_page=False)
    page.get_by_role("link", name="Close", exact=True).click()
    expect(line).to_have_count(0)
    box(page).get_by_label("Panel options").click()
    box(page).get_by_role("button", name="Remove from current panel").click()
    expect(box(page).get_by_role("status")).to_contain_text("Removed from the panel")
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(line).to_have_text("Not Paneled")
