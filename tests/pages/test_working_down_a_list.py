"""Long lists worked down in Chromium, with the clicks counted."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import func, select, text, update

from cpar_plugin.domain.identifiers import phn_check_digit
from cpar_plugin.services import bulk
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..browser import OpenTab, fits_each_width, look, resize
from .conftest import DOCTOR, MANAGER

pytestmark = pytest.mark.databases("one")


# Where each row is in the window, in px; and the gaps that rows have left.
PLACES = """Object.fromEntries([...document.querySelectorAll("tbody tr[id]")]
    .map(row => [row.id, Math.round(100 * row.getBoundingClientRect().top) / 100]))"""


class Hand:
    """Presses, and counts: `clicks` are those on buttons and links, `choices` those in dropdown lists."""

    def __init__(self) -> None:
        self.clicks = self.choices = 0

    def press(self, control: Locator) -> None:
        control.click()
        self.clicks += 1

    def choose(self, control: Locator, value: str) -> None:
        control.select_option(value)
        self.choices += 1


def _button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def _phn(number: int) -> str:
    """One that raises no question."""
    return f"2000{phn_check_digit(f'20000{number:04}')}{number:04}"


def _resize(page: Page, width: int) -> None:
    """And wait until the page has been laid out so, and its scripts have heard of it."""
    resize(page, width)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _assign(host: OscarHost, panel: int) -> None:
    bulk.carry_out(host, host.identity.system, bulk.Assign(DOCTOR, host.roster.active_status, panel))


def test_186_exclusions_are_worked_down_in_ten_clicks(
    open_tab: OpenTab, host: OscarHost, emr: OscarHost, oscar: Any, panel: int
) -> None:
    with oscar.at_once():
        ids = [oscar.patient(hin=str(200_000_000 + number)) for number in range(190)]
        for patient_id in ids:
            oscar.visit(patient_id)
    _assign(host, panel)
    record = emr.tables.demographic
    with emr.database.writing() as connection:
        deceased = update(record).where(record.c.demographic_no.in_(ids[:120]))
        connection.execute(deceased.values(patient_status="DE"))
    with host.database.session() as session:
        never = update(tables.member).where(tables.member.c.patient_id.in_(ids[120:186]))
        session.execute(never.values(confirmed_on=None, confirmed_how=None))
    page, hand = open_tab(MANAGER), Hand()
    page.goto(f"/cpar/panels/{panel}")
    hand.press(_button(page, "Show exclusions"))
    expect(page.get_by_text("186 patients would be excluded")).to_be_visible()
    hand.press(_button(page, "Patient is not active"))
    expect(page.get_by_text("120 patients found")).to_be_visible()
    look(page, "exclusions-of-one-reason")
    hand.press(_button(page, "Select all 120 found"))
    expect(page.get_by_text("All 120 found are selected")).to_be_visible()
    hand.press(_button(page, "Remove from this panel"))
    expect(page.get_by_role("status").filter(has_text="removed from this panel")).to_contain_text("120 patients")
    hand.press(page.get_by_role("link", name="Show all patients"))
    hand.press(_button(page, "Show exclusions"))
    hand.press(_button(page, "No confirmation date"))
    expect(page.get_by_text("66 patients found")).to_be_visible()
    hand.press(_button(page, "Select all on this page"))
    expect(page.get_by_text("66 selected")).to_be_visible()
    hand.press(_button(page, "Confirm"))
    expect(page.get_by_role("status").filter(has_text="confirmed")).to_contain_text("66 patients")
    look(page, "exclusions-worked-down")
    assert (hand.clicks, hand.choices) == (9, 0)
    with host.database.engine.connect() as connection:
        left = connection.execute(select(tables.member.c.patient_id, tables.member.c.confirmed_on)).all()
    assert {row.patient_id for row in left} == set(ids[120:])
    assert all(row.confirmed_on for row in left)


def test_the_bar_stays_in_view_and_a_press_on_a_row_keeps_the_place(
    open_tab: OpenTab, host: OscarHost, oscar: Any, panel: int
) -> None:
    with oscar.at_once():
        for number in range(60):
            oscar.visit(oscar.patient(last_name=f"Wren{number:02}", hin=_phn(number)))
    _assign(host, panel)
    with host.database.session() as session:
        session.execute(update(tables.member).values(confirmed_on=None, confirmed_how=None))
    page = open_tab(MANAGER)
    page.goto(f"/cpar/panels/{panel}")
    expect(page.locator(".cpar-bar")).to_be_in_viewport()
    for name in ("WREN40", "WREN41"):
        page.get_by_label(f"Select {name}").check()
    expect(page.locator(".cpar-bar")).to_be_in_viewport(ratio=1)
    expect(page.locator("[data-count]")).to_have_text("2 selected")
    fits_each_width(page, "panel-bar", (390, 800))
    result = page.locator(".cpar-bar [role=status]")
    for width, name in zip((1280, 800, 390, 390), ("WREN30", "WREN31", "WREN32", "WREN00"), strict=True):
        _resize(page, width)
        button = page.get_by_role("button", name=f"Confirm {name}")
        button.evaluate("button => button.scrollIntoView({block: 'center'})")
        places = page.evaluate(PLACES)
        button.click()
        expect(button).to_have_count(0)
        expect(result).to_contain_text("1 patient confirmed.")
        expect(result).to_be_focused()
        assert page.evaluate(PLACES) == places, (width, "a row has moved, pressed or not")
    page.goto(f"/cpar/panels/{panel}?show=no-confirmation")
    for name in ("WREN20", "WREN22"):  # they are no longer on this list, and leave a gap
        button = page.get_by_role("button", name=f"Confirm {name}")
        button.evaluate("button => button.scrollIntoView({block: 'center'})")
        places = page.evaluate(PLACES)
        button.click()
        expect(button).to_have_count(0)
        expect(result).to_be_focused()
        assert page.evaluate(PLACES) == places, name
    expect(page.get_by_text("No longer on this list")).to_have_count(2)
    address = page.url
    page.goto("/cpar/panels")
    page.go_back()
    expect(page).to_have_url(address)
    expect(page.get_by_role("row", name="WREN21")).to_be_visible()
    expect(result).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 390])
def test_without_script_the_list_is_loaded_again_at_the_row_that_was_pressed(
    open_tab: OpenTab, host: OscarHost, oscar: Any, panel: int, width: int
) -> None:
    with oscar.at_once():
        for number in range(60):
            oscar.visit(oscar.patient(last_name=f"Wren{number:02}", hin=_phn(number)))
    _assign(host, panel)
    with host.database.session() as session:
        session.execute(update(tables.member).values(confirmed_on=None, confirmed_how=None))
    page = open_tab(MANAGER, script=False, width=width)
    page.goto(f"/cpar/panels/{panel}")
    page.get_by_role("button", name="Confirm WREN30").click()
    expect(page.get_by_role("button", name="Confirm WREN30")).to_have_count(0)
    expect(page.get_by_text("WREN30, Pat")).to_be_in_viewport()
    expect(page.locator(".cpar-bar [role=status]")).to_contain_text("1 patient confirmed.")
    for name in ("WREN40", "WREN41"):
        page.get_by_label(f"Select {name}").check()
    page.get_by_role("button", name="Confirm", exact=True).click()
    expect(page.locator(".cpar-bar [role=status]")).to_contain_text("2 patients confirmed.")
    expect(page.get_by_text("WREN41, Pat")).to_be_in_viewport()


def test_taking_exclusions_keeps_their_place_and_says_so_in_view(
    open_tab: OpenTab, host: OscarHost, oscar: Any, panel: int
) -> None:
    with oscar.at_once():
        for number in range(40):
            oscar.visit(oscar.patient(last_name=f"Wren{number:02}", hin=""))
    _assign(host, panel)
    page = open_tab(MANAGER)
    page.goto("/cpar/exclusions")
    for width, name in ((1280, "WREN20"), (390, "WREN39")):
        _resize(page, width)
        page.get_by_label(f"Select {name}").check()
        page.get_by_role("button", name="Take").scroll_into_view_if_needed()
        places = page.evaluate(PLACES)
        with page.expect_response(lambda answer: answer.request.method == "POST"):  # not the message of the one before
            page.get_by_role("button", name="Take").click()
        result = page.get_by_role("status").filter(has_text="1 exclusion taken.")
        expect(result).to_be_in_viewport()
        expect(result).to_be_focused()
        changed, now = int(name[-2:]), page.evaluate(PLACES)  # this row says by whom it is taken, and is higher by that
        assert [*now.items()][: changed + 1] == [*places.items()][: changed + 1], width
    page.reload()
    expect(page.get_by_role("status").filter(has_text="exclusion")).to_have_count(0)


def test_a_leavers_1800_patients_go_to_two_colleagues_by_surname_in_six_clicks(
    open_tab: OpenTab, host: OscarHost, emr: OscarHost, oscar: Any, make_panel: Any, panel: int, other_panel: int
) -> None:
    third = make_panel("0099", "201", "323456789")
    first = oscar.patient(last_name="A")
    with emr.database.writing() as connection:
        row = dict(connection.execute(text("SELECT * FROM demographic")).mappings().one())
        rows = [row | {"demographic_no": first + n, "last_name": f"{chr(65 + n % 26)}er{n}"} for n in range(1, 1800)]
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO demographic ({names}) VALUES ({values})"), rows)
    _assign(host, panel)
    page, hand = open_tab(MANAGER), Hand()
    page.goto(f"/cpar/panels/{panel}")
    expect(page.get_by_text("1,800 patients, 100 on this page")).to_be_visible()
    hand.choose(page.get_by_label("Family name to"), "K")
    hand.press(_button(page, "Filter"))
    part = sum(n % 26 <= 10 for n in range(1800))
    for target, count in ((other_panel, part), (third, 1800 - part)):
        hand.press(page.get_by_role("button", name=f"Select all {count:,} found"))
        expect(page.get_by_text(f"All {count:,} found are selected")).to_be_visible()
        hand.choose(page.locator("#cpar-to_panel_id"), str(target))
        hand.press(_button(page, "Move"))
        expect(page.locator(".cpar-bar [role=status]").first).to_contain_text(f"{count:,} patients")
        if target == other_panel:
            hand.press(page.get_by_role("link", name="Show all patients"))
    assert (hand.clicks, hand.choices) == (6, 3)
    with host.database.engine.connect() as connection:
        on = dict(
            connection.execute(select(tables.member.c.panel_id, func.count()).group_by(tables.member.c.panel_id)).all()
        )
    assert on == {other_panel: part, third: 1800 - part}
