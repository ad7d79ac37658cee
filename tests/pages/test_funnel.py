"""From the EMR to the payment, as a manager of panels sees it: numbers, where they lead, the file, and in a browser."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import requests, run
from cpar_plugin.settings import load
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from ..conftest import ALBERTA
from .conftest import MANAGER, Person
from .test_metrics import a_report_of
from .test_overview import page, tables
from .test_reports import text_of

pytestmark = pytest.mark.databases("one")

NIGHT = datetime(2026, 11, 11, 3, 15, tzinfo=ALBERTA)
STEPS = "Patients at each step"


@pytest.fixture
def paneled(host: OscarHost, oscar: Any, panel: int) -> Callable[..., int]:
    """Makes a patient of the panel 0042 who would be submitted, unless `confirmed` or the columns say otherwise."""
    phns = iter(range(200_000_001, 200_001_000))

    def make(*, confirmed: bool = True, on: int = panel, **columns: Any) -> int:
        patient_id: int = oscar.patient(**{"hin": str(next(phns))} | columns)
        oscar.visit(patient_id, "2026-10-05")
        one_patient.choose(host, host.identity.system, patient_id, on, seen_panel_id=None)
        if not confirmed:
            take_confirmation(host, patient_id)
        return patient_id

    return make


def take_confirmation(host: OscarHost, patient_id: int) -> None:
    with host.database.session() as session:
        change = text("UPDATE cpar_member SET confirmed_on = NULL WHERE patient_id = :patient_id")
        session.execute(change, {"patient_id": patient_id})


@pytest.fixture
def month(host: OscarHost, clock: FixedClock, paneled: Any, manager: Any, panel: int, tmp_path: Any) -> list[int]:
    """Five of the panel were submitted; since then one lost the confirmation, and one came. One was never confirmed,
    another has no PHN. The registry has counted."""
    patients = [paneled() for _ in range(5)]
    paneled(confirmed=False)
    paneled(hin="")
    settings = load({"transport": "folder", "outbox_folder": str(tmp_path)})
    requests.ask(host, settings, host.identity.system, panel)
    clock.move_to(NIGHT)
    run.run_due(host, settings, NIGHT)
    take_confirmation(host, patients[0])
    paneled()
    counts = {"received": "4", "attached": "3", "as_of": "2026-11-10"}
    manager.post(f"/cpar/panels/{panel}/metrics", month="2026-11", seen="0", step="save", **counts)
    return patients


def test_each_step_shows_its_number_and_leads_to_those_that_it_loses(
    month: list[int], manager: Any, panel: int
) -> None:
    shown = page(manager.get(f"/cpar/panels/{panel}/funnel"))
    rows = [row[:2] + row[3:5] for row in tables(shown)[STEPS]]
    assert rows == [
        ["In the EMR", "8", "Now", ""],
        ["Would be submitted", "5", "Now", "−lost 3"],
        ["Sent", "5", "Nov 11, 2026", "−lost 1 +gained 1"],
        ["In the registry&#39;s file", "4", "Nov 10, 2026", "−lost 1"],
        ["Attached", "3", "Nov 10, 2026", "−lost 1"],
        ["Payable (estimate)", "3", "Nov 10, 2026", "0"],
    ]
    assert shown.count("The registry gives no names.") == 2
    for link, found in (("excluded", 3), ("confirmation-only", 2)):
        assert f'href="/cpar/panels/{panel}?show={link}"' in shown
        listed = page(manager.get(f"/cpar/panels/{panel}", show=link))
        assert f'<caption id="cpar-members">{found} patients found</caption>' in listed
        assert "<strong>2</strong> patients of these need only a confirmation." in listed
    for standing in ("added", "removed"):
        assert f'href="/cpar/panels/{panel}/rehearsal?show={standing}">1 patient ' in shown
        listed = page(manager.get(f"/cpar/panels/{panel}/rehearsal", show=standing))
        assert f'<caption id="cpar-found">{standing.capitalize()}: 1</caption>' in listed
    assert f'href="/cpar/exclusions?panel={panel}"' in shown
    assert "<strong>3</strong> patients" in page(manager.get("/cpar/exclusions", panel=panel))


def test_the_registrys_list_opens_who_is_in_one_alone(
    host: OscarHost, month: list[int], manager: Any, panel: int
) -> None:
    a_report_of(host, "registry-list", month[:3], panel)
    shown = page(manager.get(f"/cpar/panels/{panel}/funnel"))
    assert "The registry gives no names." not in shown
    assert shown.count('href="/cpar/reports/1/heaps?show=ours-only">5 only ours</a>') == 2
    assert shown.count('href="/cpar/reports/1/heaps?show=registry-only">0 only the registry\'s</a>') == 2
    assert "5 patients" in text_of(manager.get("/cpar/reports/1/heaps", show="ours-only"))


def test_without_a_submission_and_reports_each_step_says_so(paneled: Any, manager: Any, panel: int) -> None:
    paneled()
    shown = page(manager.get(f"/cpar/panels/{panel}/funnel"))
    assert [row[1] for row in tables(shown)[STEPS]] == ["1", "1", "-", "-", "-", "-"]
    assert "Nothing was sent yet." in shown
    assert "Attached patients are not reported." in shown
    assert manager.get("/cpar/panels/999/funnel").status_code == 404
    assert manager.get("/cpar/panels/999/funnel/export").status_code == 404


def test_the_clinic_is_the_sum_of_its_panels(month: list[int], paneled: Any, manager: Any, other_panel: int) -> None:
    paneled(on=other_panel)
    shown = tables(page(manager.get("/cpar/funnel")))
    assert [row[1:2] + row[3:4] + row[5:] for row in shown["Patients of all panels at each step"]] == [
        ["9", "2", ""],
        ["6", "2", "−lost 3"],
        ["5", "1 of 2", "−lost 1 +gained 1"],
        ["4", "1 of 2", "−lost 1"],
        ["3", "1 of 2", "−lost 1"],
        ["3", "1 of 2", "0"],
    ]
    assert [row[1:-1] for row in shown["By panel"]] == [
        ["8", "5", "5", "4", "3", "3", "2"],
        ["1", "1", "-", "-", "-", "-", "0"],
    ]
    file = manager.get("/cpar/funnel/export").text.splitlines()
    assert (
        file[0].removeprefix("\ufeff")
        == "Panel,State of the panel,Step,Patients,Date of the source,Compared with,Lost,Gained"
    )
    assert file[2:4] == [
        "0042,Active,Would be submitted,5,,In the EMR,3,0",
        "0042,Active,Sent,5,2026-11-11,Would be submitted,1,1",
    ]
    assert len(file) == 1 + 2 * 6


def test_a_floor_is_set_and_the_days_to_rebuild_are_shown(month: list[int], manager: Any, panel: int) -> None:
    address = f"/cpar/panels/{panel}/funnel"
    metrics = {"received": "4", "attached": "600", "as_of": "2026-09-10", "month": "2026-09", "seen": "0"}
    manager.post(f"/cpar/panels/{panel}/metrics", step="save", **metrics)
    assert "Floor of this panel" in page(manager.get(f"/cpar/panels/{panel}/edit"))
    form = f"/cpar/panels/{panel}/floor"
    assert manager.post(form, kind="pcpcm", version="1").location == address
    shown = page(manager.get(address))
    assert "500 patients, by the physicians&#39; program (PCPCM)." in shown.replace("'", "&#39;")
    said = text_of(manager.get(address))
    assert "3 patients attached on Nov 10, 2026 : 497 below the floor." in said
    assert (
        "Below since Nov 10, 2026 . The 90 days to rebuild counted from then end on Feb 8, 2027 , in 89 days." in said
    )
    assert "check whether they hold here" not in said
    trend = tables(shown)["The last 6 months"]
    assert [row[0] for row in trend] == ["Nov 2026", "Oct 2026", "Sep 2026", "Aug 2026", "Jul 2026", "Jun 2026"]
    assert trend[0][1:4] + trend[0][5:] == ["5", "4", "3", "−497"]
    assert trend[2][1:4] + trend[2][5:] == ["-", "4", "600", "100"]
    stale = manager.post(form, kind="other", patients="2", version="1")
    assert stale.status_code == 409
    assert "Someone else changed this panel" in text_of(stale)
    manager.post(form, kind="other", patients="2", version="2")
    assert "3 patients attached on Nov 10, 2026 : 1 above the floor." in text_of(manager.get(address))
    assert manager.post(form, kind="other", patients="x", version="3").status_code == 422
    assert manager.get("/cpar/panels/999/floor").status_code == 404
    assert "2: 1 above" in tables(page(manager.get("/cpar/funnel")))["By panel"][0][-1]
    manager.post(form, kind="nurse-practitioners", version="3")
    assert "check whether they hold here" in text_of(manager.get(address))
    manager.post(form, kind="", version="4")
    assert "Set a floor" in text_of(manager.get(address))


def test_money_is_what_the_clinic_has_entered_or_is_not_shown(month: list[int], manager: Any, panel: int) -> None:
    addresses = f"/cpar/panels/{panel}/funnel", "/cpar/funnel"
    assert all("$" not in page(manager.get(address)) for address in addresses)
    entered = {"amount": "12.50", "label": "Base rate", "as_of": "2026-04-01", "version": "2"}
    assert "Enter the amount" in text_of(manager.post("/cpar/settings/payment", **entered | {"amount": "much"}))
    assert manager.post("/cpar/settings/payment", **entered).location == "/cpar/settings/payment"
    for address in addresses:
        shown = page(manager.get(address))
        assert ">Base rate</th>" in shown
        assert [amount for amount in ("$100.00", "$62.50", "$50.00", "$37.50") if amount not in shown] == []
        assert "Base rate: $12.50 for each patient and month" in shown
        assert "Apr 1, 2026" in shown
    assert manager.post("/cpar/settings/payment", **entered | {"amount": "1"}).status_code == 409
    manager.post("/cpar/settings/payment", amount="", label="", as_of="", version="3")
    assert all("$" not in page(manager.get(address)) for address in addresses)


def test_payable_is_attached_less_those_whose_coverage_has_ended(
    host: OscarHost, emr: OscarHost, month: list[int], manager: Any, panel: int
) -> None:
    address = f"/cpar/panels/{panel}/funnel"
    assert "No one's coverage has ended." in text_of(manager.get(address))
    table = emr.tables.demographic
    with emr.database.writing() as connection:
        ended = table.update().where(table.c.demographic_no == month[1])
        connection.execute(ended.values(hc_renew_date=date(2026, 11, 10)))
    shown = page(manager.get(address))
    assert tables(shown)[STEPS][5][1:2] + tables(shown)[STEPS][5][4:5] == ["2", "−lost 1"]
    assert f'href="/cpar/panels/{panel}?show=coverage-over">1 patient: coverage has ended</a>' in shown
    assert "An estimate: attached, less these." in shown
    listed = page(manager.get(f"/cpar/panels/{panel}", show="coverage-over"))
    assert '<caption id="cpar-members">1 patient found</caption>' in listed


def test_where_ended_coverage_excludes_it_leads_to_those_alone_who_were_sent_and_lost_it(
    host: OscarHost, emr: OscarHost, month: list[int], paneled: Any, panel: int
) -> None:
    never_sent, table = paneled(), emr.tables.demographic
    with emr.database.writing() as connection:
        ended = table.update().where(table.c.demographic_no.in_([month[1], never_sent]))
        connection.execute(ended.values(hc_renew_date=date(2026, 11, 10)))
    plugins = Plugins()
    plugins.load_installed()
    excluding = replace(host, settings={**host.settings, "coverage": "exclude"})
    manager = Person(create_app(excluding, plugins), MANAGER)
    address = f"/cpar/panels/{panel}/rehearsal?show=removed&amp;reason=coverage-ended"
    shown = page(manager.get(f"/cpar/panels/{panel}/funnel"))
    assert f'href="{address}">1 patient of those sent: coverage has ended</a>' in shown
    listed = page(manager.get(address.replace("&amp;", "&")))
    assert '<caption id="cpar-found">Removed: 1</caption>' in listed
    assert "Only those with the reason: Health care coverage has ended." in listed
    assert '<caption id="cpar-found">Removed: 2</caption>' in page(
        manager.get(f"/cpar/panels/{panel}/rehearsal", show="removed")
    )
    of_clinic = page(manager.get("/cpar/funnel"))
    assert f'href="{address}" aria-label="1 of panel 0042: coverage has ended">1</a>' in of_clinic
    assert manager.get(f"/cpar/panels/{panel}/rehearsal", reason="no").status_code == 422


def test_the_losses_of_the_clinic_lead_to_the_lists_of_each_panel(
    host: OscarHost, month: list[int], paneled: Any, manager: Any, panel: int, other_panel: int
) -> None:
    paneled(on=other_panel)
    a_report_of(host, "registry-list", month[:3], panel)
    shown = page(manager.get("/cpar/funnel"))
    rows = tables(shown)["Who is lost or gained, by panel"]
    assert [row[1:] for row in rows] == [["3", "1", "1", "5", "0", "0"], ["0", "-", "-", "-", "-", "0"]]
    of_panel = f"/cpar/panels/{panel}"
    for href, caption in (
        (f"{of_panel}?show=excluded", '"cpar-members">3 patients found'),
        (f"{of_panel}/rehearsal?show=removed", '"cpar-found">Removed: 1<'),
        (f"{of_panel}/rehearsal?show=added", '"cpar-found">Added: 1<'),
    ):
        assert f'href="{href}" aria-label' in shown
        assert caption in page(manager.get(href))
    assert 'href="/cpar/reports/1/heaps?show=ours-only" aria-label="5 of panel 0042' in shown


def test_a_panel_that_has_ended_does_not_count_in_the_clinic(
    host: OscarHost, month: list[int], paneled: Any, manager: Any, panel: int, other_panel: int
) -> None:
    paneled(on=other_panel)
    with host.database.session() as session:
        session.execute(text("UPDATE cpar_panel SET state = 'ended' WHERE panel_id = :panel_id"), {"panel_id": panel})
    shown = page(manager.get("/cpar/funnel"))
    assert [row[1] for row in tables(shown)["Patients of all panels at each step"]][:3] == ["1", "1", "-"]
    assert "1 panel that has ended is not counted here." in shown
    assert manager.get("/cpar/funnel/export").text.count("0042") == 0
    assert "This panel has ended: it is not submitted" in page(manager.get(f"/cpar/panels/{panel}/funnel"))


def test_numbers_are_of_all_patients_and_lists_say_who_is_not_shown(
    oscar: Any, month: list[int], barred: Any, panel: int
) -> None:
    oscar.privilege("303", f"_demographic${month[0]}", "o")
    shown = page(barred.get(f"/cpar/panels/{panel}/funnel"))
    assert tables(shown)[STEPS][1][1] == "5"
    assert "You have no access to the records of 1 patient" in shown
    listed = page(barred.get(f"/cpar/panels/{panel}", show="excluded"))
    assert re.search(r'id="cpar-members">2 patients', listed)
    assert "<strong>1</strong> patient on this panel is not shown" in listed


def test_the_way_to_the_payment_is_looked_at_in_a_browser(month: list[int], panel: int, open_tab: OpenTab) -> None:
    tab = open_tab(MANAGER)
    tab.goto("/cpar/settings")
    tab.get_by_role("link", name="What is paid for a patient").click()
    tab.get_by_label("Amount for one patient").fill("12.50")
    tab.get_by_label("What it is").fill("Base rate")
    tab.get_by_label("Date of the agreement").fill("2026-04-01")
    look(tab, "payment-settings")
    tab.get_by_role("button", name="Save").click()
    tab.goto(f"/cpar/panels/{panel}/edit")
    tab.get_by_role("link", name="Floor of this panel").click()
    tab.get_by_label("Floor").select_option("500 patients, by the physicians' program (PCPCM)")
    look(tab, "panel-floor")
    tab.get_by_role("button", name="Save").click()
    tab.goto(f"/cpar/panels/{panel}")
    tab.get_by_role("link", name="Funnel").click()
    look(tab, "funnel")
    tab.get_by_role("link", name="All panels").click()
    look(tab, "funnel-of-clinic")
    tab.get_by_role("link", name="2 of panel 0042 need only a confirmation").click()
    look(tab, "panel-confirmation-only")
