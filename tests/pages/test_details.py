"""The widget in both views of a patient, Master Record and Details, as people use it in a browser."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import one_patient
from oscar_host.host import OscarHost

from ..browser import OpenTab, look, new_page, resize
from .conftest import RECEPTION

pytestmark = pytest.mark.databases("one")

OFF = "The CPAR integration is turned off"


DETAILS = pytest.param("/patients/{}/details", marks=pytest.mark.large)


@pytest.fixture(params=["/patients/{}", DETAILS], ids=["master record", "details"])
def view(request: pytest.FixtureRequest) -> str:
    """The address of the patient's page in one of the two views."""
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def script(request: pytest.FixtureRequest) -> bool:
    """Whether the browser runs scripts."""
    return bool(request.param)


def _open(page: Page, address: str) -> None:
    page.goto(address, wait_until="networkidle")


def _same_page(page: Page) -> None:
    """Note on the page that it is this one: a page that comes anew has forgotten it."""
    page.evaluate("document.body.dataset.same = 'yes'")


def _still_open(page: Page) -> bool:
    return page.locator("body[data-same]").count() == 1


def test_a_patient_is_added_moved_confirmed_and_removed_and_one_remains_where_one_is(
    open_tab: OpenTab, oscar: Any, clock: FixedClock, panel: int, other_panel: int, view: str, script: bool
) -> None:
    patient = oscar.patient()
    oscar.visit(patient)
    address = view.format(patient)
    page = open_tab(RECEPTION, script=script)
    _open(page, address)
    _same_page(page)
    widget = page.locator("#cpar-widget")
    expect(widget.locator(".cpar-widget-panel")).to_have_text("Not Paneled")

    page.locator("summary[title='Add to a panel']").click()
    page.get_by_role("button", name="0042 (Okafor, Adaeze)").click()
    expect(widget.locator(".cpar-widget-panel")).to_have_text("0042 (Okafor, Adaeze)")
    expect(widget).to_contain_text("Nov 10, 2026 (on adding)")
    expect(page.get_by_role("button", name="Confirm")).to_have_count(0)

    page.locator("summary[title='Panel options']").click()
    page.get_by_text("Move to another panel").click()
    page.get_by_role("button", name="0077").click()
    expect(widget.locator(".cpar-widget-panel")).to_have_text("0077 (Tremblay, Hélène)")
    assert page.url.endswith(address)
    assert _still_open(page) is script

    clock.move_to(clock.now() + timedelta(days=1))
    _open(page, address)
    _same_page(page)
    page.get_by_role("button", name="Confirm").click()
    expect(widget).to_contain_text("Nov 11, 2026 (confirmed by a person)")
    expect(page.get_by_role("button", name="Confirm")).to_have_count(0)
    page.locator("summary[title='Panel options']").click()
    page.get_by_role("button", name="Remove from current panel").click()
    expect(widget.locator(".cpar-widget-panel")).to_have_text("Not Paneled")
    assert page.url.endswith(address)
    assert _still_open(page) is script


def test_the_views_lead_to_each_other(open_tab: OpenTab, oscar: Any, panel: int) -> None:
    patient = oscar.patient()
    page = open_tab(RECEPTION, script=False)
    _open(page, f"/patients/{patient}")
    page.get_by_role("link", name="Details").click()
    expect(page.get_by_role("heading", name="Details")).to_be_visible()
    expect(page.get_by_role("heading", name="Panel (CPAR)")).to_be_visible()
    page.get_by_role("link", name="Classic view").click()
    expect(page.get_by_role("heading", name="Master Record")).to_be_attached()


def test_the_widget_is_at_the_top_right_and_each_state_of_it_is_fit_to_be_seen(
    open_tab: OpenTab, host: OscarHost, oscar: Any, panel: int, other_panel: int, view: str
) -> None:
    name = "details" if view.endswith("details") else "master-record"
    patient = oscar.patient(pref_name="Rosie")
    oscar.visit(patient)
    page = open_tab(RECEPTION)
    _open(page, view.format(patient))
    for width in (800, 1280):
        resize(page, width)
        box = page.locator("#cpar-widget").bounding_box()
        assert box
        assert box["x"] > width * 0.45
        assert box["y"] < 260
    look(page, f"{name}-not-paneled")
    page.locator("summary[title='Add to a panel']").click()
    look(page, f"{name}-add")
    page.get_by_role("button", name="0042").click()
    expect(page.get_by_role("status")).to_have_text("Added to this panel and confirmed today.")
    look(page, f"{name}-added")
    page.locator("summary[title='Panel options']").click()
    page.get_by_text("Move to another panel").click()
    look(page, f"{name}-options")
    excluded = oscar.patient(hin="", sex="")
    one_patient.choose(host, host.identity.system, excluded, panel, seen_panel_id=None)
    _open(page, view.format(excluded))
    expect(page.get_by_text("Will be excluded from the next submission.")).to_be_visible()
    look(page, f"{name}-excluded")


