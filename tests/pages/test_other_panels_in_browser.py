"""Affiliations and caseloads in Chromium: the box on both pages of the EMR and Bulk Update, with and without script."""

from typing import Any

import pytest
from playwright.sync_api import expect

from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.services.other_panels import editing, one_patient
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from .conftest import DOCTOR, MANAGER, RECEPTION, Person
from .list_layouts import an_affiliation, upload_affiliated

pytestmark = pytest.mark.databases("one")


@pytest.fixture
def lists(host: OscarHost, panel: int) -> None:
    """Two affiliations and a caseload."""
    for kind, name in (("affiliation", "North"), ("affiliation", "South"), ("caseload", "Nurse")):
        editing.create(host, host.identity.system, other_draft(kind, name, DOCTOR if name == "Nurse" else ""))


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
@pytest.mark.parametrize("address", ["/patients/{}", "/patients/{}/details"], ids=["master record", "details"])
def test_a_patient_is_added_dated_moved_and_removed_in_the_box(
    oscar: Any, open_tab: OpenTab, lists: None, script: bool, address: str
) -> None:
    patient = oscar.patient(born="1980-02-03")
    page = open_tab(RECEPTION, script=script)
    page.goto(address.format(patient))
    box = page.locator("#cpar-widget")
    box.get_by_label("Add to an affiliation").click()
    master_record = not address.endswith("details")
    if script and master_record:
        look(page, "box-add-to-affiliation")
    box.get_by_label("Blended Capitation affiliation", exact=True).select_option("North")
    box.get_by_label("Date of the signed form (optional)").fill("2026-03-01")
    box.get_by_role("button", name="Add", exact=True).click()
    expect(box).to_contain_text("Form signed: Mar 1, 2026")
    box.get_by_label("Blended Capitation affiliation options").click()
    if script and not master_record:
        look(page, "box-affiliation-options")
    box.get_by_text("Move to another affiliation").click()
    box.get_by_role("button", name="Move", exact=True).click()
    expect(box.locator(".cpar-widget-other .cpar-widget-panel").first).to_contain_text("South")
    expect(box).to_contain_text("Form signed: Mar 1, 2026")
    box.get_by_label("Blended Capitation affiliation options").click()
    box.get_by_label("Date of the signed form (optional)").first.fill("")
    box.get_by_role("button", name="Save date").click()
    expect(box).to_contain_text("Date of the signed form not entered")
    box.get_by_label("Blended Capitation affiliation options").click()
    box.get_by_role("button", name="Remove from affiliation").click()
    expect(box.get_by_label("Add to an affiliation")).to_be_visible()
    expect(box).to_contain_text("Not Paneled")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_bulk_update_of_a_caseload_is_previewed_carried_out_and_undone(
    oscar: Any, open_tab: OpenTab, lists: None, script: bool
) -> None:
    for _ in range(3):
        oscar.patient(provider_no=DOCTOR)
    page = open_tab(MANAGER, script=script)
    page.goto("/cpar/bulk")
    page.get_by_role("navigation", name="Kind").get_by_role("link", name="Caseload").click()
    page.get_by_label("Assign the patients of a provider").check()
    page.locator("#cpar-provider_id").select_option(DOCTOR)
    page.locator("#cpar-to_id").select_option(index=1)
    if script:
        look(page, "other-bulk")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Added, on no caseload now: 3 patients")).to_be_visible()
    if script:
        look(page, "other-bulk-preview")
    page.get_by_role("button", name="Assign 3 Patients").click()
    expect(page.get_by_text("Added: 3")).to_be_visible()
    if script:
        look(page, "other-bulk-result")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("This bulk update was undone")).to_be_visible()
    page.goto("/cpar/panels")
    if script:
        look(page, "panels-of-all-kinds")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_patients_selected_on_the_page_get_a_date_and_are_moved(
    host: OscarHost, oscar: Any, open_tab: OpenTab, lists: None, script: bool
) -> None:
    for _ in range(3):
        one_patient.choose(host, host.identity.system, oscar.patient(born="1980-02-03"), 1, seen_id=None)
    page = open_tab(MANAGER, script=script)
    page.goto("/cpar/panels/other/1")
    page.get_by_role("checkbox").first.check()
    if script:
        expect(page.get_by_text("1 selected")).to_be_visible()
    page.get_by_label("Date of the signed form").fill("2026-03-01")
    page.get_by_role("button", name="Enter form date").click()
    expect(page.get_by_text("of North: 1 patient changed.")).to_be_visible()
    expect(page.get_by_role("cell", name="Mar 1, 2026")).to_be_visible()
    if script:
        look(page, "other-panel-selected")
    page.get_by_role("button", name="Select all on this page").click()
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.get_by_label("Move to affiliation").select_option(index=1)
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_text("from North to South: 3 patients changed.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("checkbox")).to_have_count(3)
    page.get_by_role("button", name="Date of birth").click()
    expect(page.get_by_role("columnheader", name="Date of birth")).to_have_attribute("aria-sort", "ascending")


def test_the_pages_of_an_affiliation_have_no_findings_and_fit_each_width(
    host: OscarHost, oscar: Any, manager: Person, open_tab: OpenTab, panel: int
) -> None:
    oscar.patient(hin="100000001", last_name="Example", first_name="Pat", born="1980-02-03")
    affiliation = an_affiliation(host, "North", oscar.patient())
    upload_affiliated(manager, affiliation)
    page = open_tab(MANAGER)
    pages = {
        "other-panel": f"{affiliation}",
        "other-panel-edit": f"{affiliation}/edit",
        "other-panel-delete": f"{affiliation}/delete",
        "other-import": f"{affiliation}/import",
        "other-import-columns": "import/columns",
        "other-import-review": "import/review",
        "other-panel-new": "new",
    }
    for name, path in pages.items():
        page.goto(f"/cpar/panels/other/{path}")
        look(page, name)
