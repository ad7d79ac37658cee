"""The overview in pictures: what a clerk sees, counts and can follow from there."""

import re
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import requests, run
from cpar_plugin.settings import load
from oscar_host.host import OscarHost

from ..browser import look
from ..conftest import ALBERTA
from .conftest import MANAGER

pytestmark = pytest.mark.databases("one")

_TABLE = re.compile(r"<caption[^>]*>([^<]*)</caption>(.*?)</table>")
_ROW = re.compile(r"<tr>(.*?)</tr>")
_CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>")
_TAG = re.compile(r"<[^>]*>")
_FOUND = re.compile(r'<caption id="cpar-members">([\d,]+) patient')


def page(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status
    return " ".join(answer.get_data(as_text=True).split())


def tables(seen: str) -> dict[str, list[list[str]]]:
    """The cells of each table's rows as text, by caption; without the row of headings."""
    return {
        caption: [[_TAG.sub("", cell).strip() for cell in _CELL.findall(row)] for row in _ROW.findall(body)[1:]]
        for caption, body in _TABLE.findall(seen)
    }


def numbers(rows: list[list[str]], *columns: int) -> int:
    return sum(int(row[column].replace(",", "")) for row in rows for column in columns)


@pytest.fixture
def paneled(host: OscarHost, oscar: Any, panel: int) -> Callable[..., int]:
    """Makes a patient of the panel 0042, seen and confirmed on these days; returns the patient_id."""
    phn = iter(range(200_000_001, 200_001_000))

    def make(
        *, seen: str | None = "2026-10-05", confirmed: str | None = "2026-11-10", on: int = panel, **columns: Any
    ) -> int:
        patient_id: int = oscar.patient(**({"hin": str(next(phn))} | columns))
        if seen:
            oscar.visit(patient_id, seen)
        one_patient.choose(host, host.identity.system, patient_id, on, seen_panel_id=None)
        with host.database.session() as session:
            change = text("UPDATE cpar_member SET confirmed_on = :day WHERE patient_id = :patient_id")
            session.execute(change, {"day": confirmed, "patient_id": patient_id})
        return patient_id

    return make


@pytest.fixture
def mixed(paneled: Any, other_panel: int) -> None:
    """Six patients of the panel 0042 at the edges of bands, and one of another."""
    paneled(confirmed="2026-10-11", seen="2026-10-10", born="2016-11-11", sex="M")
    paneled(confirmed="2026-10-10", seen="2025-11-11", born="2016-11-10", sex="F")
    paneled(confirmed="2025-11-10", seen="2025-11-10", born="1936-11-10", sex="X")
    paneled(confirmed="2024-11-10", seen="2023-11-10", born="1980-02-30", sex="U")
    paneled(confirmed="2023-11-11", seen=None, born="1980-02-29", sex="")
    paneled(confirmed=None, seen="2009-01-01", born="1980-02-29", sex="F", hin="")
    paneled(on=other_panel)


def test_a_panel_is_shown_in_pictures_with_their_numbers(mixed: None, manager: Any, panel: int) -> None:
    seen = page(manager.get(f"/cpar/panels/{panel}/overview"))
    assert "<strong>6</strong> patients on this panel" in seen
    assert "If submitted now: <strong>3</strong> patients would be submitted and <strong>3</strong>" in seen
    shown = tables(seen)
    assert [row[:3] for row in shown["Last confirmation"]] == [
        ["Less than 1 month", "1", "17%"],
        ["1 to 3 months", "1", "17%"],
        ["3 to 6 months", "0", "-"],
        ["6 to 12 months", "0", "-"],
        ["1 to 2 years", "1", "17%"],
        ["2 to 3 years", "2", "33%"],
        ["3 years or longer", "0", "-"],
        ["Never", "1", "17%"],
    ]
    assert [row[1] for row in shown["Last visit"]] == ["0", "1", "0", "1", "1", "0", "2", "1"]
    ages = {row[2]: (row[1], row[3], *row[5:]) for row in shown["Age and gender"]}
    assert ages["0 to 9"] == ("1", "0", "0", "0")
    assert ages["10 to 19"] == ("0", "1", "0", "0")
    assert ages["40 to 49"] == ("0", "1", "0", "1")
    assert ages["90 or older"] == ("0", "0", "1", "0")
    assert ages["No valid date"] == ("0", "0", "0", "1")
    assert [row[:2] for row in shown["Excluded from the next submission"]] == [
        ["Date of birth is impossible", "1"],
        ["No gender", "1"],
        ["No PHN", "1"],
        ["No visit in the past", "1"],
        ["No confirmation date", "1"],
    ]
    assert "<strong>3</strong> patients would be excluded if submitted now." in seen
    assert shown["At the end of each month"] == [["Nov 10, 2026", "6", "0", "6"]]


def test_the_panels_and_each_panel_lead_to_their_overview(manager: Any, panel: int) -> None:
    assert page(manager.get("/cpar/panels")).count('href="/cpar/overview"') == 1
    assert page(manager.get(f"/cpar/panels/{panel}")).count(f'href="/cpar/panels/{panel}/overview"') == 1


@pytest.mark.parametrize("address", ["/cpar/panels/{panel}/overview", "/cpar/overview"])
def test_every_picture_counts_everyone_once(mixed: None, manager: Any, panel: int, address: str) -> None:
    seen = page(manager.get(address.format(panel=panel)))
    everybody = 6 if "panels" in address else 7
    shown = tables(seen)
    assert f"<strong>{everybody}</strong> patients" in seen
    assert numbers(shown["Last confirmation"], 1) == numbers(shown["Last visit"], 1) == everybody
    assert numbers(shown["Age and gender"], 1, 3, 5, 6) == everybody
    assert numbers(shown["At the end of each month"][:1], 3) == everybody


@pytest.mark.databases("both")
def test_each_link_leads_to_as_many_patients_as_it_says(mixed: None, manager: Any, panel: int) -> None:
    seen = page(manager.get(f"/cpar/panels/{panel}/overview"))
    years = re.findall(r'href="([^"]*(?:unconfirmed|unseen)=\d)">\d years?: ([\d,]+)</a>', seen)
    reasons = re.findall(r'<a href="([^"]*show=[^"]*)">[^<]*</a></th> <td[^>]*class="cpar-number">([\d,]+)<', seen)
    assert [count for _, count in years] == ["4", "3", "1", "4", "3", "3"]
    assert len(reasons) == 5
    for address, count in [*years, *reasons]:
        answer = _FOUND.search(page(manager.get(address)))
        assert answer
        assert answer[1] == count, address


def test_submissions_are_shown_by_night_as_sent_and_excluded(
    host: OscarHost, clock: FixedClock, mixed: None, manager: Any, panel: int, other_panel: int, tmp_path: Any
) -> None:
    settings = load({"transport": "folder", "outbox_folder": str(tmp_path)})
    for one in (panel, other_panel):
        requests.ask(host, settings, host.identity.system, one)
    night = datetime(2026, 11, 11, 3, 15, tzinfo=ALBERTA)
    clock.move_to(night)
    run.run_due(host, settings, night)
    seen = page(manager.get(f"/cpar/panels/{panel}/overview"))
    assert f'href="/cpar/submissions?panel={panel}"' in seen
    shown = tables(seen)
    assert [row[:3] for row in shown["Delivered submissions"]] == [["Nov 11, 2026", "3", "3"]]
    shown = tables(page(manager.get("/cpar/overview")))
    assert [row[:4] for row in shown["Delivered submissions"]] == [["Nov 11, 2026", "2", "4", "3"]]


def test_rates_are_on_the_overviews_the_panels_page_and_by_provider(
    host: OscarHost, paneled: Any, manager: Any, panel: int, other_panel: int
) -> None:
    paneled(seen="2026-11-03", confirmed="2020-01-01")
    asked = paneled(seen="2026-11-03", confirmed="2020-01-01")
    paneled(seen="2026-10-05", confirmed=None)
    paneled(on=other_panel, seen="2026-11-04")
    one_patient.confirm(host, host.identity.system, asked, seen_panel_id=panel)
    overview = page(manager.get(f"/cpar/panels/{panel}/overview"))
    assert tables(overview)["Confirmation rates"] == [["Nov 2026", "2", "1", "50%", "3", "1", "33%"]]
    everyone = page(manager.get("/cpar/overview"))
    assert tables(everyone)["Confirmation rates"] == [["Nov 2026", "3", "1", "33%", "4", "2", "50%"]]
    assert "Confirmed within 12 months" in everyone
    assert 'href="/cpar/overview/rates?month=2026-11">Nov 2026</a>' in everyone
    one_panel = page(manager.get(f"/cpar/panels/{panel}"))
    assert (
        "of 2 patients seen, 1 were asked or confirmed by a person (50%); 1 of 3 confirmed within 12 months (33%)."
        in one_panel
    )
    by_provider = page(manager.get("/cpar/overview/rates"))
    [rows] = tables(by_provider).values()
    assert [row[2:] for row in rows[:-1]] == [["2", "1", "50%", "3", "1", "33%"], ["1", "0", "0%", "1", "1", "100%"]]
    assert rows[-1] == ["All panels", "", "3", "1", "33%", "4", "2", "50%"]
    page(manager.get("/cpar/overview/rates", month="2026-11"))
    for wrong in ("2026-10", "x"):
        page(manager.get("/cpar/overview/rates", month=wrong), 404)
    file = manager.get("/cpar/overview/rates/export")
    assert file.headers["Content-Disposition"] == 'attachment; filename="confirmation-rates-2026-11-10.csv"'
    assert [line.split(",")[0] for line in file.text.splitlines()] == ["\ufeffMonth", "2026-11", "2026-11"]


def test_members_over_time_are_drawn_once_there_are_two_months(
    clock: FixedClock, paneled: Any, manager: Any, panel: int
) -> None:
    clock.move_to(datetime(2026, 10, 31, 23, 59, tzinfo=ALBERTA))
    paneled()
    assert "<polyline" not in page(manager.get(f"/cpar/panels/{panel}/overview"))
    clock.move_to(datetime(2026, 11, 1, 0, 0, tzinfo=ALBERTA))
    paneled()
    seen = page(manager.get(f"/cpar/panels/{panel}/overview"))
    assert "Patients: 1 on Oct 31, 2026, 2 on Nov 1, 2026" in seen
    assert tables(seen)["At the end of each month"] == [["Nov 1, 2026", "1", "0", "2"], ["Oct 31, 2026", "1", "0", "1"]]


def test_patients_that_one_may_not_see_are_not_counted_and_the_page_says_how_many(
    oscar: Any, mixed: None, paneled: Any, manager: Any, cpar_role: Any, panel: int
) -> None:
    barred = paneled(confirmed=None, seen=None, sex="", hin="")
    oscar.privilege(MANAGER, f"_demographic${barred}", "o")
    for address, everybody in ((f"/cpar/panels/{panel}/overview", 6), ("/cpar/overview", 7)):
        seen = page(manager.get(address))
        shown = tables(seen)
        assert "<strong>1</strong> patient is not counted here" in seen
        assert numbers(shown["Last confirmation"], 1) == numbers(shown["Last visit"], 1) == everybody
        assert numbers(shown["Age and gender"], 1, 3, 5, 6) == everybody
        assert numbers(shown["Excluded from the next submission"], 1) == 5
        assert shown["At the end of each month"] == [["Nov 10, 2026", str(everybody), "0", str(everybody)]]
        seen = page(cpar_role.get(address))
        assert f"<strong>{everybody + 1}</strong> patients are not counted here" in seen
        assert tables(seen) == {}


def test_an_empty_panel_says_how_to_fill_it(manager: Any, panel: int) -> None:
    seen = page(manager.get(f"/cpar/panels/{panel}/overview"))
    assert "No patients are on this panel yet. Add patients with Bulk Update" in seen
    assert "<table" not in seen
    assert "No patients are on a panel yet." in page(manager.get("/cpar/overview"))


def test_one_patient_who_is_submitted_needs_no_reasons(paneled: Any, manager: Any, panel: int) -> None:
    paneled()
    seen = page(manager.get(f"/cpar/panels/{panel}/overview"))
    assert "<strong>1</strong> patient on this panel" in seen
    assert "No patients would be excluded." in seen
    assert tables(seen)["Last confirmation"][0][:3] == ["Less than 1 month", "1", "100%"]


def test_a_deleted_panel_has_no_overview(manager: Any, panel: int) -> None:
    manager.post(f"/cpar/panels/{panel}/delete", version="1")
    page(manager.get(f"/cpar/panels/{panel}/overview"), 404)


def test_an_overview_asks_few_questions_of_the_database_however_much_there_is(
    mixed: None, manager: Any, panel: int, statements: list[str], make_panel: Any
) -> None:
    for place in range(8):
        make_panel(f"P{place}")
    page(manager.get("/cpar/overview"))  # counts the rates, as the scheduler does
    for address in (f"/cpar/panels/{panel}/overview", "/cpar/overview"):
        statements.clear()
        page(manager.get(address))
        # Of a panel, three are about what the registry counts of it.
        most = 20 if "panels" in address else 17
        assert len(statements) <= most, [s[:60] + "…" + s[s.index("FROM") :][:60] for s in statements]


def test_more_in_doubt_than_are_remembered_are_counted_alike(
    mixed: None, manager: Any, panel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/cpar/panels/{panel}/overview"
    counted = tables(page(manager.get(address)))
    monkeypatch.setattr(import_module("cpar_plugin.services.overview.members"), "_DOUBTFUL", 1)
    assert len(counted["Excluded from the next submission"]) > 1
    assert tables(page(manager.get(address))) == counted


def test_the_pictures_pass_axe_hold_at_both_widths_and_print(
    host: OscarHost, clock: FixedClock, mixed: None, paneled: Any, panel: int, open_tab: Any, tmp_path: Any
) -> None:
    settings = load({"transport": "folder", "outbox_folder": str(tmp_path)})
    requests.ask(host, settings, host.identity.system, panel)
    clock.move_to(datetime(2026, 12, 7, 3, 15, tzinfo=ALBERTA))
    run.run_due(host, settings, clock.now())
    paneled(confirmed="2026-12-07")
    tab = open_tab(MANAGER)
    for name, address in (("overview-panel", f"/cpar/panels/{panel}/overview"), ("overview-clinic", "/cpar/overview")):
        tab.goto(address)
        look(tab, name)
        assert tab.get_by_role("img").count() == 1
        longest = tab.locator("#cpar-confirmed ~ tbody .cpar-fill").evaluate_all(
            "all => Math.max(...all.map(one => one.getBoundingClientRect().width))"
        )
        assert longest > 60
        tab.emulate_media(media="print")
        assert not tab.get_by_role("navigation", name="CPAR Panel Management").is_visible()
        assert tab.locator(".cpar-line-chart").is_visible()
        tab.emulate_media(media="screen")


def test_the_pictures_need_no_script(mixed: None, panel: int, open_tab: Any) -> None:
    tab = open_tab(MANAGER, script=False, width=800)
    tab.goto(f"/cpar/panels/{panel}/overview")
    tab.get_by_role("link", name="Show them, with how to fix each").click()
    expect(tab.get_by_role("table").get_by_role("row")).to_have_count(4)
