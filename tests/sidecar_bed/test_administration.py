"""The entry in OSCAR's Administration, and the work behind it in the frame there."""

from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from ..browser import choose
from .bed import Bed
from .conftest import At
from .installed import DOCTOR, MANAGER

SECTION, ENTRY = "CII/CPAR", "CPAR Panel Management"


def opened(page: Page) -> FrameLocator:
    """Panel management, from OSCAR's first page."""
    page.get_by_role("link", name="Administration").click()
    page.get_by_role("link", name=SECTION).click()
    page.get_by_role("link", name=ENTRY).click()
    return page.frame_locator("#dynamic-content > #myFrame")


def test_a_panel_is_made_and_filled_in_bulk_in_the_frame_of_the_administration(
    rows: Any, two_panels: Any, at_browser: At
) -> None:
    for number in range(3):
        rows.patient(last_name=f"ZIMMER{number}", patient_status="ZZ")
    page = at_browser(MANAGER)
    frame = opened(page)
    frame.get_by_role("link", name="New Panel").click()
    frame.get_by_label("CPAR Panel Number").fill("0099")
    frame.get_by_label("Alberta Health Facility ID / WDFA Key").fill("113")
    choose(frame, "Provider", "Okafor, Ada")
    frame.get_by_label("PPHS Practitioner ID").fill("123456789")
    frame.get_by_role("button", name="Save").click()
    expect(frame.get_by_role("row", name="0099")).to_contain_text("Okafor, Ada")
    frame.get_by_role("link", name="Bulk Update").click()
    frame.get_by_label("Patient status").select_option("ZZ")
    choose(frame, "Provider (the patients' MRP)", "Okafor, Ada")
    choose(frame, "To panel", "0099 (Okafor, Ada)")
    frame.get_by_role("button", name="Assign Patients").click()
    frame.get_by_role("button", name="Assign 3 Patients").click()
    expect(frame.get_by_text("Added: 3")).to_be_visible()
    assert page.url.endswith("/oscar/administration/")


def test_what_oscar_opens_there_itself_still_opens(two_panels: Any, at_browser: At) -> None:
    page = at_browser(MANAGER, forgiving=True)
    expect(opened(page).get_by_role("heading", name=ENTRY)).to_be_visible()
    page.evaluate("document.querySelector('[rel=\"/oscar/admin/unLock.jsp\"]').click()")
    expect(page.locator("#myFrame[src='/oscar/admin/unLock.jsp']")).to_have_count(1)
    page.get_by_role("link", name=ENTRY).click()
    expect(page.frame_locator("#myFrame").get_by_role("heading", name=ENTRY)).to_be_visible()
    expect(page.locator("iframe")).to_have_count(1)


def test_the_entry_is_under_a_heading_that_opens_and_closes_as_the_others_do(at_browser: At) -> None:
    page = at_browser(MANAGER)
    page.goto("/oscar/administration/")
    own, other = page.get_by_role("link", name=SECTION), page.locator(".accordion-toggle", has_text="Billing")
    expect(page.locator("#adminNav .accordion-toggle").last).to_have_text(SECTION)
    expect(own.locator(".icon-chevron-right")).to_be_visible()
    heights = [round(one.bounding_box()["height"]) for one in page.locator(".accordion-heading").all()]  # type: ignore[index]
    assert len(set(heights)) == 1, "it does not look like the others"
    entry = page.get_by_role("link", name=ENTRY)
    expect(entry).not_to_be_in_viewport()
    own.click()
    expect(entry).to_be_in_viewport()
    expect(page.locator(".selected-heading")).to_have_text(SECTION)
    other.click()
    expect(entry).not_to_be_in_viewport()
    expect(page.get_by_role("link", name="Billing Settings")).to_be_in_viewport()
    expect(page.locator(".selected-heading")).to_have_text("Billing")
    own.click()
    expect(page.get_by_role("link", name="Billing Settings")).not_to_be_in_viewport()
    own.click()
    expect(entry).not_to_be_in_viewport()
    expect(page.locator(".selected-heading")).to_have_count(0)
    assert page.evaluate("window.$ === window.jQuery")


def test_a_doctor_who_manages_no_panels_finds_no_entry(at_browser: At) -> None:
    page = at_browser(DOCTOR)
    with page.expect_response("**/page/menu") as answer:
        page.goto("/oscar/administration/")
    assert answer.value.status == 204
    expect(page.locator(".accordion-group")).to_have_count(1)


def test_on_other_pages_that_load_the_same_script_nothing_is_asked(bed: Bed, at_browser: At) -> None:
    bed.oscar.set(of_the_day="/oscar/js/custom/clinic/main.js")
    bed.restart_nginx("--into-page", "append")
    page = at_browser(MANAGER)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response("**/frame/administration.js"):
        page.goto("/oscar/provider/providercontrol.jsp")
    page.wait_for_load_state("networkidle")
    assert any(address.endswith("/frame/administration.js") for address in asked)
    assert not any("/page/" in address for address in asked)


@pytest.mark.parametrize("way", ["append", "include"])
def test_the_entry_is_there_in_the_other_ways_too(bed: Bed, at_browser: At, way: str) -> None:
    bed.restart_nginx("--into-page", way)
    page = at_browser(MANAGER)
    page.goto("/oscar/administration/")
    expect(page.get_by_role("link", name=SECTION)).to_be_visible()
    page.wait_for_load_state("networkidle")


def test_no_other_site_may_put_our_pages_into_a_frame(bed: Bed, at_browser: At) -> None:
    page = at_browser(MANAGER)
    answer = page.goto("/oscar/cpar/panels")
    assert answer is not None
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
