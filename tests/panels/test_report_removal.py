"""A report that was taken in by mistake is removed: lines and metrics are again as before it."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from cpar_plugin.domain.conflicts import ConflictEnding
from cpar_plugin.domain.metrics import NO_COUNTS, RegistryCounts
from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.domain.report_lines import ReportLineState
from cpar_plugin.domain.reports import ReportKind
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.conflicts import ending, evidence, letters
from cpar_plugin.services.operations.record import OperationKind
from cpar_plugin.services.reports import lines, metrics, removing, working
from cpar_plugin.services.reports.lines_query import LinesShown, ReportLineCriteria
from cpar_plugin.services.reports.removing import ReportRemoval
from cpar_plugin.services.work_lines.changes import LineAction, LineChange, SeenLine
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from .test_registry_reports import receive

STAYS, LEAVES, COMES = "100000001", "100000002", "100000003"
OF_REPORTS = (tables.report, tables.report_row, tables.report_piece, tables.report_line_before)


@pytest.fixture(autouse=True)
def patients(site: OscarHost, oscar: Any) -> None:
    for phn in (STAYS, LEAVES, COMES):
        oscar.patient(hin=phn)


@pytest.fixture
def take_in(site: OscarHost, clerk: Actor, clock: FixedClock) -> Callable[..., int]:
    """Take in a report of conflicts with these PHNs, a month after the one before."""

    def take_in(*phns: str) -> int:
        clock.move_to(clock.now() + timedelta(days=30))
        rows = [(phn, "", "", "", "Dr. Else") for phn in phns]
        return receive(site, clerk, *rows, ("Total", "", "", "", str(clock.now())))

    return take_in


def stored(site: OscarHost) -> dict[str, Any]:
    """The lines without who changed them last, by PHN, and how many rows each table of reports has."""
    line, row = tables.report_line, tables.report_row
    columns = [column for column in line.c if column.name not in ("version", "changed_at", "changed_by")]
    rows = select(row.c.phn, *columns).join_from(line, row, line.c.line_key == row.c.line_key)
    with site.database.engine.connect() as connection:
        found: dict[str, Any] = {phn: values for phn, *values in connection.execute(rows)}
        for table in OF_REPORTS:
            found[table.name] = connection.scalar(select(func.count()).select_from(table))
    return found


def shown(site: OscarHost, clerk: Actor) -> dict[str, lines.ReportLine]:
    return {
        line.listed_phn: line
        for which in LinesShown
        for line in lines.show(site, clerk, Settings(), ReportLineCriteria(shown=which), 0).lines
    }


def work(site: OscarHost, clerk: Actor, phn: str, change: LineChange) -> int:
    line = shown(site, clerk)[phn]
    working.change_selected(site, clerk, [SeenLine((line.line_id,), line.version)], change)
    with site.database.engine.connect() as connection:
        return int(connection.scalar(select(func.max(tables.operation.c.operation_id))) or 0)


def preview(site: OscarHost, report_id: int) -> ReportRemoval:
    with site.database.engine.connect() as connection:
        return removing.preview(connection, site, report_id)


def test_lines_are_as_before_the_report_and_the_same_file_can_be_uploaded_again(
    site: OscarHost, clerk: Actor, take_in: Callable[..., int], clock: FixedClock
) -> None:
    take_in(STAYS, LEAVES)
    done = working.to_state(ReportLineState.DONE, "")
    work(site, clerk, LEAVES, done)
    take_in(STAYS)
    before = stored(site)
    mistake = take_in(LEAVES, COMES)
    assert (shown(site, clerk)[LEAVES].times, shown(site, clerk)[STAYS].closed_at) == (2, clock.now())
    removal = preview(site, mistake)
    assert removal == ReportRemoval(refusal="", gone=1, worked_on=0, restored=2, months=0)
    assert removing.remove(site, clerk, mistake, 0) == removal
    assert stored(site) == before
    with site.database.engine.connect() as connection:
        latest = connection.execute(
            select(tables.operation).order_by(tables.operation.c.operation_id.desc()).limit(1)
        ).one()
    assert latest.kind == OperationKind.REMOVE_REPORT
    with pytest.raises(NotFound, match="Report not found"):
        removing.remove(site, clerk, mistake, 0)
    clock.move_to(clock.now() - timedelta(days=30))
    again = take_in(LEAVES, COMES)
    assert again > mistake, "its number is not given again"
    assert shown(site, clerk)[LEAVES].times == 2


def test_work_on_lines_that_stay_is_kept_and_that_on_lines_that_go_is_said_first(
    site: OscarHost, clerk: Actor, take_in: Callable[..., int]
) -> None:
    take_in(STAYS)
    mistake = take_in(STAYS, COMES, LEAVES)
    waiting = working.to_state(ReportLineState.WAITING, "Wrote to them")
    operation_id = work(site, clerk, STAYS, waiting)
    work(site, clerk, COMES, LineChange(LineAction.TAKE))
    assert (preview(site, mistake).gone, preview(site, mistake).worked_on) == (2, 1)
    with pytest.raises(Stale, match="in the meantime"):
        removing.remove(site, clerk, mistake, 0)
    removing.remove(site, clerk, mistake, 1)
    line = shown(site, clerk)[STAYS]
    assert (line.state, line.note) == (ReportLineState.WAITING, "Wrote to them")
    assert shown(site, clerk).keys() == {STAYS}
    assert working.undo(site, clerk, operation_id).restored == 1
    assert shown(site, clerk)[STAYS].state == ReportLineState.OPEN


def test_what_people_did_on_a_line_that_came_back_is_kept_while_it_closes_again(
    site: OscarHost, clerk: Actor, take_in: Callable[..., int], clock: FixedClock
) -> None:
    take_in(STAYS, LEAVES)
    take_in(STAYS)
    closed_at = clock.now()
    mistake = take_in(STAYS, LEAVES)
    work(site, clerk, LEAVES, working.to_state(ReportLineState.WAITING, "Asked"))
    removing.remove(site, clerk, mistake, 0)
    line = shown(site, clerk)[LEAVES]
    assert (line.state, line.note, line.times, line.closed_at) == (ReportLineState.WAITING, "Asked", 1, closed_at)


def test_only_the_last_report_of_its_kind_is_removed_and_then_the_one_before(
    site: OscarHost, clerk: Actor, take_in: Callable[..., int]
) -> None:
    first = take_in(STAYS)
    second = take_in(STAYS, LEAVES)
    other_kind = receive(site, clerk, (STAYS, "", "", "", "Else"), kind=ReportKind.OTHER)
    with pytest.raises(Refused, match="not the last of its kind about all panels"):
        removing.remove(site, clerk, first, 0)
    for report_id in (second, first, other_kind):
        removing.remove(site, clerk, report_id, 0)
    assert set(stored(site).values()) == {0}


def test_a_line_whose_earlier_report_is_gone_goes_too(
    site: OscarHost, clerk: Actor, take_in: Callable[..., int]
) -> None:
    first = take_in(STAYS)
    mistake = take_in(STAYS)
    with site.database.writing() as connection:
        for table in OF_REPORTS[::-1]:
            connection.execute(table.delete().where(table.c.report_id == first))
    assert preview(site, mistake).gone == 1
    removing.remove(site, clerk, mistake, 0)
    assert set(stored(site).values()) == {0}


def test_a_report_stays_where_a_letter_or_an_ending_is_about_a_line_of_it(
    site: OscarHost, clerk: Actor, take_in: Callable[..., int]
) -> None:
    mistake = take_in(COMES)

    def read() -> evidence.ConflictLine:
        with site.database.engine.connect() as connection:
            return evidence.required(connection, site, clerk, Settings(), shown(site, clerk)[COMES].line_id)

    ending.ask(site, clerk, read())
    with pytest.raises(Refused, match="1 line that came with it has an ending or a letter"):
        removing.remove(site, clerk, mistake, 1)
    ending.reopen(site, clerk, read())
    assert not preview(site, mistake).refusal
    letter_id = letters.receive(site, clerk, read(), date(2026, 11, 1), "Else Clinic", "She is ours")
    assert "has an ending or a letter" in preview(site, mistake).refusal
    letters.withdraw(site, clerk, letter_id)
    assert not preview(site, mistake).refusal


def test_how_a_conflict_ended_is_restored_when_it_came_back_by_a_mistake(
    site: OscarHost, clerk: Actor, take_in: Callable[..., int]
) -> None:
    take_in(STAYS, LEAVES)

    def read() -> evidence.ConflictLine:
        with site.database.engine.connect() as connection:
            return evidence.required(connection, site, clerk, Settings(), shown(site, clerk)[LEAVES].line_id)

    ending.ask(site, clerk, read())
    take_in(STAYS)
    before = read()
    mistake = take_in(LEAVES)
    back = read()
    assert (back.ending, back.ended_at, back.state, back.times) == (None, None, ReportLineState.OPEN, 2)
    removing.remove(site, clerk, mistake, 0)
    after = read()
    restored = (after.ending, after.ended_at, after.ended_by, after.state, after.times, after.closed_at)
    assert restored == (before.ending, before.ended_at, before.ended_by, before.state, 1, before.closed_at)
    assert after.ending is ConflictEnding.ASK
    ended_otherwise = take_in(LEAVES)
    ending.ask(site, clerk, read())
    ending.reopen(site, clerk, read())
    removing.remove(site, clerk, ended_otherwise, 0)
    assert read().ending is ConflictEnding.ASK, "what was decided before the mistake holds again"


def test_a_report_from_before_lines_were_kept_stays(site: OscarHost, clerk: Actor, take_in: Callable[..., int]) -> None:
    report_id = take_in(STAYS)
    with site.database.writing() as connection:
        connection.execute(update(tables.report_line).values(made_by=None))
    with pytest.raises(Refused, match="before the program kept"):
        removing.remove(site, clerk, report_id, 0)


def test_metrics_of_the_report_are_again_what_was_entered_before(
    site: OscarHost, clerk: Actor, make_panel: Callable[..., int], take_in: Callable[..., int]
) -> None:
    panels = [make_panel(number) for number in ("0042", "0043", "0044")]
    month, report_id = date(2026, 11, 1), take_in(STAYS)
    entered, imported = RegistryCounts(10, 9, month), RegistryCounts(20, 19, month)
    metrics.save(site, clerk, panels[0], month, metrics.NO_ENTRY, entered)
    with site.database.session() as session:
        for panel_id in panels:
            metrics.add(session, site, clerk, panel_id, month, imported, report_id)
        metrics.add(session, site, clerk, panels[2], month, entered)
    assert removing.remove(site, clerk, report_id, 0).months == 2
    with site.database.engine.connect() as connection:
        found = [metrics.months(connection, site, panel_id, 2)[-2:] for panel_id in panels]
    counts = [[each.counts for each in months if each.month == month] for months in found]
    assert counts == [[entered], [NO_COUNTS], [entered]]
