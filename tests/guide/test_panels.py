"""The guide, "Creating panels", "Editing panels" and "Deleting a panel"."""

import pytest
from playwright.sync_api import Page, expect

from ..browser import choose
from .conftest import open_patient, panel_management

pytestmark = pytest.mark.databases("one")

FACILITY = "Alberta Health Facility ID / WDFA Key"


def _new_panel(page: Page) -> None:
    panel_management(page)
    page.get_by_role("link", name="New Panel").click()


def test_a_panel_for_a_single_clinician_is_created(manager: Page, configured: None) -> None:
    _new_panel(manager)
    manager.get_by_label("CPAR Panel Number").fill("0042")
    manager.get_by_label(FACILITY).fill("000113")
    choose(manager, "Provider", "Okafor, Adaeze")
    manager.get_by_label("PPHS Practitioner ID").fill("123456789")
    manager.get_by_role("button", name="Save").click()
    row = manager.get_by_role("row", name="0042")
    expect(row).to_contain_text("Okafor, Adaeze")
    expect(row).to_contain_text("000113")
    manager.get_by_role("link", name="Edit panel 0042").click()
    expect(manager.get_by_label("PPHS Practitioner ID")).to_have_value("1234-56789")


def test_a_facility_id_of_fewer_than_six_digits_gets_its_zeros(manager: Page, configured: None) -> None:
    _new_panel(manager)
    manager.get_by_label("CPAR Panel Number").fill("0042")
    manager.get_by_label(FACILITY).fill("113")
    choose(manager, "Provider", "Okafor, Adaeze")
    manager.get_by_role("button", name="Save").click()
    expect(manager.get_by_role("row", name="0042")).to_contain_text("000113")


def test_a_new_panel_can_be_selected_at_a_patient_and_in_bulk(manager: Page, panel: int, ui: str) -> None:
    widget = open_patient(manager, "ABEL", ui)
    widget.get_by_label("Add to a panel").click()
    expect(widget.get_by_role("button", name="0042 (Okafor, Adaeze)")).to_be_visible()
    panel_management(manager)
    manager.get_by_role("link", name="Bulk Update").click()
    choose(manager, "To panel", "0042 (Okafor, Adaeze)")


def test_a_panel_with_several_facilities_and_providers_has_one_panel_number(manager: Page, configured: None) -> None:
    _new_panel(manager)
    manager.get_by_label("CPAR Panel Number").fill("0042")
    manager.get_by_label(FACILITY).fill("113")
    choose(manager, "Provider", "Okafor, Adaeze")
    manager.get_by_role("button", name=f"Add {FACILITY}").click()
    manager.get_by_label(f"{FACILITY} 2").fill("2047")
    manager.get_by_role("button", name="Add Provider To Panel").click()
    choose(manager, "Provider 2", "Tremblay")
    manager.get_by_role("button", name="Add Provider To Panel").click()
    choose(manager, "Provider 3", "Sandhu")
    manager.get_by_role("button", name="Save").click()
    row = manager.get_by_role("row", name="0042")
    for text in ("000113", "002047", "Okafor, Adaeze", "Tremblay", "Sandhu"):
        expect(row).to_contain_text(text)


def test_the_trash_icon_removes_a_provider_and_a_facility(manager: Page, configured: None) -> None:
    _new_panel(manager)
    manager.get_by_label("CPAR Panel Number").fill("0042")
    manager.get_by_label(FACILITY).fill("113")
    choose(manager, "Provider", "Okafor, Adaeze")
    manager.get_by_role("button", name=f"Add {FACILITY}").click()
    manager.get_by_role("button", name="Add Provider To Panel").click()
    choose(manager, "Provider 2", "Tremblay")
    trash = manager.get_by_role("button", name="Remove provider 2")
    expect(trash.locator("svg")).to_be_visible()
    trash.click()
    manager.get_by_role("button", name="Remove facility 2").click()
    manager.get_by_role("button", name="Save").click()
    row = manager.get_by_role("row", name="0042")
    expect(row).to_contain_text("Okafor, Adaeze")
    expect(row).not_to_contain_text("Tremblay")


def test_a_panel_is_edited(manager: Page, panel: int, other_panel: int) -> None:
    panel_management(manager)
    manager.get_by_role("link", name="Edit panel 0042").click()
    manager.get_by_label("CPAR Panel Number").fill("0043")
    manager.get_by_label(FACILITY).fill("2047")
    choose(manager, "Provider", "Sandhu")
    manager.get_by_role("button", name="Save").click()
    row = manager.get_by_role("row", name="0043")
    expect(row).to_contain_text("002047")
    expect(row).to_contain_text("Sandhu")
    expect(manager.get_by_role("row", name="0042")).to_have_count(0)
    expect(manager.get_by_role("row", name="0077")).to_contain_text("Tremblay")


def test_a_panel_is_deleted_after_the_message_who_to_contact(manager: Page, panel: int, ui: str) -> None:
    widget = open_patient(manager, "ABEL", ui)
    widget.get_by_label("Add to a panel").click()
    widget.get_by_role("button", name="0042").click()
    expect(widget).to_contain_text("Last confirmation")
    panel_management(manager)
    manager.get_by_role("link", name="Edit panel 0042").click()
    manager.get_by_role("link", name="Delete").click()
    page = manager.get_by_role("main")
    for text in (
        "removes the panel from this EMR only",
        "eHealth Services Provider Support",
        "1-855-643-8649",
        "eHealthProviderSupport@gov.ab.ca",
        "This cannot be undone.",
    ):
        expect(page).to_contain_text(text)
    manager.get_by_role("button", name="Delete").click()
    expect(manager.get_by_role("row", name="0042")).to_have_count(0)
    expect(open_patient(manager, "ABEL", ui)).to_contain_text("Not Paneled")
