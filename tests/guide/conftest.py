"""A small clinic whose patients are known by name, and the ways through its pages that the guide tells."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.hooks import Plugins
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from oscar_host.demo.app import create_app
from oscar_host.demo.data.writing import fill
from oscar_host.host import OscarHost

from ..browser import OpenTab
from ..conftest import NOW, place_of_the_emr

place = place_of_the_emr

OKAFOR, TREMBLAY, SANDHU, RECEPTION, MANAGER, BILLING = "101", "102", "103", "301", "401", "402"
AUTUMN, SUMMER = "2026-10-05", "2026-07-02"  # when patients were last seen

# family name: MRP, status, last visit. Anna to Cy are the active patients of Dr Okafor.
PEOPLE = {
    "ABEL": (OKAFOR, "AC", AUTUMN),
    "BERG": (OKAFOR, "AC", SUMMER),
    "COLE": (OKAFOR, "AC", None),
    "DALE": (TREMBLAY, "AC", AUTUMN),
    "EPP": (OKAFOR, "IN", AUTUMN),
}
Patients = dict[str, int]
MakePanel = Callable[..., int]


@pytest.fixture
def patients(host: OscarHost, oscar: Any) -> Patients:
    """The staff of the invented clinic, and five patients: their numbers by family name."""
    fill(host.database, host.tables, patients=0, seed=1, as_of=NOW.date())
    results = {}
    for place, (family, (mrp, status, seen)) in enumerate(PEOPLE.items()):
        results[family] = oscar.patient(
            last_name=family, first_name="Kim", provider_no=mrp, patient_status=status, hin=f"{100_000_001 + place}"
        )
        if seen:
            oscar.visit(results[family], seen, provider_no=mrp)
    return results


@pytest.fixture
def app(host: OscarHost, patients: Patients) -> Flask:
    """The embedded EMR with the integration enabled, and nothing else done."""
    clinic.enable(host, host.identity.system)
    plugins = Plugins()
    plugins.load_installed()
    return create_app(host, plugins)


@pytest.fixture
def configured(app: Flask, host: OscarHost) -> None:
    """Clinic Name and Site ID are entered."""
    clinic.save(host, host.identity.system, name="Example Clinic", site_id="S-1", version=1)


@pytest.fixture
def make_panel(configured: None, host: OscarHost) -> MakePanel:
    """Makes a panel; returns its id."""

    def make(number: str, provider_id: str) -> int:
        return editing.create(
            host, host.identity.system, panel_draft(number, ["113"], [(provider_id, "000000" + provider_id)])
        )

    return make


@pytest.fixture
def panel(make_panel: MakePanel) -> int:
    """The panel 0042 of Dr Okafor."""
    return make_panel("0042", OKAFOR)


@pytest.fixture
def other_panel(make_panel: MakePanel) -> int:
    """The panel 0077 of Dr Tremblay."""
    return make_panel("0077", TREMBLAY)


@pytest.fixture
def manager(open_tab: OpenTab) -> Page:
    """An administrator at the first page of the EMR."""
    page = open_tab(MANAGER)
    page.goto("/")
    return page


@pytest.fixture
def receptionist(open_tab: OpenTab) -> Page:
    """A receptionist, who is no administrator, at the first page of the EMR."""
    page = open_tab(RECEPTION)
    page.goto("/")
    return page


@pytest.fixture(params=["Master Record", pytest.param("Details", marks=pytest.mark.large)])
def ui(request: pytest.FixtureRequest) -> str:
    """The page of a patient in the newer and in the classic user interface."""
    return str(request.param)


def panel_management(page: Page) -> None:
    """Navigate to Administration > CII/CPAR > CPAR Panel Management."""
    page.get_by_role("link", name="Administration").click()
    expect(page.get_by_role("heading", name="CII/CPAR")).to_be_visible()
    page.get_by_role("link", name="CPAR Panel Management").click()


def bulk_update(page: Page) -> None:
    """Navigate to Panel Management and select the button Bulk Update."""
    panel_management(page)
    page.get_by_role("link", name="Bulk Update").click()


def open_patient(page: Page, family_name: str, ui: str) -> Locator:
    """Search the patient, open the page of this user interface; returns its paneling component."""
    page.get_by_role("link", name="Search", exact=True).click()
    page.get_by_label("Name, PHN or record number").fill(family_name)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=family_name).click()
    if ui == "Details":
        page.get_by_role("link", name="Details").click()
    expect(page.get_by_role("heading", name=ui)).to_be_attached()
    return page.locator("#cpar-widget")
