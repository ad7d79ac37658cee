"""The guide, Bulk Update: adding many patients to a panel, moving and removing all of them."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from cpar_plugin.services import bulk
from oscar_host.host import OscarHost

from ..browser import choose
from .conftest import OKAFOR, TREMBLAY, Patients, bulk_update, open_patient, panel_management

pytestmark = pytest.mark.databases("one")


def _assigned(host: OscarHost, panel_id: int, provider_id: str = OKAFOR) -> None:
    bulk.carry_out(host, host.identity.system, bulk.Assign(provider_id, "AC", panel_id))


def _members(page: Page, number: str) -> list[str]:
    panel_management(page)
    page.get_by_role("link", name=number, exact=True).click()
    expect(page.get_by_role("heading", name=number)).to_be_visible()
    page.wait_for_load_state()
    names = page.locator("table.cpar-members tbody th").all_inner_texts()
    return sorted(name.partition(",")[0] for name in names)


def test_all_patients_of_a_doctor_are_assigned_to_a_panel(manager: Page, panel: int, other_panel: int) -> None:
    bulk_update(manager)
    expect(manager.get_by_label("Assign patients to a panel")).to_be_checked()
    expect(manager.get_by_label("Patient status").locator("option:checked")).to_have_text("Active")
    choose(manager, "Provider (the patients' MRP)", "Okafor")
    choose(manager, "To panel", "0042")
    manager.get_by_role("button", name="Assign Patients").click()
    manager.get_by_role("button", name="Assign 3 Patients").click()
    expect(manager.get_by_text("Added: 3")).to_be_visible()
    assert _members(manager, "0042") == ["ABEL", "BERG", "COLE"]
    assert _members(manager, "0077") == []


def test_a_bulk_update_takes_the_last_visit_as_the_confirmation_date(
    manager: Page, host: OscarHost, panel: int, ui: str
) -> None:
    _assigned(host, panel)
    confirmed = open_patient(manager, "ABEL", ui).get_by_text("Last confirmation")
    expect(confirmed).to_contain_text("Oct 5, 2026")
    expect(open_patient(manager, "COLE", ui).get_by_text("Last confirmation")).to_contain_text("Never")


def test_confirm_brings_the_date_of_a_bulk_update_to_today(
    receptionist: Page, host: OscarHost, panel: int, ui: str
) -> None:
    _assigned(host, panel)
    widget = open_patient(receptionist, "ABEL", ui)
    widget.get_by_role("button", name="Confirm", exact=True).click()
    expect(widget.get_by_text("Last confirmation")).to_contain_text("Nov 10, 2026")
    expect(widget.get_by_role("button", name="Confirm", exact=True)).to_have_count(0)


def test_patients_are_adjusted_one_by_one_after_a_bulk_update(
    manager: Page, host: OscarHost, panel: int, other_panel: int, ui: str
) -> None:
    _assigned(host, panel)
    widget = open_patient(manager, "BERG", ui)
    widget.get_by_label("Panel options").click()
    widget.get_by_role("button", name="Remove from current panel").click()
    expect(widget).to_contain_text("Not Paneled")
    assert _members(manager, "0042") == ["ABEL", "COLE"]


def test_a_bulk_update_leaves_the_mrp_as_it_is(
    manager: Page, host: OscarHost, oscar: Any, patients: Patients, other_panel: int
) -> None:
    bulk_update(manager)
    choose(manager, "Provider (the patients' MRP)", "Okafor")
    choose(manager, "To panel", "0077")
    manager.get_by_role("button", name="Assign Patients").click()
    manager.get_by_role("button", name="Assign 3 Patients").click()
    expect(manager.get_by_text("Added: 3")).to_be_visible()
    record = oscar.tables.demographic
    with host.database.engine.connect() as connection:
        mrps = connection.execute(select(record.c.provider_no).order_by(record.c.demographic_no)).scalars().all()
    assert mrps == [OKAFOR, OKAFOR, OKAFOR, TREMBLAY, OKAFOR]


def test_all_patients_are_moved_to_a_different_panel(
    manager: Page, host: OscarHost, panel: int, other_panel: int
) -> None:
    _assigned(host, panel)
    _assigned(host, other_panel, TREMBLAY)
    bulk_update(manager)
    manager.get_by_label("Move patients to a different panel").check()
    choose(manager, "From panel", "0042")
    choose(manager, "To panel", "0077")
    expect(manager.get_by_label("Patient status").locator("option:checked")).to_have_text("Active")
    manager.get_by_role("button", name="Move Patients").click()
    manager.get_by_role("button", name="Move 3 Patients").click()
    expect(manager.get_by_text("Moved from another panel: 3")).to_be_visible()
    assert _members(manager, "0042") == []
    assert _members(manager, "0077") == ["ABEL", "BERG", "COLE", "DALE"]


def test_all_patients_are_removed_from_a_panel(manager: Page, host: OscarHost, panel: int) -> None:
    _assigned(host, panel)
    bulk_update(manager)
    manager.get_by_label("Remove patients from a panel").check()
    choose(manager, "From panel", "0042")
    expect(manager.get_by_label("Patient status").locator("option:checked")).to_have_text("Active")
    manager.get_by_role("button", name="Remove Patients").click()
    manager.get_by_role("button", name="Remove 3 Patients").click()
    expect(manager.get_by_text("Removed: 3")).to_be_visible()
    assert _members(manager, "0042") == []


def test_a_sign_says_that_it_is_busy_and_that_it_may_take_a_minute(manager: Page, panel: int) -> None:
    bulk_update(manager)
    choose(manager, "Provider (the patients' MRP)", "Okafor")
    choose(manager, "To panel", "0042")
    manager.get_by_role("button", name="Assign Patients").click()
    expect(manager.get_by_role("main")).to_contain_text("This may take a minute or more")
