"""The guide, "Panel submissions": by themselves on the 7th, by hand outside the blackout, and the history of both."""

import datetime as dt
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import run
from cpar_plugin.settings import Settings, load
from oscar_host.demo.registry.process import RunningRegistry
from oscar_host.host import OscarHost

from ..conftest import ALBERTA
from .conftest import OKAFOR, Patients, open_patient, panel_management

pytestmark = pytest.mark.databases("one")

BLACKOUT = dt.datetime(2026, 11, 23, 10, tzinfo=ALBERTA)


@pytest.fixture
def settings(registry: RunningRegistry) -> Settings:
    """Submissions go to a registry that takes them."""
    return load({"transport": "fhir", "registry_url": registry.fhir_url})


@pytest.fixture
def filled(host: OscarHost, panel: int) -> int:
    """The panel 0042 with the three active patients of Dr Okafor, of whom COLE was never seen."""
    bulk.carry_out(host, host.identity.system, bulk.Assign(OKAFOR, "AC", panel))
    return panel


def _night(host: OscarHost, clock: FixedClock, settings: Settings, *day: int) -> None:
    """The night run of that date."""
    clock.move_to(dt.datetime(*day, 3, 15, tzinfo=ALBERTA))
    run.run_due(host, settings, clock.now())


def _history(page: Page) -> None:
    panel_management(page)
    page.get_by_role("link", name="Submission History").click()


def test_on_the_seventh_every_panel_with_valid_patients_goes_by_itself(
    manager: Page, host: OscarHost, clock: FixedClock, settings: Settings, filled: int, other_panel: int
) -> None:
    for day in (5, 6):
        _night(host, clock, settings, 2026, 12, day)
    _history(manager)
    expect(manager.get_by_role("row", name="0042")).to_have_count(0)
    _night(host, clock, settings, 2026, 12, 7)
    manager.reload()
    row = manager.get_by_role("row", name="0042")
    expect(row).to_contain_text("Delivered")
    expect(row).to_contain_text("Dec 7, 2026")
    expect(row).to_contain_text("1 excluded")
    expect(manager.get_by_role("row", name="0077")).to_have_count(0)  # nobody is on it


# What is amiss with a patient, and what the page of the panel calls it.
AMISS: dict[str, tuple[dict[str, Any], str]] = {
    "INACTIVE": ({"patient_status": "IN"}, "Patient is not active"),
    "UNBORN": ({"born": "--"}, "No date of birth"),
    "": ({}, "No family name"),
    "GENDERLESS": ({"sex": ""}, "No gender"),
    "NUMBERLESS": ({"hin": ""}, "No PHN"),
    "UNSEEN": ({}, "No visit in the past"),
    "FUTURE": ({}, "No visit in the past"),
    "CANCELLED": ({}, "No visit in the past"),
    "NOSHOW": ({}, "No visit in the past"),
    "EARLY": ({"born": "2026-11-01"}, "Last visit is before the date of birth"),
}
VISITS: dict[str, tuple[str, str] | None] = {
    "UNSEEN": None,
    "FUTURE": ("2026-12-24", "t"),
    "CANCELLED": ("2026-10-05", "C"),
    "NOSHOW": ("2026-10-05", "N"),
}


def test_only_valid_patients_are_submitted_and_each_other_one_is_named_with_the_reason(
    manager: Page, host: OscarHost, oscar: Any, patients: Patients, clock: FixedClock, settings: Settings, panel: int
) -> None:
    for place, (family, (columns, _)) in enumerate(AMISS.items()):
        patient = oscar.patient(
            **(
                {"last_name": family, "first_name": f"{family or 'Nameless'}", "hin": f"{200_000_001 + place}"}
                | columns
            )
        )
        if visit := VISITS.get(family, ("2026-10-05", "B")):
            oscar.visit(patient, visit[0], status=visit[1], provider_no="102")
        one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    one_patient.choose(host, host.identity.system, patients["ABEL"], panel, seen_panel_id=None)
    bulk.carry_out(host, host.identity.system, bulk.Assign("102", "AC", panel))

    panel_management(manager)
    manager.get_by_role("link", name="0042", exact=True).click()
    for family, (_, reason) in AMISS.items():
        row = manager.locator("tbody tr").filter(has=manager.locator(f"th:has-text('{family or 'Nameless'}')"))
        expect(row).to_contain_text("Will be excluded")
        expect(row).to_contain_text(reason)
    for family in ("ABEL", "DALE"):
        expect(manager.get_by_role("row", name=family)).to_contain_text("Will be submitted")

    _night(host, clock, settings, 2026, 12, 7)
    _history(manager)
    row = manager.get_by_role("row", name="0042")
    expect(row).to_contain_text("Delivered")
    expect(row).to_contain_text(f"{len(AMISS)} excluded")


