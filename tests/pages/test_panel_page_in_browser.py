"""One panel's page in Chromium: with and without script, by keyboard, and printed."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from cpar_plugin.services.panels import one_patient
from oscar_host.host import OscarHost

from ..browser import OpenTab, look, picture, resize
from .conftest import MANAGER

pytestmark = pytest.mark.databases("one")

FAMILIES = ("Adler", "Bunting", "Crane", "Dunlin", "Eider", "Finch", "Gull")


@pytest.fixture
def panel_page(
    host: OscarHost, oscar: Any, panel: int, other_panel: int, open_tab: OpenTab, monkeypatch: pytest.MonkeyPatch
) -> Callable[[bool], Page]:
    """Opens the page of a panel with seven patients, three at once; the last two have the same PHN."""
    monkeypatch.setattr("cpar_plugin.services.panels.members.AT_ONCE", 3)
    for place, family in enumerate(FAMILIES):
        patient_id = oscar.patient(last_name=family, hin=str(200_000_001 + min(place, 5)), sex="F" if place else "")
        oscar.visit(patient_id, date(2026, 1 + place, 5))
        one_patient.choose(host, host.identity.system, patient_id, panel, seen_panel_id=None)
    host.clock.move_to(host.clock.now().replace(day=12))  # type: ignore[attr-defined]

    def opened(script: bool) -> Page:
        tab = open_tab(MANAGER, script=script)
        tab.goto(f"/cpar/panels/{panel}")
        return tab

    return opened


def _shows(page: Page, families: list[str]) -> None:
    """Wait until these and no others are listed, in this order."""
    names = page.locator(":is(.cpar-members, .cpar-printed) tbody th")
    expect(names).to_have_text([re.compile(rf"^\s*{family}\b", re.IGNORECASE) for family in families])


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_a_clerk_pages_filters_and_acts_without_losing_the_place(
    panel_page: Callable[[bool], Page], script: bool
) -> None:
    page = panel_page(script)
    _shows(page, ["Adler", "Bunting", "Crane"])
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_role("row", name="DUNLIN")).to_be_visible()
    page.get_by_label("Select DUNLIN").check()
    page.get_by_role("button", name="Remove from this panel").click()
    result = page.locator(".cpar-bar [role=status]").first
    expect(result).to_contain_text("1 patient removed from this panel.")
    _shows(page, ["Eider", "Finch", "Gull"])
    if script:
        look(page, "panel-removed")
    page.get_by_role("button", name="Undo").click()
    expect(result).to_contain_text("Undone: 1 patient restored.")
    _shows(page, ["Dunlin", "Eider", "Finch"])
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_role("row", name="GULL")).to_be_visible()
    page.get_by_role("button", name="Previous page").click()
    expect(page.get_by_role("row", name="DUNLIN")).to_be_visible()
    page.get_by_role("button", name="First page").click()
    expect(page.get_by_role("row", name="ADLER")).to_be_visible()

    page.get_by_role("button", name="Show exclusions").click()
    expect(page.get_by_text("3 patients would be excluded")).to_be_visible()
    if script:
        look(page, "panel-excluded")
    page.get_by_role("button", name="PHN is shared with another patient").click()
    expect(page.get_by_role("row", name="FINCH")).to_contain_text("Other record")
    _shows(page, ["Finch", "Gull"])
    page.get_by_label("Search in this panel").fill("gull")
    page.get_by_label("Search in this panel").press("Enter")
    expect(page.get_by_role("row", name="FINCH")).to_have_count(0)
    page.get_by_label("Select GULL").check()
    page.get_by_role("button", name="Confirm", exact=True).click()
    expect(result).to_contain_text("1 patient confirmed.")
    expect(page.get_by_label("Search in this panel")).to_have_value("gull")
    _shows(page, ["Gull"])
    page.get_by_role("link", name="PHN is shared with another patient").click()
    expect(page.get_by_role("heading", name="GULL").or_(page.get_by_text("GULL, Pat")).first).to_be_visible()


def test_enter_in_a_checkbox_changes_no_one(panel_page: Callable[[bool], Page]) -> None:
    page = panel_page(True)
    page.get_by_label("Select ADLER").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Select CRANE")).to_be_checked()  # all are selected: the first button of the form
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


def test_the_printed_page_is_the_table_without_buttons(panel_page: Callable[[bool], Page]) -> None:
    page = panel_page(False)
    page.emulate_media(media="print")
    expect(page.get_by_role("row", name="ADLER")).to_be_visible()
    for name in ("Next page", "Filter", "Search", "Remove from this panel"):
        expect(page.locator(f"button:has-text('{name}')").first).to_be_hidden()


def test_print_puts_the_whole_list_as_it_is_narrowed_and_sorted_on_paper_in_a_tab_of_its_own(
    panel_page: Callable[[bool], Page], host: OscarHost
) -> None:
    page = panel_page(True)
    page.add_init_script("window.print = () => document.documentElement.dataset.printed = 'yes'")
    page.context.add_init_script("window.print = () => document.documentElement.dataset.printed = 'yes'")
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_role("row", name="DUNLIN")).to_be_visible()
    page.get_by_role("button", name="Patient", exact=True).click()
    expect(page.get_by_role("row", name="GULL")).to_be_visible()
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Print this list").click()
    paper = popup.value
    expect(paper.locator("html[data-printed=yes]")).to_have_count(1)
    _shows(paper, list(reversed(FAMILIES)))
    look(paper, "panel-print")
    paper.emulate_media(media="print")
    for hidden in ("header", "nav", "button", "input", ".cpar-actions"):
        expect(paper.locator(hidden).locator("visible=true")).to_have_count(0)
    expect(paper.get_by_role("row", name="ADLER")).to_contain_text("No gender.")
    paper.emulate_media(media="screen")
    paper.get_by_role("link", name="Back to the list").click()
    expect(paper.get_by_role("button", name="Print this list")).to_be_visible()
    _shows(paper, ["Gull", "Finch", "Eider"])

    page.get_by_label("Next submission").select_option("Will be excluded")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("3 patients found")).to_be_visible()
    page.get_by_label("Search in this panel").fill("gull")
    page.get_by_label("Search in this panel").press("Enter")
    expect(page.get_by_text("1 patient found")).to_be_visible()
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Print this list").click()
    expect(popup.value.get_by_text("Filters: search \u201cgull\u201d; Will be excluded.")).to_be_visible()
    _shows(popup.value, ["Gull"])
    with host.database.engine.connect() as connection:
        logged = connection.scalars(select(host.tables.log.c.data).where(host.tables.log.c.data.contains("print")))
        assert [line.partition(":")[0] for line in logged] == ["print panel"] * 2


@pytest.mark.parametrize("width", [675, 800])
def test_the_table_fits_where_oscar_gives_it_little_width(panel_page: Callable[[bool], Page], width: int) -> None:
    page = panel_page(True)
    resize(page, width, 768)
    page.get_by_role("button", name="Show exclusions").click()
    region = page.locator(".cpar-scroll")
    expect(page.get_by_role("row", name="FINCH")).to_contain_text("PHN is shared with another patient.")
    assert region.evaluate("region => region.scrollWidth <= region.clientWidth")
    reason = page.get_by_role("link", name="No gender").bounding_box()
    assert reason
    assert reason["height"] < 30, "the words that say what is wrong are broken into pieces"
    picture(page, f"panel-fixes-{width}")
