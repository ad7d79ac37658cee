"""The guide, "Adding patients", "Removing patients" and "Setting confirmation date", patient by patient."""

import datetime as dt

import pytest
from playwright.sync_api import Locator, Page, expect

from cpar_plugin.host_kit.clock import FixedClock

from ..conftest import ALBERTA
from .conftest import open_patient

pytestmark = pytest.mark.databases("one")

TODAY, TOMORROW = "Nov 10, 2026", "Nov 11, 2026"


def _add(widget: Locator, number: str) -> None:
    widget.get_by_label("Add to a panel").click()
    widget.get_by_role("button", name=number).click()
    expect(widget.locator(".cpar-widget-panel")).to_contain_text(f"{number} (")


def test_a_patient_is_added_to_a_panel_chosen_from_the_list(
    receptionist: Page, panel: int, other_panel: int, ui: str
) -> None:
    widget = open_patient(receptionist, "ABEL", ui)
    expect(widget).to_contain_text("Not Paneled")
    widget.get_by_label("Add to a panel").click()
    expect(widget.get_by_role("listitem")).to_have_text(["0042 (Okafor, Adaeze)", "0077 (Tremblay, Hélène)"])
    widget.get_by_role("button", name="0042").click()
    expect(widget.locator(".cpar-widget-panel")).to_have_text("0042 (Okafor, Adaeze)")
    expect(receptionist.get_by_role("heading", name=ui)).to_be_attached()


def test_before_there_is_a_panel_the_list_says_where_panels_are_made(
    receptionist: Page, configured: None, ui: str
) -> None:
    widget = open_patient(receptionist, "ABEL", ui)
    widget.get_by_label("Add to a panel").click()
    expect(widget).to_contain_text("There are no panels yet")
    expect(widget).to_contain_text("Administration > CII/CPAR > CPAR Panel Management")


def test_a_patient_is_on_one_panel_at_a_time(receptionist: Page, panel: int, other_panel: int, ui: str) -> None:
    widget = open_patient(receptionist, "ABEL", ui)
    _add(widget, "0042")
    widget.get_by_label("Panel options").click()
    widget.get_by_text("Move to another panel").click()
    widget.get_by_role("button", name="0077").click()
    expect(widget.locator(".cpar-widget-panel")).to_have_text("0077 (Tremblay, Hélène)")


def test_what_is_done_in_one_user_interface_shows_in_the_other(receptionist: Page, panel: int) -> None:
    _add(open_patient(receptionist, "ABEL", "Details"), "0042")
    expect(open_patient(receptionist, "ABEL", "Master Record")).to_contain_text("0042 (Okafor, Adaeze)")


def test_a_patient_is_removed_from_the_current_panel(receptionist: Page, panel: int, ui: str) -> None:
    widget = open_patient(receptionist, "ABEL", ui)
    _add(widget, "0042")
    widget.get_by_label("Panel options").click()
    widget.get_by_role("button", name="Remove from current panel").click()
    expect(widget).to_contain_text("Not Paneled")


def test_adding_sets_the_confirmation_date_to_today_and_confirm_comes_back_tomorrow(
    receptionist: Page, panel: int, clock: FixedClock, ui: str
) -> None:
    widget = open_patient(receptionist, "ABEL", ui)
    _add(widget, "0042")
    confirm = widget.get_by_role("button", name="Confirm", exact=True)
    expect(widget.get_by_text("Last confirmation")).to_contain_text(TODAY)
    expect(confirm).to_have_count(0)
    clock.move_to(dt.datetime(2026, 11, 11, 10, tzinfo=ALBERTA))
    receptionist.reload()
    expect(widget.get_by_text("Last confirmation")).to_contain_text(TODAY)
    confirm.click()
    expect(widget.get_by_text("Last confirmation")).to_contain_text(TOMORROW)
    expect(confirm).to_have_count(0)
