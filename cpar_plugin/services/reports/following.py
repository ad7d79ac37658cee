"""Bring the lines of work in line with a report that was just taken in: they open, close, and come back by it."""

from datetime import date, datetime
from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    String,
    Table,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from ...domain.report_lines import IS_DONE, IS_WORK, ReportLineState
from ...domain.reports import ReportKind
from ...store.tables import report, report_line, report_line_before, report_row

ALL_PANELS: Final = 0
ENDED: Final = ("ending", "ended_at", "ended_by", "learned_on", "answer", "answered_at")
_line = report_line.c


def follow(
    session: Session, report_id: int, kind: ReportKind, panel_id: int | None, actor_id: str, now: datetime
) -> None:
    """Six statements, after `clinic.lock`. A patient is one line for all reports of a kind, about the panel of the
    last report about one panel that has it; reports about that panel and about all panels close it. What this one no
    longer has closes; what was closed or done and is in it opens again, and how a conflict ended before holds no
    longer. The lines are kept as they were before, for `removing`. An outdated report changes none.
    """
    is_outdated = select(outdated(report)).where(report.c.report_id == report_id)
    if not IS_WORK[kind] or session.scalar(is_outdated):
        return
    scope = panel_id or ALL_PANELS
    of_kind = _line.kind == kind
    of_scope = true() if scope == ALL_PANELS else _line.panel_id == scope
    keys = select(report_row.c.line_key).where(report_row.c.report_id == report_id)
    is_back = _line.closed_at.is_not(None) | _line.state.in_(IS_DONE)
    again = {"times": _line.times + 1, "opened_at": now, "closed_at": None, "state": ReportLineState.OPEN}
    again |= dict.fromkeys(ENDED)
    changed = {"changed_at": now, "changed_by": actor_id, "version": _line.version + 1}
    in_report = _line.line_key.in_(keys)
    found = in_report | (of_scope & _line.closed_at.is_(None))
    kept = ("panel_id", "times", "opened_at", "closed_at", "state", *ENDED)
    was = (_line.line_id, _line.report_id, *(_line[name] for name in kept))
    session.execute(
        insert(report_line_before).from_select(
            ["report_id", "line_id", "report_id_before", *kept],
            select(literal(report_id), *was).where(of_kind, found),
        )
    )
    session.execute(update(report_line).where(of_kind, in_report, is_back).values(**again, **changed))
    last = {"report_id": report_id} | ({} if scope == ALL_PANELS else {"panel_id": scope})
    session.execute(update(report_line).where(of_kind, in_report).values(**last))
    gone = (_line.closed_at.is_(None), _line.report_id != report_id)
    session.execute(update(report_line).where(of_kind, of_scope, *gone).values(closed_at=now, **changed))
    known = exists().where(of_kind, _line.line_key == report_row.c.line_key)
    begun = (
        literal(now, report_line.c.opened_at.type),
        literal(ReportLineState.OPEN.value),
        literal(""),
        literal(1),
        literal(report_id),
    )
    new = select(
        literal(kind.value), literal(scope), report_row.c.line_key, literal(report_id), literal(1), *begun
    ).where(report_row.c.report_id == report_id, ~known)
    names = ("kind", "panel_id", "line_key", "report_id", "times", "opened_at", "state", "note", "version", "made_by")
    session.execute(insert(report_line).from_select([_line[name] for name in names], new))


def outdated(of: Table) -> ColumnElement[bool]:
    """Whether a report, in SQL, is of an earlier month than one that was uploaded before it, by both reports' own days.

    Of the same kind, about the same panel or all panels. Months alone are compared: the column that a day was taken
    from may have the days of what rows are about.
    """
    earlier = report.alias("earlier")
    same_panel = or_(earlier.c.panel_id == of.c.panel_id, earlier.c.panel_id.is_(None), of.c.panel_id.is_(None))
    uploaded_before = (earlier.c.kind == of.c.kind, same_panel, earlier.c.report_id < of.c.report_id)
    is_later = _month(earlier.c.reported_on) > _month(of.c.reported_on)
    return exists().where(*uploaded_before, is_later).correlate(of)


def _month(day: Column[date]) -> ColumnElement[str]:
    return func.substr(cast(day, String(10)), 1, 7)
