"""Remove a report that was taken in by mistake: lines and metrics are again what they were before it."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, case, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from ...domain.dates import moment_text
from ...domain.metrics import NO_COUNTS
from ...domain.refusals import NotFound, Refused, Stale
from ...domain.report_lines import IS_DONE, ReportLineState
from ...hooks import Actor, Host
from ...store.tables import (
    letter,
    panel_metrics,
    report,
    report_line,
    report_line_before,
    report_line_change,
    report_piece,
    report_row,
)
from ...store.types import KEYS
from ..operations import clinic, record
from ..operations.record import OperationKind
from . import metrics
from .following import ALL_PANELS, ENDED

_line, _before, _change, _entry = report_line.c, report_line_before.c, report_line_change.c, panel_metrics.c
_UNKNOWN: Final = (
    "The report cannot be removed: it was uploaded before the program kept what lines were before a report."
)


@dataclass(frozen=True, slots=True)
class ReportRemoval:
    """What the removal of a report does, in numbers of lines; `refusal` is '' where it can be removed."""

    refusal: str
    gone: int  # lines that came with it
    worked_on: int  # of those, by people
    restored: int  # others that it has closed, opened again or finished
    months: int  # for which its metrics hold


def preview(connection: Connection, host: Host, report_id: int) -> ReportRemoval:
    """Raises NotFound. At most eight statements."""
    source = _required(connection, report_id)
    goes, count = _goes(report_id), select(func.count()).select_from(report_line)
    was_worked_on = or_(_line.owner_id.is_not(None), _line.note != "", exists().where(_change.line_id == _line.line_id))
    return ReportRemoval(
        refusal=_refusal(connection, host, source),
        gone=connection.scalar(count.where(goes)) or 0,
        worked_on=connection.scalar(count.where(goes, was_worked_on)) or 0,
        restored=connection.scalar(count.where(~goes, _differs(report_id))) or 0,
        months=len(_months(connection, report_id)),
    )


def remove(host: Host, actor: Actor, report_id: int, seen_worked_on: int) -> ReportRemoval:
    """Remove the report with its file. Set-based; what people did on lines that stay is kept.

    `seen_worked_on`: how many of the lines that go people have worked on, as the actor was told. Raises NotFound,
    Refused, and Stale where there are others by now.
    """
    with host.database.session() as session:
        clinic.lock(session)
        removal = preview(session.connection(), host, report_id)
        if removal.refusal:
            raise Refused(removal.refusal)
        if removal.worked_on != seen_worked_on:
            raise Stale("Someone has worked on lines of this report in the meantime. Nothing was changed: check again.")
        for panel_id, month in _months(session.connection(), report_id):
            _restore_metrics(session, host, actor, report_id, panel_id, month)
        _restore_lines(session, host, actor, report_id)
        for table in (report_line_before, report_row, report_piece, report):
            session.execute(delete(table).where(table.c.report_id == report_id))
        detail = {"report": report_id, "lines": removal.gone, "worked_on": removal.worked_on}
        detail |= {"restored": removal.restored, "months": removal.months}
        record.begin(session, host, actor, OperationKind.REMOVE_REPORT, detail=detail)
    return removal


def _required(connection: Connection, report_id: int) -> Any:
    query = select(report.c.report_id, report.c.kind, report.c.panel_id).where(report.c.report_id == report_id)
    found = connection.execute(query).one_or_none() if report_id in KEYS else None
    if found is None:
        raise NotFound("Report not found. It may have been removed: start from the Reports tab.")
    return found


def _refusal(connection: Connection, host: Host, source: Any) -> str:
    report_id, scope = source.report_id, source.panel_id or ALL_PANELS
    is_same = func.coalesce(report.c.panel_id, ALL_PANELS) == scope
    by_later, own = report_line_before.alias("by_later"), report_line_before.alias("own")
    of_own = by_later.c.line_id.in_(select(own.c.line_id).where(own.c.report_id == report_id))
    same_lines = or_(by_later.c.report_id_before == report_id, of_own)
    changed_same = exists().where(by_later.c.report_id == report.c.report_id, same_lines)
    later = select(report.c.received_at).where(report.c.kind == source.kind, report.c.report_id > report_id)
    later = later.where(or_(is_same, changed_same))
    received_at = connection.scalar(later.order_by(report.c.report_id.desc()).limit(1))
    if received_at:
        moment = moment_text(received_at, host.clock.zone)
        return (
            "The report cannot be removed: it is not the last of its kind about "
            f"{'this panel' if source.panel_id else 'all panels'}, or with the same patients. Remove the one that was "
            f"uploaded {moment} first."
        )
    is_known = or_(func.coalesce(_line.made_by, 0) == report_id, _of_line(report_id).exists())
    if connection.scalar(select(_line.line_id).where(_line.report_id == report_id, ~is_known).limit(1)):
        return _UNKNOWN
    has_ending = or_(
        _line.ending.is_not(None), exists().where(letter.c.line_id == _line.line_id, letter.c.withdrawn_at.is_(None))
    )
    ended = connection.scalar(select(func.count()).select_from(report_line).where(_goes(report_id), has_ending))
    if ended:
        return (
            f"The report cannot be removed: {ended:,} {'line' if ended == 1 else 'lines'} that came with it "
            f"{'has' if ended == 1 else 'have'} an ending or a letter. If these were mistakes: withdraw the "
            "letters, and select Open the line again on its page, first."
        )
    return ""


def _of_line(report_id: int) -> Select[Any]:
    """The line as it was before the report."""
    return select(_before.line_id).where(_before.report_id == report_id, _before.line_id == _line.line_id)


def _goes(report_id: int) -> ColumnElement[bool]:
    """Lines in the report that were in none before, or only in one that is gone by now, with which they had gone."""
    was_in = _of_line(report_id).join_from(report_line_before, report, report.c.report_id == _before.report_id_before)
    return and_(_line.report_id == report_id, ~was_in.correlate(report_line).exists())


def _keeps_state(report_id: int) -> ColumnElement[bool]:
    """Lines in the state in which a person has put them since; not those that are open, as the report left them."""
    by_person = exists().where(
        _change.report_id == report_id,
        _change.line_id == _line.line_id,
        _change.state_before != _change.state_after,
        _change.state_after == _line.state,
    )
    was_back = _before.closed_at.is_not(None) | _before.state.in_(IS_DONE)
    as_left = _of_line(report_id).where(was_back).exists() & (_line.state == ReportLineState.OPEN)
    return by_person & ~as_left


def _differs(report_id: int) -> ColumnElement[bool]:
    other_state = (_before.state != _line.state) & ~_keeps_state(report_id)
    differs = or_(_before.times != _line.times, _line.closed_at.is_not(None), other_state)
    return _of_line(report_id).where(differs).correlate(report_line).exists()


def _restore_lines(session: Session, host: Host, actor: Actor, report_id: int) -> None:
    """Seven statements. A version never goes back: a page that shows the line as it was in the report is told so."""
    gone = select(_line.line_id).where(_goes(report_id))
    session.execute(delete(report_line_change).where(_change.line_id.in_(gone)))
    session.execute(delete(report_line).where(_goes(report_id)))
    changed = {"changed_at": host.clock.now(), "changed_by": actor.actor_id, "version": _line.version + 1}
    session.execute(update(report_line).where(_differs(report_id)).values(**changed))

    def was(column: ColumnElement[Any]) -> Any:
        return _of_line(report_id).with_only_columns(column).correlate(report_line).scalar_subquery()

    had_ended = _of_line(report_id).where(_before.ending.is_not(None), _before.times != _line.times)
    ended = {name: was(_before[name]) for name in ENDED}
    session.execute(
        update(report_line).where(_line.ending.is_(None), had_ended.correlate(report_line).exists()).values(**ended)
    )
    values = {name: was(_before[name]) for name in ("times", "opened_at", "closed_at")}
    values |= {"report_id": was(_before.report_id_before)}
    values |= {"panel_id": func.coalesce(was(_before.panel_id), _line.panel_id)}
    values |= {"state": case((_keeps_state(report_id), _line.state), else_=was(_before.state))}
    remains = _of_line(report_id).correlate(report_line).exists()
    session.execute(update(report_line).where(remains).values(**values))
    of_change = select(_before.report_id_before).where(
        _before.report_id == report_id, _before.line_id == _change.line_id
    )
    moved = of_change.correlate(report_line_change)
    session.execute(
        update(report_line_change)
        .where(_change.report_id == report_id, moved.exists())
        .values(report_id=moved.scalar_subquery())
    )


def _months(connection: Connection, report_id: int) -> list[tuple[int, date]]:
    """The panels and months for which an entry from the report holds."""
    last = select(func.max(_entry.entry_id)).group_by(_entry.panel_id, _entry.month)
    query = select(_entry.panel_id, _entry.month).where(_entry.report_id == report_id, _entry.entry_id.in_(last))
    return [(row.panel_id, row.month) for row in connection.execute(query.order_by(_entry.entry_id))]


def _restore_metrics(session: Session, host: Host, actor: Actor, report_id: int, panel_id: int, month: date) -> None:
    """Enter once more what held before the report, or remove the counts: entries are only added."""
    others = or_(_entry.report_id.is_(None), _entry.report_id != report_id)
    of_month = select(panel_metrics).where(_entry.panel_id == panel_id, _entry.month == month, others)
    earlier = session.execute(of_month.order_by(_entry.entry_id.desc()).limit(1)).one_or_none()
    counts = metrics.counts_of(earlier) if earlier else NO_COUNTS
    metrics.add(session, host, actor, panel_id, month, counts, earlier.report_id if earlier else None)