def test_the_keyboard_alone_is_enough(open_tab: OpenTab, oscar: Any, panel: int, other_panel: int, view: str) -> None:
    page = open_tab(RECEPTION)
    _open(page, view.format(oscar.patient()))
    plus = page.locator("summary[title='Add to a panel']")
    for _ in range(20):
        page.keyboard.press("Tab")
        if plus.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="0042")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="0042")).to_be_hidden()
    expect(plus).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="0042")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("summary[title='Panel options']")).to_be_focused()
    # Options; past reason, note, and Remove; Move to; its first panel.
    for key in ("Enter", "Tab", "Tab", "Tab", "Tab", "Enter", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("status")).to_have_text("Moved to this panel and confirmed today.")
    expect(page.locator(".cpar-widget-panel")).to_contain_text("0077")


def test_a_menu_closes_when_one_clicks_elsewhere(open_tab: OpenTab, oscar: Any, panel: int) -> None:
    page = open_tab(RECEPTION)
    _open(page, f"/patients/{oscar.patient()}")
    page.locator("summary[title='Add to a panel']").click()
    expect(page.get_by_role("button", name="0042")).to_be_visible()
    page.get_by_role("heading", name="Health Insurance").click()
    expect(page.get_by_role("button", name="0042")).to_be_hidden()


def test_a_user_who_was_slower_is_informed_and_decides_again_in_the_same_place(
    open_tab: OpenTab, host: OscarHost, oscar: Any, panel: int, other_panel: int, view: str, script: bool
) -> None:
    patient = oscar.patient(last_name="Brightwater")
    page = open_tab(RECEPTION, script=script)
    _open(page, view.format(patient))
    page.locator("summary[title='Add to a panel']").click()
    one_patient.choose(host, host.identity.system, patient, other_panel, seen_panel_id=None)
    page.get_by_role("button", name="0042").click()
    expect(page.get_by_role("alert")).to_contain_text("Someone else moved this patient to panel 0077")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.locator(".cpar-widget-panel")).to_contain_text("0077")
    expect(page.get_by_text("Brightwater", exact=False).first).to_be_visible()
    page.locator("summary[title='Panel options']").click()
    page.get_by_text("Move to another panel").click()
    page.get_by_role("button", name="0042").click()
    expect(page.locator(".cpar-widget-panel")).to_contain_text("0042")
    assert page.url.endswith(view.format(patient))


def test_what_is_refused_is_reported_in_the_widgets_place(
    open_tab: OpenTab, host: OscarHost, oscar: Any, panel: int, view: str
) -> None:
    patient = oscar.patient()
    page = open_tab(RECEPTION)
    _open(page, view.format(patient))
    _same_page(page)
    page.locator("summary[title='Add to a panel']").click()
    clinic.disable(host, host.identity.system)
    page.get_by_role("button", name="0042").click()
    expect(page.locator("#cpar-widget").get_by_role("alert")).to_contain_text(OFF)
    assert _still_open(page)
    _open(page, view.format(patient))
    expect(page.locator("#cpar-widget")).to_have_count(0)
    clinic.enable(host, host.identity.system)
    _open(page, view.format(patient))
    expect(page.locator("#cpar-widget")).to_contain_text("Not Paneled")


def test_a_session_that_has_ended_is_reported_in_the_widget_or_without_script_leads_to_the_sign_in(
    open_tab: OpenTab, oscar: Any, panel: int, view: str, script: bool
) -> None:
    patient = oscar.patient()
    page = open_tab(RECEPTION, script=script)
    _open(page, view.format(patient))
    page.locator("summary[title='Add to a panel']").click()
    page.context.clear_cookies()
    page.get_by_role("button", name="0042").click()
    if script:
        alert = page.locator("#cpar-widget").get_by_role("alert")
        expect(alert).to_contain_text("You are signed out")
        with page.expect_popup() as popup:
            alert.get_by_role("link", name="sign in again").click()
        page = popup.value
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator("#cpar-widget")).to_have_count(0)
    back_to = page.locator("input[name=next]").get_attribute("value") or ""
    if script:
        assert back_to == view.format(patient)
    else:
        assert back_to.startswith("/cpar/interrupted?form=")


def test_no_answer_is_reported_too(site: str, chromium: Browser, open_tab: OpenTab, oscar: Any, panel: int) -> None:
    signed_in = open_tab(RECEPTION)
    page = new_page(chromium, base_url=site, storage_state=signed_in.context.storage_state())
    page.route("**/*", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    _open(page, f"/patients/{oscar.patient()}")
    page.locator("summary[title='Add to a panel']").click()
    page.get_by_role("button", name="0042").click()
    expect(page.get_by_role("alert")).to_contain_text("No connection to the server")
    page.get_by_role("button", name="0042").click()
    expect(page.get_by_role("alert")).to_have_count(1)
    page.context.close()
