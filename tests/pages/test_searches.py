"""What is searched for stands in no address, belongs to one person and session, and is still there after Back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..browser import OpenTab
from .conftest import MANAGER, Person

EXPIRED = "<h1>This search has expired</h1>"


@pytest.fixture
def searches(oscar: Any, host: OscarHost, panel: int, manager: Person) -> list[str]:
    """The addresses to which a search among all patients, and one in a panel, lead the manager."""
    one_patient.choose(host, host.identity.system, oscar.patient(last_name="Zwicky"), panel, seen_panel_id=None)
    answer = [
        manager.post("/", search_text="zwicky").location,
        manager.post(f"/cpar/panels/{panel}", text="zwicky").location,
    ]
    for address in answer:
        assert "zwicky" not in address.lower()
        assert "zwicky" in manager.get(address).get_data(as_text=True).lower()
    return answer


def _is_expired(answer: Any) -> bool:
    page = answer.get_data(as_text=True)
    return answer.status_code == 410 and EXPIRED in page and "zwicky" not in page.lower()


def test_a_search_is_opened_by_no_other_person_and_no_other_session(
    app: Any, searches: list[str], manager: Person, barred: Person
) -> None:
    for address in searches:
        assert _is_expired(barred.get(address)), address
        assert _is_expired(Person(app, MANAGER).get(address)), address
        assert _is_expired(manager.get(address[:-1])), address


def test_a_search_ends_by_itself_and_leaves_nothing(
    host: OscarHost, clock: FixedClock, searches: list[str], manager: Person, panel: int
) -> None:
    clock.move_to(clock.now() + timedelta(hours=13))
    manager.sign_in()
    for address in searches:
        assert _is_expired(manager.get(address)), address
    manager.post(f"/cpar/panels/{panel}", text="other")
    with host.database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.kept)) == 1


def test_the_database_does_not_reveal_what_was_searched_for(host: OscarHost, searches: list[str]) -> None:
    with host.database.engine.connect() as connection:
        rows = connection.execute(select(tables.kept)).all()
    assert len(rows) == 2
    for row in rows:
        assert b"wicky" not in row.sealed
        assert not any(row.token_hash in address for address in searches)


def _search_patients(page: Page, panel: int) -> None:
    page.goto("/")
    page.get_by_label("Name, PHN or record number").fill("zwicky")
    page.get_by_role("button", name="Search").click()


def _next_patients(page: Page, panel: int) -> None:
    _search_patients(page, panel)
    page.get_by_role("button", name="Next page").click()


def _search_panel(page: Page, panel: int) -> None:
    page.goto(f"/cpar/panels/{panel}")
    page.get_by_label("Search in this panel").fill("zwicky")
    page.get_by_role("button", name="Search").click()


def _filter_what_was_found(page: Page, panel: int) -> None:
    _search_panel(page, panel)
    page.get_by_label("Next submission").select_option("excluded")
    page.get_by_role("button", name="Filter").click()


def _select_all_found(page: Page, panel: int) -> None:
    _search_panel(page, panel)
    page.get_by_role("button", name="Select all on this page").click()


@pytest.mark.databases("one")
@pytest.mark.parametrize(
    "search",
    [_search_patients, _next_patients, _search_panel, _filter_what_was_found, _select_all_found],
    ids=lambda search: search.__name__.strip("_"),
)
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_back_from_a_patient_leads_to_what_was_found(
    open_tab: OpenTab, host: OscarHost, oscar: Any, panel: int, search: Callable[[Page, int], None], script: bool
) -> None:
    for number in range(27):
        patient_id = oscar.patient(last_name="Zwicky", first_name=f"Pat{number:02}", hin="")
        one_patient.choose(host, host.identity.system, patient_id, panel, seen_panel_id=None)
    page = open_tab(MANAGER, script=script)
    search(page, panel)
    result = page.get_by_role("link", name="ZWICKY").or_(page.get_by_role("link", name="Zwicky, Pat"))
    expect(result.last).to_be_visible()
    page.wait_for_load_state()
    address, shown = page.url, result.all_inner_texts()
    result.last.click()
    expect(page.get_by_text("Master Record").or_(page.get_by_text("Record number")).first).to_be_attached()
    expect(page).not_to_have_url(address)
    page.go_back()
    expect(page).to_have_url(address)
    expect(result).to_have_text(shown)
    page.reload()
    expect(result).to_have_text(shown)


@pytest.mark.databases("one")
def test_back_from_the_result_of_a_bulk_update_leads_to_its_preview(open_tab: OpenTab, oscar: Any, panel: int) -> None:
    oscar.patient()
    page = open_tab(MANAGER)
    page.goto("/cpar/bulk")
    page.get_by_label("Provider (the patients' MRP)").select_option("101")
    page.get_by_label("To panel").select_option(str(panel))
    page.get_by_role("button", name="Assign Patients").click()
    expect(page.get_by_role("heading", name="Bulk Update: review changes")).to_be_visible()
    page.get_by_role("button", name="Assign 1 Patient").click()
    expect(page.get_by_role("heading", name="Bulk Update: done")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("No patients match.")).to_be_visible()


@pytest.mark.databases("one")
def test_back_leads_to_a_filtered_list_of_submissions_and_of_providers(open_tab: OpenTab, panel: int) -> None:
    page = open_tab(MANAGER)
    for address, field, value, button in (
        ("/administration/assign-role", "Family name", "Pe", "Search"),
        ("/administration/assign-role?name=Pe", "Family name", "Ok", "Search"),
    ):
        page.goto(address)
        page.get_by_label(field, exact=True).fill(value)
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_label(field, exact=True)).to_have_value(value)
        filtered = page.url
        page.goto("/cpar/panels")
        page.go_back()
        expect(page).to_have_url(filtered)
        expect(page.get_by_label(field, exact=True)).to_have_value(value)
