"""The guide, "Restricting access": the component is for everybody, the management for administrators and one role."""

import pytest
from playwright.sync_api import Page, expect

from cpar_plugin.services.panels import one_patient
from oscar_host.demo.data.staff import PASSWORD
from oscar_host.host import OscarHost

from ..browser import OpenTab, choose
from .conftest import BILLING, Patients, open_patient, panel_management

pytestmark = pytest.mark.databases("one")

PERMISSION = "CONFIGURE_CPAR_PANEL_CREATE"
REFUSED = "No access to this page"


def _create_role(page: Page) -> None:
    page.get_by_role("link", name="Administration").click()
    expect(page.get_by_role("heading", name="Manage Role")).to_be_visible()
    page.get_by_role("link", name="Create New Role").click()
    page.get_by_label("Role Name").fill("CPAR Admin")
    page.get_by_label("Role Description").fill("Access to CPAR Panel Management")
    page.get_by_label("Available Permissions").select_option(PERMISSION)
    page.get_by_role("button", name="Left Arrow").click()
    expect(page.get_by_label("Assigned Permissions").locator("option")).to_have_text([PERMISSION])
    page.get_by_role("button", name="Add Role").click()


def _assign_role(page: Page, provider: str) -> None:
    page.get_by_role("link", name="Administration").click()
    expect(page.get_by_role("heading", name="User Management")).to_be_visible()
    page.get_by_role("link", name="Assign Role to Provider").click()
    choose(page, f"Role for {provider}", "CPAR Admin")
    page.get_by_role("button", name=f"Add the role to {provider}").click()


def test_everyone_sees_and_uses_the_component_but_only_administrators_manage_panels(
    receptionist: Page, manager: Page, panel: int, ui: str
) -> None:
    widget = open_patient(receptionist, "ABEL", ui)
    widget.get_by_label("Add to a panel").click()
    widget.get_by_role("button", name="0042").click()
    expect(widget.locator(".cpar-widget-panel")).to_have_text("0042 (Okafor, Adaeze)")
    expect(receptionist.get_by_role("link", name="Administration")).to_have_count(0)
    for address in ("/cpar/panels", "/cpar/submissions", "/cpar/bulk", "/cpar/settings", f"/cpar/panels/{panel}"):
        receptionist.goto(address)
        expect(receptionist.get_by_role("heading", name=REFUSED)).to_be_visible()
    panel_management(manager)
    expect(manager.get_by_role("link", name="New Panel")).to_be_visible()


def test_a_role_for_panel_management_is_created(manager: Page) -> None:
    _create_role(manager)
    row = manager.get_by_role("row", name="CPAR Admin")
    expect(row).to_contain_text("Access to CPAR Panel Management")
    expect(row).to_contain_text(PERMISSION)


def test_a_user_who_gets_the_role_manages_panels_and_nothing_else(
    manager: Page, open_tab: OpenTab, host: OscarHost, patients: Patients, panel: int
) -> None:
    one_patient.choose(host, host.identity.system, patients["ABEL"], panel, seen_panel_id=None)
    clerk = open_tab(BILLING)
    clerk.goto("/cpar/panels")
    expect(clerk.get_by_role("heading", name=REFUSED)).to_be_visible()
    _create_role(manager)
    _assign_role(manager, "Brar, Simran")
    expect(manager.get_by_role("button", name="Remove the role CPAR Admin from Brar, Simran")).to_be_visible()

    clerk.goto("/")
    clerk.get_by_role("button", name="Sign out").click()
    clerk.get_by_label("User name").fill("nobody")
    clerk.get_by_label("Password").fill(PASSWORD)
    clerk.get_by_role("button", name="Sign in").click()
    expect(clerk.get_by_role("button", name="Sign out")).to_be_visible()
    panel_management(clerk)
    expect(clerk.get_by_role("navigation", name="Administration").get_by_role("link")).to_have_text(
        ["CPAR Panel Management"]
    )
    expect(clerk.get_by_role("link", name="New Panel")).to_be_visible()  # create
    expect(clerk.get_by_role("link", name="Edit panel 0042")).to_be_visible()  # modify
    clerk.get_by_role("button", name="Submit: panel 0042").click()  # submit
    expect(clerk.get_by_role("row", name="0042")).to_contain_text("Queued")
    for address in ("/administration/roles", "/administration/assign-role", "/patients/1"):
        assert clerk.request.get(address).status == 403
