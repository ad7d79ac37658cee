"""Every page that can be opened by its address: to look at, on paper, with the keyboard only, and without script.

`make large` opens every page, `make test` some that hold all there is: tables, forms, tabs, menus, members to select.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.submissions import requests, run
from cpar_plugin.settings import load
from oscar_host.host import OscarHost

from ..browser import WIDTHS, OpenTab, fits_each_width, look, resize
from ..fhirapi.receiver import a_subscription
from .conftest import MANAGER, PUBLIC_KEYS, RECEPTION
from .list_layouts import (
    a_departure,
    a_letter,
    a_registry_list,
    a_report,
    an_affiliation,
    emptied_and_filled,
    upload_affiliated,
    upload_list,
    upload_report,
)

LETTER = 816 - 2 * 38  # px: the width of the paper, between margins of one centimetre
# Where the keyboard can go to. Of the radio buttons of one name it goes to one, of a closed menu to none.
CONTROLS = """
[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
    .filter(one => one.tabIndex >= 0 && !one.disabled && one.checkVisibility())
    .filter(one => one.type !== "radio" || one.checked)
"""
ELSEWHERE = {"cpar.interrupted_form", "cpar.review_attachment"}  # tests/pages: test_interrupted, test_attachment
SOME = ("master_record", "panel", "edit_panel", "bulk_result", "submission", "panel_overview", "new_client")
FOCUSED = """
document.activeElement === document.body ? null : {
    place: window.controls.indexOf(document.activeElement),
    seen: (style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
        && document.activeElement.checkVisibility())(getComputedStyle(document.activeElement)),
    what: document.activeElement.outerHTML.slice(0, 200),
}
"""
BESIDE_THE_PRINT = """
[...document.querySelectorAll("button, .cpar-button, .button, nav, .cpar-menu")]
    .filter(one => one.checkVisibility() && !one.matches("th *"))
    .map(one => one.outerHTML.slice(0, 120))
"""
CUT_TABLES = """
[...document.querySelectorAll("table")].filter(table => {
    for (let one = table.parentElement; one; one = one.parentElement)
        if (one !== document.documentElement && !["visible", ""].includes(getComputedStyle(one).overflowX)) return true;
    return table.scrollWidth > window.innerWidth;
}).map(table => table.outerHTML.slice(0, 120))
"""
# Tables that scroll sideways, and cells of cards that do not say which column they are of.
CUT_ON_A_PHONE = """
[...document.querySelectorAll("table")].filter(table =>
    table.parentElement.scrollWidth > table.parentElement.clientWidth
    || [...table.querySelectorAll(".cpar-scroll td[data-label]")].some(cell =>
        getComputedStyle(cell, "::before").content !== JSON.stringify(cell.dataset.label)
        || cell.getBoundingClientRect().right > window.innerWidth)
).map(table => table.outerHTML.slice(0, 120))
"""


@pytest.fixture
def database_kind() -> str:
    """No database changes what pages look like."""
    return "sqlite"


@pytest.fixture(params=["some pages", pytest.param("every page", marks=pytest.mark.large)])
def pages(
    request: pytest.FixtureRequest,
    app: Flask,
    host: OscarHost,
    emr: OscarHost,
    oscar: Any,
    clock: FixedClock,
    manager: Any,
    panel: int,
    other_panel: int,
    tmp_path: Path,
) -> dict[str, str]:
    """Address by name of every page of a clinic in which something has happened."""
    patient = oscar.patient(hin="100000001")
    oscar.visit(patient)
    oscar.patient(hin="100000002", first_name="Noel", patient_status="IN")
    oscar.patient(hin="100000003", first_name="Uma")  # never seen
    assigned = bulk.carry_out(host, host.identity.system, bulk.Assign("101", "AC", panel))
    settings = load({**host.settings, "outbox_folder": str(tmp_path)})
    submission = requests.ask(host, settings, host.identity.system, panel)
    clock.move_to(settings.calendar(clock.zone).moment(requests.run_date(host, settings), settings.night_run_at))
    run.run_due(host, settings, clock.now())
    oscar.visit(patient, clock.now().astimezone(clock.zone).date(), "16:00", "t")
    requests.ask(host, settings, host.identity.system, panel)
    with emr.database.writing() as connection:
        role = connection.execute(
            host.tables.role.insert().values(role_name="Panel Clerk", description="Manages panels")
        ).inserted_primary_key
    upload_list(manager, panel)
    upload_report(manager)
    client = ClientDraft(name="Network analytics", scopes="system/*.rs", jwks=PUBLIC_KEYS, panels=(panel,))
    affiliation = an_affiliation(host, "North", patient)
    upload_affiliated(manager, affiliation)
    parts = {
        "patient_id": patient,
        "panel_id": panel,
        "operation_id": assigned.operation_id,
        "submission_id": submission,
        "report_id": a_report(host, patient, 1),
        "list_id": a_registry_list(host, patient, 1),
        "line_id": a_report(host, patient, 2, accepted=True),
        "other_id": affiliation,
        "other_operation_id": emptied_and_filled(host, affiliation),
        "letter_id": a_letter(host, patient),
        "departure_id": a_departure(host, [patient], panel, other_panel),
        "role_no": role and role[0],
        "client_no": registry.number_of(registry.register(host, host.identity.system, client)),
        "subscription_no": a_subscription(host),
    }
    adapter = app.url_map.bind("")
    results = {"not-found": "/cpar/panels/999999"}
    for rule in app.url_map.iter_rules():
        page = not rule.endpoint.endswith("static") and not rule.endpoint.startswith("cpar_fhir.")
        page = page and rule.endpoint not in ELSEWHERE
        if "GET" in (rule.methods or ()) and page:
            address = adapter.build(rule.endpoint, {name: parts[name] for name in rule.arguments})
            with manager.get(address) as answer:
                assert answer.status_code == 200, address
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                if answer.get_data().startswith(b"<!doctype html>"):  # a whole page, no part of one and no file
                    results[rule.endpoint.removeprefix("cpar.").replace("_", "-")] = address
    some = {endpoint.replace("_", "-") for endpoint in SOME}
    assert some < results.keys()
    return results if request.param == "every page" else {name: results[name] for name in (*sorted(some), "panels")}


def _walk(page: Page, pages: dict[str, str]) -> Iterator[tuple[str, Page]]:
    for name, address in pages.items():
        page.goto(address)
        yield name, page


def test_axe_finds_nothing_and_no_page_is_wider_than_the_window(pages: dict[str, str], open_tab: OpenTab) -> None:
    cut = {}
    for name, page in _walk(open_tab(MANAGER), pages):
        look(page, name)
        resize(page, WIDTHS[0])
        cut[name] = page.evaluate(CUT_ON_A_PHONE)
    assert {name: result for name, result in cut.items() if result} == {}


def test_what_is_found_and_what_is_refused_is_fit_to_be_seen_too(pages: dict[str, str], open_tab: OpenTab) -> None:
    page = open_tab(RECEPTION)
    page.goto("/")
    page.get_by_label("Name, PHN or record number").fill("Ex")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("table")).to_be_visible()
    look(page, "search-found")
    for name, address in (("refused", pages["panels"]), ("no-patient", "/patients/999999")):
        page.goto(address)
        look(page, name)


def test_a_printed_page_has_whole_tables_and_no_controls(pages: dict[str, str], open_tab: OpenTab) -> None:
    tab = open_tab(MANAGER, width=LETTER)
    tab.emulate_media(media="print")
    wrong = {}
    for name, page in _walk(tab, pages):
        wrong[name] = page.evaluate(BESIDE_THE_PRINT) + page.evaluate(CUT_TABLES)
    assert {name: result for name, result in wrong.items() if result} == {}


def test_every_control_is_reached_by_tab_with_a_visible_focus(pages: dict[str, str], open_tab: OpenTab) -> None:
    wrong: dict[str, list[str]] = {}
    for name, page in _walk(open_tab(MANAGER), pages):
        count = page.evaluate(f"(window.controls = {CONTROLS}).length")
        dates = page.locator("input[type=date]").count()  # each has stops for year, month, day, and calendar
        reached, unseen = set(), []
        for _ in range(count + 3 * dates + 3):
            page.keyboard.press("Tab")
            if focused := page.evaluate(FOCUSED):
                reached.add(focused["place"])
                unseen += [] if focused["seen"] else [focused["what"]]
        missed = sorted(set(range(count)) - reached)
        wrong[name] = unseen + [page.evaluate(f"window.controls[{one}].outerHTML.slice(0, 200)") for one in missed]
    assert {name: result for name, result in wrong.items() if result} == {}


FORMS = """
() => [...document.querySelectorAll("form")].map(form => [form.getAttribute("action"), form.method,
    [...form.elements].map(
        one => one.name + "=" + (["csrf_token", "form_key"].includes(one.name) ? "" : one.value)).sort()])
"""

# To have opened the one page is a look, which the other one shows.
WITHOUT_LOOKS = "() => document.querySelector('[aria-labelledby=cpar-looks]')?.remove()"


def test_without_script_every_page_shows_the_same_forms(pages: dict[str, str], open_tab: OpenTab) -> None:
    with_script, without = open_tab(MANAGER), open_tab(MANAGER, script=False)
    for (name, one), (_, other) in zip(_walk(with_script, pages), _walk(without, pages), strict=True):
        assert other.evaluate(FORMS) == one.evaluate(FORMS), name
        for opened in (one, other):
            opened.evaluate(WITHOUT_LOOKS)
        assert other.get_by_role("main").inner_text() == one.get_by_role("main").inner_text(), name
        fits_each_width(other, f"{name}-without-script")
