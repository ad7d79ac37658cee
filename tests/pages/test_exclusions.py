"""The Exclusions tab: everyone who will be excluded over all panels, worked down by reason, by several users."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import insert, select, update

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.exclusions import due
from cpar_plugin.services.panels import one_patient
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from .conftest import BARRED, MANAGER

pytestmark = pytest.mark.databases("one")

ADDRESS = "/cpar/exclusions"


@pytest.fixture
def excluded(host: OscarHost, oscar: Any) -> Callable[..., int]:
    """A patient with one reason for exclusion unless the columns say otherwise, on a panel."""

    def make(panel_id: int, last_name: str, *, visited: bool = True, **columns: Any) -> int:
        patient: int = oscar.patient(**{"last_name": last_name, "first_name": "Kim", "hin": ""} | columns)
        if visited:
            oscar.visit(patient)
        one_patient.choose(host, host.identity.system, patient, panel_id, seen_panel_id=None)
        return patient

    return make


@pytest.fixture
def backlog(host: OscarHost, emr: OscarHost, make_panel: Callable[..., int]) -> dict[str, list[int]]:
    """186 excluded patients on six panels, and 60 who will be submitted: by what is wrong with them."""
    panels = [make_panel(f"00{number}") for number in range(1, 7)]
    problems = {"no-phn": 94, "no-gender": 57, "no-visit": 35, "": 60}
    ids: dict[str, list[int]] = {}
    records, visits, members = [], [], []
    now = host.clock.now()
    for problem, count in problems.items():
        for _ in range(count):
            number = len(records) + 1
            ids.setdefault(problem, []).append(number)
            records.append(
                {
                    "demographic_no": number,
                    "last_name": f"Family{number:03}",
                    "first_name": "Kim",
                    "year_of_birth": "1980",
                    "month_of_birth": "02",
                    "date_of_birth": "03",
                    "sex": "" if problem == "no-gender" else "F",
                    "hin": "" if problem == "no-phn" else str(200_000_000 + number),
                    "hc_type": "AB",
                    "patient_status": "AC",
                    "provider_no": "101",
                    "lastUpdateDate": now.replace(tzinfo=None),
                }
            )
            if problem != "no-visit":
                day = (now - timedelta(days=30)).date()
                visit = {"provider_no": "101", "appointment_date": day, "demographic_no": number, "status": "B"}
                visits.append(visit | {"start_time": now.astimezone(UTC).time().replace(microsecond=0)})
            member = {"patient_id": number, "panel_id": panels[number % 6], "since": now, "confirmed_on": now.date()}
            members.append(member | {"confirmed_how": "by-person"})
    with emr.database.writing() as connection:
        tables_of_the_emr = emr.tables
        connection.execute(insert(tables_of_the_emr.demographic), records)
        connection.execute(insert(tables_of_the_emr.appointment), visits)
        connection.execute(insert(tables.member), members)
    return ids


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.get_data(as_text=True)))


def test_186_exclusions_over_six_panels_are_worked_down_in_fifteen_clicks_besides_the_fixing(
    host: OscarHost, emr: OscarHost, open_tab: OpenTab, backlog: dict[str, list[int]], clock: FixedClock
) -> None:
    page = open_tab(MANAGER)
    page.goto("/administration")
    clicks = 0

    def click(role: Any, name: str) -> None:
        nonlocal clicks
        clicks += 1
        page.get_by_role(role, name=name, exact=True).click()

    click("link", "CPAR Panel Management")
    click("link", "Exclusions")
    expect(page.get_by_text("60 patients will be submitted and 186 patients will be excluded.")).to_be_visible()
    look(page, "exclusions-186")

    # Ninety-four without a PHN are mine to call; thirty-five without a visit are booked; the rest is fixed at once.
    click("link", "No PHN 94")
    click("button", "Select all on this page")
    click("button", "Take")
    expect(page.get_by_text("94 exclusions taken.")).to_be_visible()
    click("button", "Select all on this page")
    click("button", "Asked the patient")
    expect(page.get_by_text("94 exclusions set to “Asked the patient”.")).to_be_visible()
    look(page, "exclusions-taken")
    click("link", "No PHN 94")  # once more shows all reasons again
    click("link", "No visit in the past 35")
    click("button", "Select all on this page")
    expect(page.get_by_text("35 selected")).to_be_visible()
    page.get_by_label("Note").fill("Booked for December")
    click("button", "Save note")
    expect(page.get_by_text("35 exclusions given this note.")).to_be_visible()
    click("button", "Select all on this page")
    click("button", "Waiting")
    expect(page.get_by_role("row").filter(has_text="Booked for December")).to_have_count(35)

    record = emr.tables.demographic
    with emr.database.writing() as connection:
        connection.execute(update(record).where(record.c.demographic_no.in_(backlog["no-gender"])).values(sex="F"))
        for number in backlog["no-phn"]:
            one = update(record).where(record.c.demographic_no == number)
            connection.execute(one.values(hin=str(200_000_000 + number)))
    clock.move_to(clock.now() + timedelta(minutes=15))
    due.compare_due(host, Settings(), clock.now())
    click("link", "No visit in the past 35")
    expect(page.get_by_text("35 exclusions", exact=True)).to_be_visible()
    expect(page.get_by_text("211 patients will be submitted and 35 patients will be excluded.")).to_be_visible()

    page.get_by_label("State").select_option("Closed")
    click("button", "Filter")
    expect(page.get_by_text("151 closed exclusions", exact=True)).to_be_visible()
    first = page.get_by_role("row").nth(1)
    expect(first).to_contain_text("Reason gone on Nov 10, 2026")
    expect(first).to_contain_text("Was taken by you.")
    look(page, "exclusions-closed")
    assert clicks == 15


def test_the_panels_tab_shows_for_each_panel_how_many_will_be_submitted_and_excluded(
    host: OscarHost, manager: Any, panel: int, other_panel: int, excluded: Callable[..., int]
) -> None:
    excluded(panel, "Abel")
    excluded(panel, "Berg", sex="", visited=False)
    excluded(panel, "Cole", hin="100000002")
    excluded(other_panel, "Dale", hin="100000003")
    assert text(manager.get("/cpar/panels")).count("Exclusions not counted yet") == 2
    due.compare_due(host, Settings(), host.clock.now())
    shown = text(manager.get("/cpar/panels"))
    assert "1 will be submitted, 2 excluded" in shown
    assert re.findall(r"\d+ excluded", shown) == ["2 excluded"]
    excluded(other_panel, "Epp")
    shown = text(manager.get("/cpar/panels"))
    assert "1 will be submitted, 2 excluded" in shown
    assert "Exclusions not counted yet" in shown
    due.compare_due(host, Settings(), host.clock.now())
    assert "1 patient will be submitted and 2 patients will be excluded on this panel." in text(
        manager.get(ADDRESS, panel=panel)
    )


def test_the_list_is_filtered_by_panel_mrp_reason_owner_and_state(
    manager: Any, panel: int, other_panel: int, excluded: Callable[..., int]
) -> None:
    excluded(panel, "Abel")
    excluded(other_panel, "Berg", sex="", hin="100000002", provider_no="102")
    taken = excluded(other_panel, "Cole")
    manager.get(ADDRESS)
    assert manager.post(f"{ADDRESS}/change", selected=f"{taken}-no-phn-1", action="take").status_code == 303
    manager.post(f"{ADDRESS}/change", selected=f"{taken}-no-phn-2", action="state-waiting")
    for filters, names in (
        ({}, "Abel Berg Cole"),
        ({"panel": panel}, "Abel"),
        ({"mrp": "102"}, "Berg"),
        ({"reason": "no-gender"}, "Berg"),
        ({"owner": MANAGER}, "Cole"),
        ({"owner": "none"}, "Abel Berg"),
        ({"state": "waiting"}, "Cole"),
        ({"state": "closed"}, ""),
        ({"panel": other_panel, "reason": "no-phn", "state": "open"}, ""),
    ):
        shown = set(
            re.findall(r"(ABEL|BERG|COLE), Kim</a></th>", manager.get(ADDRESS, **filters).get_data(as_text=True))
        )
        assert shown == set(names.upper().split()), filters
    counts = text(manager.get(ADDRESS, panel=other_panel, reason="no-phn"))
    assert f'href="/cpar/panels/{other_panel}?show=no-phn"' in manager.get(ADDRESS).get_data(as_text=True)
    assert "No gender 1" in counts
    assert "No PHN 1" in counts
    for wrong in ({"reason": "x"}, {"state": "x"}, {"sort": "x"}, {"panel": "x"}, {"after": "x"}, {"before": "1-x"}):
        assert manager.get(ADDRESS, **wrong).status_code == 422


def test_the_second_of_two_people_is_shown_who_has_the_line(
    manager: Any, barred: Any, panel: int, excluded: Callable[..., int]
) -> None:
    patient = excluded(panel, "Abel")
    manager.get(ADDRESS)
    form = {"selected": f"{patient}-no-phn-1", "action": "take"}
    assert barred.post(f"{ADDRESS}/change", **form).status_code == 303
    answer = manager.post(f"{ADDRESS}/change", **form)
    assert answer.status_code == 409
    assert f"Record {patient}, No PHN: Petty, Ada has it." in text(answer)
    assert "Taken by Petty, Ada." in text(answer)


def test_exclusions_are_assigned_and_that_is_undone_in_a_browser(
    manager: Any, panel: int, excluded: Callable[..., int], open_tab: OpenTab
) -> None:
    for name in ("Abel", "Berg"):
        excluded(panel, name)
    page = open_tab(MANAGER)
    page.goto(ADDRESS)
    page.get_by_role("button", name="Select all on this page").click()
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Select the person who gets the lines.")
    page.get_by_label("Assign to").select_option(MANAGER)
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("2 exclusions assigned.")
    look(page, "exclusions-assigned")
    page.get_by_role("button", name="Undo this change of 2 exclusions").click()
    expect(page.get_by_role("status")).to_contain_text("Undone: 2 exclusions.")
    page.get_by_role("link", name="History: ABEL, Kim, No PHN").click()
    expect(page.get_by_role("main")).to_contain_text("Taken by Penner, Ada (undone later)")
    look(page, "exclusion-history")


def test_a_form_that_asks_for_nothing_or_too_much_says_what_to_do(
    manager: Any, panel: int, excluded: Callable[..., int]
) -> None:
    one, two = excluded(panel, "Abel"), excluded(panel, "Berg")
    manager.get(ADDRESS)
    both = [f"{one}-no-phn-1", f"{two}-no-phn-1"]
    for form, message in (
        ({"action": "take"}, "Select at least one exclusion."),
        ({"action": "note", "note": "x" * 501, "selected": both}, "Enter at most 500 characters"),
        ({"action": "note", "note": "", "selected": both}, "Enter a note. To clear notes, select one exclusion"),
        ({"action": "note", "note": "", "all": "yes"}, "Enter a note. To clear notes, select one exclusion"),
        ({"action": "burn", "selected": both}, "The form was incomplete."),
        ({"action": "state-burnt", "selected": both}, "The form was incomplete."),
    ):
        answer = manager.post(f"{ADDRESS}/change", **form)
        assert (answer.status_code, message in text(answer)) == (422, True), form
    assert text(manager.post(f"{ADDRESS}/change", action="take", all="yes", selected=both)) is not None
    assert "2 exclusions taken." in text(manager.get(ADDRESS))


def test_the_print_has_every_exclusion_however_many_there_are(
    manager: Any, panel: int, excluded: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cpar_plugin.web.exclusions.PRINTED_AT_ONCE", 2)
    names = ["Abel", "Berg", "Cole", "Dorn", "Ekwu"]
    for name in names:
        excluded(panel, name)
    for sort, expected in (("name", names), ("-name", names[::-1])):
        printed = text(manager.get(f"{ADDRESS}/print", sort=sort))
        result = re.findall("|".join(name.upper() for name in names), printed)
        assert (result, "5 exclusions" in printed) == ([name.upper() for name in expected], True)


def test_print_and_file_hold_all_that_was_found_and_say_by_which_filters(
    host: OscarHost, manager: Any, panel: int, other_panel: int, excluded: Callable[..., int]
) -> None:
    patient = excluded(panel, "=Abel")
    excluded(other_panel, "Berg")
    manager.get(ADDRESS)
    manager.post(f"{ADDRESS}/change", selected=f"{patient}-no-phn-1", action="note", note="Back in\nMay")
    printed = text(manager.get(f"{ADDRESS}/print", panel=panel))
    assert "Filters: panel 0042 (Okafor, Adaeze)." in printed
    assert "Back in May" in printed
    assert "BERG" not in printed
    answer = manager.get(f"{ADDRESS}/export", panel=panel)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="exclusions-2026-11-10.csv"'
    (line,) = csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig")))
    assert (line["Record"], line["Family name"], line["Panel"]) == (str(patient), "'=Abel", "0042")
    assert (line["Reason"], line["State"], line["Note"], line["Days"]) == ("No PHN", "Open", "Back in May", "0")
    log = host.tables.log
    with host.database.engine.connect() as connection:
        looks = connection.scalars(select(log.c.data).where(log.c.contentId.startswith("/cpar/exclusions"))).all()
    assert [look.partition(":")[0] for look in looks] == ["exclusions", "print exclusions", "export exclusions"]
    assert looks[1].endswith(f": {patient}")


def test_who_is_closed_to_someone_is_in_none_of_their_lists_and_counted(
    oscar: Any, barred: Any, panel: int, excluded: Callable[..., int]
) -> None:
    closed = excluded(panel, "Hidden")
    excluded(panel, "Shown")
    oscar.privilege(BARRED, f"_demographic${closed}", "o")
    for address in (ADDRESS, f"{ADDRESS}/print", f"{ADDRESS}/export"):
        shown = barred.get(address).get_data(as_text=True).upper()
        assert ("HIDDEN, KIM" in shown or "HIDDEN,KIM" in shown, "SHOWN" in shown) == (False, True)
    assert "1 patient is not shown: no access to record." in text(barred.get(ADDRESS))
    answer = barred.post(f"{ADDRESS}/change", selected=f"{closed}-no-phn-1", action="take")
    assert (answer.status_code, "Record 1" in text(answer), "HIDDEN" in text(answer)) == (409, False, False)
