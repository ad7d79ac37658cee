"""Our pages in the frame of OSCAR's Administration: nothing is out of reach or sight, and nothing is lost."""

from datetime import date
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, expect

from cpar_plugin.services.panels import one_patient
from oscar_host.host import OscarHost

from ..browser import picture
from .conftest import At
from .installed import MANAGER
from .test_administration import ENTRY, opened
from .test_record import confirmed_earlier

SCREENS = [(1024, 768), pytest.param(1280, 720, marks=pytest.mark.large)]
each_screen = pytest.mark.parametrize(("width", "height"), SCREENS)


def in_sight(frame: FrameLocator, what: str) -> None:
    """It has the focus, and lies in the window without anybody scrolling."""
    focused = frame.locator(":focus")
    expect(focused).to_contain_text(what)
    expect(focused).to_be_in_viewport(ratio=0.99)


@pytest.fixture
def panel(rows: Any, own_host: OscarHost, two_panels: Any) -> int:
    """Panel 0077, with more patients than a page shows; one has a flaw."""
    panel_id: int = two_panels[1]
    with own_host.database.engine.connect() as connection:
        there = connection.exec_driver_sql(f"SELECT COUNT(*) FROM cpar_member WHERE panel_id = {panel_id}").scalar_one()
    for number in range(there, 105):
        patient_id = rows.patient(last_name=f"FRAME{number:03}", hin="" if number == 3 else str(300_000_000 + number))
        rows.visit(patient_id, date(2026, 1, 5))
        one_patient.choose(own_host, own_host.identity.system, patient_id, panel_id, seen_panel_id=None)
    return panel_id


@each_screen
def test_opened_first_nothing_of_the_page_is_out_of_reach(panel: int, at_browser: At, width: int, height: int) -> None:
    page = at_browser(MANAGER, width=width, height=height)
    frame = opened(page)
    expect(frame.get_by_role("heading", name=ENTRY)).to_be_in_viewport()
    picture(page, f"frame-panels-{width}", full_page=False)
    frame.get_by_role("link", name="0077").first.click()
    in_sight(frame, "Panel 0077")
    picture(page, f"frame-panel-{width}", full_page=False)
    for name in ("Move", "Next page"):
        button = frame.get_by_role("button", name=name, exact=True)
        button.scroll_into_view_if_needed()
        expect(button).to_be_in_viewport(ratio=1)
    picture(page, f"frame-panel-end-{width}", full_page=False)
    assert frame.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")
    table = frame.locator(".cpar-scroll")
    assert table.evaluate("region => region.scrollWidth <= region.clientWidth"), "the table has to be pushed sideways"


@each_screen
def test_the_answer_to_a_button_far_down_is_in_sight_and_has_the_focus(
    panel: int, at_browser: At, width: int, height: int
) -> None:
    page = at_browser(MANAGER, width=width, height=height)
    frame = opened(page)
    frame.get_by_role("link", name="0077").first.click()
    frame.get_by_role("button", name="Next page").click()
    in_sight(frame, "Panel 0077")
    expect(frame.get_by_role("button", name="Previous page")).to_have_count(1)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    frame.locator("input[name=selected]").last.check()
    frame.get_by_role("button", name="Move", exact=True).click()
    in_sight(frame, "Select the panel to move patients to.")
    picture(page, f"frame-refused-{width}", full_page=False)
    assert page.evaluate("scrollY") == 0
    frame.get_by_role("button", name="Remove from this panel").click()
    in_sight(frame, "1 patient removed from this panel.")
    picture(page, f"frame-removed-{width}", full_page=False)
    frame.get_by_role("button", name="Undo").click()
    in_sight(frame, "Undone")


def test_the_page_after_a_time_out_is_in_sight(panel: int, at_browser: At) -> None:
    page = at_browser(MANAGER, width=1280, height=720)
    frame = opened(page)
    frame.get_by_role("link", name="0077").first.click()
    in_sight(frame, "Panel 0077")
    other = page.context.new_page()
    other.goto("/oscar/logout.jsp")
    frame.get_by_role("button", name="Next page").click()
    in_sight(frame, "Sign in to OSCAR")
    assert page.evaluate("scrollY") == 0


def test_an_answer_that_is_put_in_place_is_in_sight_and_has_the_focus_too(
    rows: Any, own_host: OscarHost, two_panels: Any, at_browser: At
) -> None:
    patient_id = rows.patient()
    confirmed_earlier(own_host, patient_id, two_panels[0])
    page = at_browser(MANAGER, width=1280, height=720)
    frame = opened(page)
    expect(frame.get_by_role("heading", name=ENTRY)).to_be_visible()
    address = f"/oscar/cpar/patients/{patient_id}/panel"
    page.locator("#myFrame").evaluate("(frame, address) => { frame.src = address }", address)
    in_sight(frame, "Panel (CPAR)")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    frame.get_by_role("button", name="Confirm").click()
    in_sight(frame, "Confirmed today")


def test_a_record_opens_in_a_window_of_its_own_and_the_list_with_its_filter_remains(panel: int, at_browser: At) -> None:
    page = at_browser(MANAGER, width=1280, height=720)
    frame = opened(page)
    frame.get_by_role("link", name="0077").first.click()
    frame.get_by_role("button", name="Show exclusions").click()
    link = frame.get_by_role("link", name="FRAME003")
    with page.expect_popup() as popup:
        link.click()
    record = popup.value
    assert "/oscar/demographic/" in record.url
    assert record.evaluate("[innerWidth, innerHeight, opener !== null]") == [1027, 700, True]
    expect(record.get_by_role("heading", name="Panel (CPAR)")).to_be_visible()
    record.wait_for_load_state("networkidle")
    expect(frame.get_by_label("Next submission")).to_have_value("excluded")
    expect(link).to_be_visible()


def test_a_page_in_a_tab_of_its_own_has_a_way_back_and_one_in_the_frame_needs_none(panel: int, at_browser: At) -> None:
    page = at_browser(MANAGER)
    frame = opened(page)
    expect(frame.get_by_role("heading", name=ENTRY)).to_be_visible()
    expect(frame.get_by_role("link", name="Back to OSCAR")).to_be_hidden()
    page.goto("/oscar/cpar/panels")
    page.get_by_role("link", name="Back to OSCAR").click()
    page.wait_for_url("**/oscar/provider/providercontrol.jsp")
