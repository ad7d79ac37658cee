"""What the registry counts of a panel, typed or imported, beside what was submitted, and why they differ."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import insert, select

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import requests, run
from cpar_plugin.settings import load
from cpar_plugin.store.tables import operation, panel_metrics, report, report_row
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from ..conftest import ALBERTA
from .conftest import MANAGER
from .test_overview import page, tables
from .test_reports import form_of, send, text_of

pytestmark = pytest.mark.databases("one")

NIGHT = datetime(2026, 11, 11, 3, 15, tzinfo=ALBERTA)
COUNTS = {"month": "2026-11", "received": "5", "attached": "1", "as_of": "2026-11-10", "step": "save"}


@pytest.fixture
def members(host: OscarHost, oscar: Any, panel: int) -> list[int]:
    """Five of the panel 0042, seen and confirmed."""
    ids = [oscar.patient(hin=str(200_000_001 + number)) for number in range(5)]
    for patient_id in ids:
        oscar.visit(patient_id, "2026-10-05")
        one_patient.choose(host, host.identity.system, patient_id, panel, seen_panel_id=None)
    return ids


@pytest.fixture
def submitted(host: OscarHost, clock: FixedClock, members: list[int], panel: int, tmp_path: Any) -> list[int]:
    """The same, submitted this month."""
    settings = load({"transport": "folder", "outbox_folder": str(tmp_path)})
    requests.ask(host, settings, host.identity.system, panel)
    clock.move_to(NIGHT)
    run.run_due(host, settings, NIGHT)
    return members


def a_report_of(
    host: OscarHost, kind: str, patients: list[int], panel_id: int | None, *, accepted: bool = True
) -> None:
    source = {"kind": kind, "received_at": host.clock.now(), "actor_id": "-1", "name": "", "reading": "{}"}
    row = {"phn": "", "family_name": "", "given_name": "", "birth_date": "", "gender": "", "panel_text": ""}
    row |= {"details": "{}", "matches": 1, "how": "phn", "accepted": accepted}
    with host.database.writing() as connection:
        sha256 = f"{kind} {patients} {panel_id}"
        made = connection.execute(insert(report).values(**source, panel_id=panel_id, rows_read=1, sha256=sha256))
        key = made.inserted_primary_key
        assert key
        for number, patient in enumerate(patients, 2):
            values = row | {"row_number": number, "line_key": str(number), "patient_id": patient, "report_id": key[0]}
            connection.execute(insert(report_row).values(values))


def entries(host: OscarHost) -> list[Any]:
    with host.database.engine.connect() as connection:
        query = select(panel_metrics).order_by(panel_metrics.c.entry_id)
        return list(connection.execute(query))


@pytest.mark.databases("both")
def test_the_difference_is_explained_by_conflicts_and_mismatches_of_the_month(
    host: OscarHost, submitted: list[int], manager: Any, panel: int, other_panel: int
) -> None:
    address = f"/cpar/panels/{panel}/metrics"
    a_report_of(host, "conflict", submitted[:1], panel)
    a_report_of(host, "mismatch", submitted[:2], None)  # the first is explained already
    a_report_of(host, "mismatch", submitted[3:], panel, accepted=False)
    a_report_of(host, "conflict", submitted[4:], other_panel)  # whichever panel it is about
    manager.post(address, seen="0", **COUNTS)
    rows = tables(page(manager.get(address)))["By month"]
    assert len(rows) == 12
    assert rows[0][:8] == ["Nov 2026", "5", "5", "1", "4", "2", "1", "1"]
    assert rows[1][:8] == ["Oct 2026", *["-"] * 7]
    overview = page(manager.get(f"/cpar/panels/{panel}/overview"))
    assert tables(overview)["Submitted and attached"] == [["Nov 2026", "5", "5", "1", ""]]
    assert "<strong>4</strong> patients submitted and not attached; 2 with a conflict, 1 with a mismatch" in overview
    file = manager.get(f"{address}/export").text.splitlines()
    assert file[1] == "0042,Active,2026-11,5,5,1,4,2,1,1,2026-11-10"


@pytest.mark.databases("both")
def test_only_who_was_submitted_explains_the_difference_whatever_became_of_them_since(
    host: OscarHost,
    oscar: Any,
    clock: FixedClock,
    members: list[int],
    manager: Any,
    panel: int,
    other_panel: int,
    tmp_path: Any,
) -> None:
    def on(patient_id: int, panel_id: int, before: int | None = None) -> None:
        one_patient.choose(host, host.identity.system, patient_id, panel_id, seen_panel_id=before)

    excluded, on_the_other, later = (oscar.patient(hin=hin) for hin in ("", "200000008", "200000009"))
    on(excluded, panel)
    on(on_the_other, other_panel)
    settings = load({"transport": "folder", "outbox_folder": str(tmp_path)})
    requests.ask(host, settings, host.identity.system, panel)
    clock.move_to(NIGHT)
    run.run_due(host, settings, NIGHT)
    clock.move_to(NIGHT + timedelta(days=1))
    on(later, panel)
    moved, merged, one_more, *_ = members
    on(moved, other_panel, panel)
    a_report_of(host, "conflict", [moved, merged, one_more, excluded, on_the_other, later], panel)
    oscar.merge(merged, oscar.patient(hin="200000010"))
    manager.post(f"/cpar/panels/{panel}/metrics", seen="0", **COUNTS)
    rows = tables(page(manager.get(f"/cpar/panels/{panel}/metrics")))["By month"]
    assert rows[0][:8] == ["Nov 2026", "5", "5", "1", "4", "3", "0", "1"]


def test_a_report_is_of_the_month_of_its_dates_where_all_are_of_one(
    host: OscarHost, clock: FixedClock, submitted: list[int], manager: Any, panel: int
) -> None:
    clock.move_to(NIGHT + timedelta(days=25))
    assert clock.now().month == 12
    for number, days in enumerate((("2026-11-07", "2026-11-09"), ("2019-02-03", "2026-11-09"))):
        rows = [f"20000000{number * 2 + place},Else,{day}" for place, day in enumerate(days, 1)]
        send(manager, "\r\n".join(["PHN,Other provider,Date", *rows]).encode(), f"{number}.csv", ask="yes")
        fields = form_of(manager.get("/cpar/reports/columns").get_data(as_text=True)) | {"kind": "conflict"}
        manager.post("/cpar/reports/columns", step="continue", **fields)
    assert "Its own date is Nov 9, 2026" in text_of(manager.get("/cpar/reports/1"))
    assert "Its own date" not in text_of(manager.get("/cpar/reports/2"))
    manager.post(f"/cpar/panels/{panel}/metrics", seen="0", **COUNTS)
    rows = tables(page(manager.get(f"/cpar/panels/{panel}/metrics")))["By month"]
    assert [row[:8] for row in rows[:2]] == [
        ["Dec 2026", *["-"] * 7],
        ["Nov 2026", "5", "5", "1", "4", "2", "0", "2"],
    ]


def test_the_overview_of_all_panels_has_the_last_counts_of_each(
    host: OscarHost, submitted: list[int], manager: Any, panel: int, other_panel: int
) -> None:
    assert "by panel" not in page(manager.get("/cpar/overview"))
    manager.post(f"/cpar/panels/{panel}/metrics", seen="0", **COUNTS | {"month": "2026-10"})
    manager.post(f"/cpar/panels/{panel}/metrics", seen="0", **COUNTS)
    manager.post(f"/cpar/panels/{other_panel}/metrics", seen="0", **COUNTS | {"month": "2026-10", "attached": ""})
    shown = tables(page(manager.get("/cpar/overview")))["Submitted and attached, by panel"]
    assert shown == [["0042", "Nov 2026", "5", "5", "1", "4"], ["0077", "Oct 2026", "-", "5", "-", "-"]]


def test_a_typed_figure_is_corrected_removed_and_restored_with_its_history(
    host: OscarHost, members: list[int], manager: Any, panel: int
) -> None:
    address = f"/cpar/panels/{panel}/metrics"
    answer = manager.post(address, seen="0", **COUNTS)
    assert answer.location == f"{address}?month=2026-11"
    manager.post(address, seen="1", **COUNTS)  # which changes nothing
    manager.post(address, seen="1", **COUNTS | {"attached": "4"})
    manager.post(address, seen="2", month="2026-11", step="remove")
    shown = page(manager.get(address))
    assert 'name="attached" value=""' in shown
    history = [row[2:6] for row in tables(shown)["Entries of Nov 2026, most recent first"]]
    assert history == [
        ["-", "-", "-", "Removed"],
        ["5", "4", "Nov 10, 2026", "Entered"],
        ["5", "1", "Nov 10, 2026", "Entered"],
    ]
    manager.post(address, seen="3", month="2026-11", step="restore-2")
    assert 'name="attached" value="4"' in page(manager.get(address))
    assert [(row.received, row.attached) for row in entries(host)] == [(5, 1), (5, 4), (None, None), (5, 4)]
    with host.database.engine.connect() as connection:
        kinds = connection.scalars(select(operation.c.kind).where(operation.c.panel_id == panel)).all()
    assert kinds.count("enter-metrics") == 4
    assert "Metrics of the registry changed" in text_of(manager.get(f"/cpar/panels/{panel}/history"))


def test_a_figure_that_someone_else_changed_is_not_written_over(host: OscarHost, manager: Any, panel: int) -> None:
    address = f"/cpar/panels/{panel}/metrics"
    manager.post(address, seen="0", **COUNTS)
    for fields in (COUNTS | {"attached": "3"}, {"month": "2026-11", "step": "remove"}):
        answer = manager.post(address, seen="0", **fields)
        assert answer.status_code == 409
        assert "Someone else has changed the metrics of this month." in text_of(answer)
    assert [row.attached for row in entries(host)] == [1]


def test_what_is_typed_wrongly_is_asked_for_again(host: OscarHost, manager: Any, panel: int) -> None:
    address = f"/cpar/panels/{panel}/metrics"
    for wrong, message in (
        ({"attached": "many"}, "Enter a whole number from 0 to 9,999,999."),
        ({"as_of": "2026-12-01"}, "This date is in the future"),
        ({"received": "", "attached": ""}, "Enter at least one of the two numbers."),
        ({"step": "restore-9"}, "This entry is not there"),
        ({"step": "else"}, "The form was incomplete."),
    ):
        answer = manager.post(address, seen="0", **COUNTS | wrong)
        assert answer.status_code in (404, 422), wrong
        assert message in text_of(answer)
    for month in ("2020-01", "2026-12", "x"):
        assert manager.get(address, month=month).status_code == 422
        assert manager.post(address, seen="0", **COUNTS | {"month": month}).status_code == 422
    assert manager.get("/cpar/panels/999/metrics").status_code == 404
    assert manager.get("/cpar/panels/999/metrics/export").status_code == 404
    assert entries(host) == []


def test_a_report_of_metrics_is_taken_over_where_it_names_panel_and_month(
    host: OscarHost, manager: Any, panel: int, other_panel: int
) -> None:
    data = (
        b'Panel,Month,In file,Attached\r\n42,2026-10,812,800\r\n0042,2026-11,813,\r\n0077,October 2026,"1,090",90\r\n'
        b"0077,2026-11,5,5\r\n0077,2026-11,6,6\r\n9999,2026-11,1,1\r\n0042,2020-01,1,1\r\nTotal,,99,99\r\n"
    )
    send(manager, data)
    columns = manager.get("/cpar/reports/columns").get_data(as_text=True)
    shown = manager.post("/cpar/reports/columns", step="show", **form_of(columns) | {"header": "1"})
    fields = form_of(shown.get_data(as_text=True))
    assert fields["field"][2:] == ["received", "attached"]
    fields |= {"kind": "metrics", "field": ["panel", "reported-on", "received", "attached"]}
    answer = manager.post("/cpar/reports/columns", step="continue", **fields)
    assert answer.location == "/cpar/reports/1", text_of(answer)
    found = {(row.panel_id, f"{row.month:%Y-%m}"): (row.received, row.attached) for row in entries(host)}
    assert found == {
        (panel, "2026-10"): (812, 800),
        (panel, "2026-11"): (813, None),
        (other_panel, "2026-10"): (1090, 90),  # the month of two rows is not guessed
    }
    said = text_of(manager.get("/cpar/reports/1"))
    assert "Taken over as metrics: panel 0042, Oct 2026 ; panel 0042, Nov 2026 ; panel 0077, Oct 2026 ." in said
    manager.post(f"/cpar/panels/{panel}/metrics", seen="1", **COUNTS | {"month": "2026-10"})
    history = tables(page(manager.get(f"/cpar/panels/{panel}/metrics", month="2026-10")))
    assert [row[5] for row in history["Entries of Oct 2026, most recent first"]] == ["Entered", "Report"]


def test_metrics_are_entered_and_looked_at_in_a_browser(
    host: OscarHost, submitted: list[int], panel: int, open_tab: OpenTab
) -> None:
    a_report_of(host, "conflict", submitted[:1], panel)
    tab = open_tab(MANAGER)
    tab.goto(f"/cpar/panels/{panel}/overview")
    tab.get_by_role("link", name="Enter what the registry counts").click()
    tab.get_by_label("Patients in the registry's file").fill("5")
    tab.get_by_label("Patients attached").fill("x")
    tab.get_by_label("Date of the report or page").fill("2026-11-10")
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_role("alert")).to_contain_text("Enter a whole number")
    tab.get_by_label("Patients attached").fill("3")
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_role("status")).to_contain_text("Metrics of Nov 2026 saved.")
    look(tab, "metrics")
    tab.get_by_role("link", name="Overview").last.click()
    expect(tab.get_by_role("table", name="Submitted and attached")).to_contain_text("Nov 2026")
    look(tab, "overview-metrics")
    tab.goto("/cpar/overview")
    expect(tab.get_by_role("table", name="Submitted and attached, by panel")).to_contain_text("0042")
    look(tab, "overview-metrics-of-panels")