def test_a_patient_without_a_confirmation_date_is_excluded_until_confirm_is_pressed(
    manager: Page, host: OscarHost, oscar: Any, patients: Patients, filled: int, ui: str
) -> None:
    oscar.visit(patients["COLE"], "2026-10-05")  # seen, but after the bulk update had found no visit
    widget = open_patient(manager, "COLE", ui)
    expect(widget).to_contain_text("No confirmation date")
    widget.get_by_role("button", name="Confirm", exact=True).click()
    expect(widget.get_by_text("Last confirmation")).to_contain_text("Nov 10, 2026")
    expect(widget).not_to_contain_text("No confirmation date")


def test_submit_sends_a_panel_in_the_next_night(
    manager: Page, host: OscarHost, clock: FixedClock, settings: Settings, filled: int, other_panel: int
) -> None:
    panel_management(manager)
    expect(manager.get_by_role("link", name="Panels", exact=True)).to_have_attribute("aria-current", "page")
    manager.get_by_role("button", name="Submit: panel 0042").click()
    row = manager.get_by_role("row", name="0042")
    expect(row).to_contain_text("Queued for Nov 11, 2026")
    _night(host, clock, settings, 2026, 11, 11)
    _history(manager)
    expect(manager.get_by_role("row", name="0042")).to_contain_text("Delivered")
    expect(manager.get_by_role("row", name="0077")).to_have_count(0)


def test_in_the_blackout_a_submission_waits_for_the_first(
    manager: Page, host: OscarHost, clock: FixedClock, settings: Settings, filled: int
) -> None:
    for day in (20, 30):
        clock.move_to(BLACKOUT.replace(day=day))
        panel_management(manager)
        expect(manager.get_by_role("button", name="Submit on Dec 1, 2026: panel 0042")).to_be_visible()
    manager.get_by_role("button", name="Submit on Dec 1, 2026: panel 0042").click()
    expect(manager.get_by_role("row", name="0042")).to_contain_text("Queued for Dec 1, 2026")
    _history(manager)
    _night(host, clock, settings, 2026, 11, 30)
    manager.reload()
    expect(manager.get_by_role("row", name="0042")).not_to_contain_text("Delivered")
    _night(host, clock, settings, 2026, 12, 1)
    manager.reload()
    expect(manager.get_by_role("row", name="0042")).to_contain_text("Delivered")


def test_what_changes_after_submit_was_pressed_is_in_the_submission(
    manager: Page, host: OscarHost, clock: FixedClock, settings: Settings, filled: int
) -> None:
    clock.move_to(BLACKOUT)
    panel_management(manager)
    manager.get_by_role("button", name="Submit on Dec 1, 2026: panel 0042").click()
    expect(manager.get_by_role("row", name="0042")).to_contain_text("Queued for Dec 1, 2026")
    widget = open_patient(manager, "DALE", "Details")
    widget.get_by_label("Add to a panel").click()
    widget.get_by_role("button", name="0042").click()
    expect(widget.locator(".cpar-widget-panel")).to_have_text("0042 (Okafor, Adaeze)")
    _night(host, clock, settings, 2026, 12, 1)
    _history(manager)
    # ABEL, BERG and now DALE
    expect(manager.get_by_role("row", name="0042").get_by_role("cell", name="3 patients submitted")).to_be_visible()


def test_the_history_shows_each_submission_with_delivery_date_and_number_of_patients(
    manager: Page, host: OscarHost, clock: FixedClock, settings: Settings, filled: int
) -> None:
    panel_management(manager)
    manager.get_by_role("button", name="Submit: panel 0042").click()
    expect(manager.get_by_role("row", name="0042")).to_contain_text("Queued for Nov 11, 2026")
    _night(host, clock, settings, 2026, 11, 11)
    _night(host, clock, settings, 2026, 12, 7)
    panel_management(manager)
    manager.get_by_role("link", name="Submission History").click()
    expect(manager.get_by_role("link", name="Submission History")).to_have_attribute("aria-current", "page")
    for heading in ("Delivery date", "Patients submitted"):
        expect(manager.get_by_role("columnheader", name=heading)).to_be_visible()
    rows = manager.get_by_role("row", name="0042")
    expect(rows).to_have_count(2)
    for row, day in zip(rows.all(), ("Dec 7, 2026", "Nov 11, 2026"), strict=True):
        expect(row.get_by_role("cell", name=day)).not_to_have_count(0)
        expect(row.get_by_role("cell", name="2 patients submitted")).to_be_visible()


def test_all_patients_of_a_panel_are_seen_and_exported_as_csv(manager: Page, filled: int) -> None:
    panel_management(manager)
    manager.get_by_role("link", name="0042", exact=True).click()
    for family in ("ABEL", "BERG", "COLE"):
        expect(manager.get_by_role("row", name=family)).to_be_visible()
    with manager.expect_download() as download:
        manager.get_by_role("button", name="Export all patients (CSV)").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 1 + 3
    for family, line in zip(("ABEL", "BERG", "COLE"), sorted(lines[1:]), strict=True):
        assert family in line
