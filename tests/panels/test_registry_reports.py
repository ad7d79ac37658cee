"""A report of the registry is taken in whole or not at all, by statements that each database carries out."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from cpar_plugin.domain.list_columns import Purpose
from cpar_plugin.domain.refusals import NotFound, Refused
from cpar_plugin.domain.report_lines import ReportLineState, times_text
from cpar_plugin.domain.reports import ReportKind
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import editing
from cpar_plugin.services.reports import accepting, lines, listing, receiving, working
from cpar_plugin.services.reports.lines_query import LinesShown, ReportLineCriteria
from cpar_plugin.services.reports.listing import RowGroup
from cpar_plugin.services.uploads import kept, layouts
from cpar_plugin.services.uploads.matching import MatchedHow
from cpar_plugin.services.uploads.reading import ListFile
from cpar_plugin.services.work_lines.changes import LineAction, LineChange, SeenLine
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..conformance.breaking import Altered

HEADER = ("PHN", "Last name", "DOB", "Sex", "Other provider")


def receive(
    host: OscarHost,
    actor: Actor,
    *rows: Sequence[str],
    kind: ReportKind = ReportKind.CONFLICT,
    panel_id: int | None = None,
    header: Sequence[str] = HEADER,
) -> int:
    text = io.StringIO()
    csv.writer(text).writerows((header, *rows))
    file = ListFile(text.getvalue().encode())
    upload_id = kept.keep(host, actor, Purpose.REPORT, file, "report.csv", panel_id)
    with host.database.engine.connect() as connection:
        reading = layouts.propose(connection, file, Purpose.REPORT).reading.model_copy(update={"kind": kind})
    return receiving.receive(host, actor, upload_id, file, reading)


def test_rows_are_matched_repeated_ones_dropped_and_those_proposed_accepted(
    site: OscarHost, oscar: Any, clerk: Actor
) -> None:
    by_phn = oscar.patient(hin="100000001", last_name="Côté", born="1980-02-03", sex="F")
    by_name = oscar.patient(hin="", last_name="O'Brien", first_name="Sean", born="1955-12-25", sex="M")
    retired = oscar.patient(hin="100000003", last_name="Roy", born="1960-01-01", sex="M")
    merged_into = oscar.patient(hin="", last_name="Roy", born="1960-01-01", sex="M")
    report_id = receive(
        site,
        clerk,
        ("100000001", "Cote", "1980-02-03", "F", "Dr. Else"),
        ("100000001", "Cote", "1980-02-03", "F", "DR. ELSE"),
        ("100000001", "Cote", "1980-02-03", "F", "Dr. Third"),
        ("", "OBrien", "1955-12-25", "M", "Dr. Else"),
        ("100000003", "Roy", "1960-01-01", "M", "Dr. Else"),
        ("999999999", "Nobody", "1990-01-01", "F", "Dr. Else"),
        ("Total", "", "", "", "6"),
    )
    oscar.merge(retired, merged_into)
    with site.database.engine.connect() as connection:
        found = listing.rows_of(connection, site, clerk, report_id, None, 0)
        [kept_report] = listing.reports(connection, site)
    assert [(row.row_number, row.patient_id, row.accepted) for row in found.rows] == [
        (2, by_phn, True),
        (4, by_phn, True),
        (5, by_name, False),
        (6, merged_into, True),
        (7, None, False),
    ]
    assert found.rows[0].own_family_name == "Côté"
    assert found.counts == {
        RowGroup.PROPOSED: 1,
        RowGroup.SEVERAL: 0,
        RowGroup.NOT_FOUND: 1,
        RowGroup.FOUND: 3,
    }
    assert (kept_report.rows_read, kept_report.rows, kept_report.found, kept_report.proposed) == (7, 5, 3, 1)
    assert accepting.withdraw(site, clerk, report_id, [2]) == 0  # by PHN it is certain
    assert accepting.accept(site, clerk, report_id, None) == 1
    with site.database.engine.connect() as connection:
        assert not listing.rows_of(connection, site, clerk, report_id, RowGroup.PROPOSED, 0).rows
    with pytest.raises(NotFound):
        accepting.accept(site, clerk, report_id + 1, None)


def test_the_phn_of_a_record_merged_away_leads_to_the_record_kept(site: OscarHost, oscar: Any, clerk: Actor) -> None:
    kept = oscar.patient(hin="100000009", last_name="Roy")
    for phn in ("100 000 001", "100000001", "100000002", None):
        oscar.merge(oscar.patient(hin=phn, last_name="Roy"), kept)
    between = oscar.patient(hin="100000003", last_name="Roy")
    oscar.merge(oscar.patient(hin="100000004", last_name="Roy"), between)
    oscar.merge(between, kept)
    living = oscar.patient(hin="100000005", last_name="Roy")
    oscar.merge(oscar.patient(hin="100000005", last_name="Roy"), kept)
    phns = [f"10000000{digit}" for digit in range(1, 6)]
    names = ["Roy", "", "Roy", "Other", "Roy"]
    rows = [(phn, name, "", "", "Dr. Else") for phn, name in zip(phns, names, strict=True)]

    def found(host: OscarHost, report_id: int) -> list[tuple[Any, ...]]:
        with host.database.engine.connect() as connection:
            listed = listing.rows_of(connection, host, clerk, report_id, None, 0).rows
        return [(row.patient_id, row.how, row.accepted) for row in listed]

    certain, proposed = (kept, MatchedHow.PHN, True), (kept, MatchedHow.PHN_ONLY, False)
    assert found(site, receive(site, clerk, *rows)) == [*[certain] * 3, proposed, (living, MatchedHow.PHN, True)]
    roster: Any = Altered(site.roster, merged_phns=lambda: None)
    cannot_tell = replace(site, roster=roster)
    report_id = receive(cannot_tell, clerk, *rows, ("Total", "", "", "", "5"))
    assert found(cannot_tell, report_id) == [*[(None, None, False)] * 4, (living, MatchedHow.PHN, True)]


def test_the_same_file_or_one_about_no_one_leaves_everything_as_it_was(site: OscarHost, clerk: Actor) -> None:
    row = ("100000001", "Example", "1980-02-03", "F", "Dr. Else")
    receive(site, clerk, row)
    with pytest.raises(Refused, match="uploaded this same file"):
        receive(site, clerk, row)
    with pytest.raises(Refused, match="No row below the column names is about a patient"):
        receive(site, clerk, ("Total", "", "", "", "1"))
    with site.database.engine.connect() as connection:
        for table in (tables.report, tables.report_row, tables.report_piece):
            assert connection.scalar(select(func.count()).select_from(table)) == 1


def test_a_report_about_a_panel_that_was_deleted_before_its_columns_were_decided_is_refused(
    site: OscarHost, clerk: Actor, make_panel: Callable[..., int]
) -> None:
    panel_id = make_panel("0042")
    file = ListFile(b"PHN,Other provider\n100000001,Dr. Else\n")
    upload_id = kept.keep(site, clerk, Purpose.REPORT, file, "report.csv", panel_id)
    with site.database.engine.connect() as connection:
        reading = layouts.propose(connection, file, Purpose.REPORT).reading
    editing.delete(site, clerk, panel_id, 1)
    with pytest.raises(Refused, match="was deleted"):
        receiving.receive(site, clerk, upload_id, file, reading.model_copy(update={"kind": ReportKind.CONFLICT}))
    with site.database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.report)) == 0


def test_lines_close_with_the_next_report_and_say_when_they_come_back(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock
) -> None:
    oscar.patient(hin="100000001", last_name="Stays")
    oscar.patient(hin="100000002", last_name="Leaves")
    stays, leaves = (f"10000000{number}" for number in (1, 2))

    def row(phn: str) -> tuple[str, ...]:
        return (phn, "", "", "", "Dr. Else")

    def shown(**criteria: Any) -> dict[str, lines.ReportLine]:
        found = lines.show(site, clerk, Settings(), ReportLineCriteria(**criteria), 0).lines
        return {line.listed_phn: line for line in found}

    def next_report(*phns: str) -> None:
        clock.move_to(clock.now() + timedelta(days=30))
        receive(site, clerk, *map(row, phns), ("Total", "", "", "", str(clock.now())))

    receive(site, clerk, row(stays), row(leaves))
    first = shown()
    assert {line.state for line in first.values()} == {ReportLineState.OPEN}
    seen = [SeenLine((line.line_id,), line.version) for line in first.values()]
    assert working.change_selected(site, clerk, seen, LineChange(LineAction.TAKE)).changed == 2
    slower = working.change_selected(site, clerk, seen, LineChange(LineAction.TAKE))
    assert (slower.changed, [conflict.changed_by for conflict in slower.conflicts]) == (0, ["Automatic"] * 2)
    seen = [SeenLine((line.line_id,), line.version) for line in shown().values()]
    written = working.to_state(ReportLineState.WAITING, "Wrote to them")
    assert working.change_selected(site, clerk, seen, written).changed == 2
    next_report(stays)
    assert shown().keys() == {stays}
    assert (shown()[stays].state, shown()[stays].note, shown()[stays].age) == (
        ReportLineState.WAITING,
        "Wrote to them",
        30,
    )
    assert shown(shown=LinesShown.CLOSED)[leaves].closed_at == clock.now()
    next_report(stays, leaves)
    back = shown()[leaves]
    assert (back.times, times_text(back.times), back.state, back.age) == (2, "second time", ReportLineState.OPEN, 0)
    assert (back.note, back.owner_id) == ("Wrote to them", clerk.actor_id)
    with pytest.raises(Refused, match="Enter why"):
        working.to_state(ReportLineState.WILL_NOT_DO, "")
    with pytest.raises(Refused, match="then Ours is right"):
        working.to_state(ReportLineState.OURS_IS_RIGHT, "")
