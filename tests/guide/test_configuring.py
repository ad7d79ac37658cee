"""The guide, "Configuring": is the integration enabled, then Clinic Name and Site ID."""

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import update

from cpar_plugin.store.tables import clinic
from oscar_host.host import OscarHost

from .conftest import Patients, open_patient, panel_management

pytestmark = pytest.mark.databases("one")


def test_the_patients_page_shows_at_the_top_right_whether_the_integration_is_enabled(
    receptionist: Page, patients: Patients, app: Flask, ui: str
) -> None:
    widget = open_patient(receptionist, "ABEL", ui)
    expect(widget).to_contain_text("Not Paneled")
    box, window = widget.bounding_box(), receptionist.viewport_size
    assert box
    assert window
    assert box["x"] > window["width"] / 2
    assert box["y"] < window["height"] / 2


def test_it_shows_the_current_panel_of_a_patient_who_has_one(receptionist: Page, panel: int, ui: str) -> None:
    widget = open_patient(receptionist, "ABEL", ui)
    widget.get_by_label("Add to a panel").click()
    widget.get_by_role("button", name="0042").click()
    expect(widget.locator(".cpar-widget-panel")).to_have_text("0042 (Okafor, Adaeze)")
    expect(open_patient(receptionist, "ABEL", ui)).to_contain_text("0042 (Okafor, Adaeze)")


def test_it_shows_nothing_while_the_integration_is_off(
    receptionist: Page, manager: Page, host: OscarHost, app: Flask, ui: str
) -> None:
    with host.database.writing() as connection:
        connection.execute(update(clinic).values(enabled_at=None))
    expect(open_patient(receptionist, "ABEL", ui)).to_have_count(0)
    manager.get_by_role("link", name="Administration").click()
    expect(manager.get_by_role("link", name="CPAR Panel Management")).to_have_count(0)


def test_after_clinic_name_and_site_id_are_saved_bulk_update_and_new_panel_appear(manager: Page) -> None:
    panel_management(manager)
    for button in ("Bulk Update", "New Panel"):
        expect(manager.get_by_role("link", name=button)).to_have_count(0)
    manager.get_by_role("link", name="Settings").click()
    manager.get_by_label("Clinic Name").fill("Example Clinic")
    manager.get_by_label("Site ID").fill("S-0815")
    manager.get_by_role("button", name="Save").click()
    for button in ("Bulk Update", "New Panel"):
        expect(manager.get_by_role("link", name=button)).to_be_visible()
    manager.get_by_role("link", name="Settings").click()
    expect(manager.get_by_label("Clinic Name")).to_have_value("Example Clinic")
    expect(manager.get_by_label("Site ID")).to_have_value("S-0815")
