"""The first day: six doctors from nothing to six queued submissions, in few clicks, with mouse or keyboard alone."""

from typing import Any, Protocol

import pytest
from playwright.sync_api import Locator, Page, expect

from cpar_plugin.services.submissions import history
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from .conftest import MANAGER, Patients

pytestmark = pytest.mark.databases("one")

AT_MOST = 30
DOCTORS = (
    "Okafor, Adaeze",
    "Tremblay, Hélène",
    "Sandhu, Gurpreet",
    "O'Brien, Declan",
    "Kowalchuk, Bohdan",
    "Nguyễn, Linh",
)
COUNT_CLICKS = """
addEventListener("click", (event) => event.isTrusted && event.detail && window.clicked(), true);
"""


class Hand(Protocol):
    """How somebody works: with the mouse, or with the keyboard alone."""

    def press(self, control: Locator) -> None:
        """A link or a button."""

    def enter(self, field: Locator, text: str) -> None:
        """Write into a field, in place of what is there."""


class Mouse:
    """Each field is clicked before anything is entered."""

    def press(self, control: Locator) -> None:
        control.click()

    def enter(self, field: Locator, text: str) -> None:
        field.click()
        field.fill(text)


class Keyboard:
    """From where the focus is, by Tab until the control has it."""

    def press(self, control: Locator) -> None:
        self._reach(control)
        control.page.keyboard.press("Enter")

    def enter(self, field: Locator, text: str) -> None:
        self._reach(field)
        field.page.keyboard.press("ControlOrMeta+a")
        field.page.keyboard.type(text)

    @staticmethod
    def _reach(control: Locator) -> None:
        expect(control).to_be_visible()
        for _ in range(200):
            if control.evaluate("one => one === document.activeElement"):
                return
            control.page.keyboard.press("Tab")
        pytest.fail(f"Tab does not reach {control}")


@pytest.fixture
def clicks() -> list[None]:
    """One for each click of the mouse."""
    return []


@pytest.fixture
def page(open_tab: OpenTab, clicks: list[None]) -> Page:
    """An administrator at the first page of the EMR, whose clicks are counted."""
    tab = open_tab(MANAGER)
    tab.expose_function("clicked", lambda: clicks.append(None))
    tab.add_init_script(COUNT_CLICKS)
    tab.goto("/")
    return tab


@pytest.mark.parametrize(
    "hand", [pytest.param(Mouse(), id="mouse"), pytest.param(Keyboard(), id="keyboard", marks=pytest.mark.large)]
)
def test_six_doctors_come_from_nothing_to_six_queued_submissions(
    page: Page, host: OscarHost, oscar: Any, patients: Patients, clicks: list[None], hand: Hand
) -> None:
    for place, provider in enumerate(("101", "102", "103", "104", "105", "106")):
        oscar.visit(oscar.patient(last_name=f"FIRST{place}", provider_no=provider, hin=f"{200_000_001 + place}"))

    hand.press(page.get_by_role("link", name="Administration"))
    hand.press(page.get_by_role("link", name="CPAR Panel Management"))
    expect(page.get_by_role("heading", name="First day: 0 of 6 done")).to_be_visible()
    look(page, "first-day-nothing")
    hand.press(page.get_by_role("link", name="Enter the Clinic Name and Site ID"))
    hand.enter(page.get_by_label("Clinic Name"), "Saskatoonberry Family Clinic")
    hand.enter(page.get_by_label("Site ID"), "S-0815")
    hand.press(page.get_by_role("button", name="Save"))

    hand.press(page.get_by_role("link", name="Create the panels"))
    expect(page.get_by_role("heading", name="Panels for Several Providers")).to_be_visible()
    look(page, "first-day-panels")
    hand.enter(page.get_by_label("Alberta Health Facility ID / WDFA Key"), "113")
    for place, doctor in enumerate(DOCTORS):
        hand.enter(page.get_by_label(f"CPAR Panel Number of {doctor}"), f"004{place}")
        hand.enter(page.get_by_label(f"PPHS Practitioner ID of {doctor}"), f"1234-5678{place}")
    hand.press(page.get_by_role("button", name="Create Panels"))

    expect(page.get_by_role("row", name="0045 (Nguyễn, Linh)")).to_be_visible()
    look(page, "first-day-fill")
    hand.press(page.get_by_role("button", name="Add 10 Patients"))
    expect(page.get_by_text("Added: 10")).to_be_visible()
    hand.press(page.get_by_role("link", name="Go to panels"))
    expect(page.get_by_role("button", name="Submit All 6 Panels")).to_be_visible()
    look(page, "first-day-filled")
    hand.press(page.get_by_role("button", name="Submit All 6 Panels"))
    expect(page.get_by_text("6 panels are queued for Nov 11, 2026.")).to_be_visible()
    look(page, "first-day-queued")

    with host.database.engine.connect() as connection:
        queued = history.open_submissions(connection, host).values()
    assert sorted(one.panel_number for one in queued) == ["0040", "0041", "0042", "0043", "0044", "0045"]
    assert len(clicks) <= (AT_MOST if isinstance(hand, Mouse) else 0)
    assert bool(clicks) == isinstance(hand, Mouse)
