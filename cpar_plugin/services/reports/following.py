"""Bring the lines of work in line with a report that was just taken in: they open, close, and come back by it."""

from datetime import datetime
from typing import Final

from sqlalchemy import exists, insert, literal, select, update
from sqlalchemy.orm import Session

from ...domain.report_lines import IS_DONE, IS_WORK, ReportLineState
from ...domain.reports import ReportKind
from ...store.tables import report_line, report_line_before, report_row

ALL_PANELS: Final = 0
ENDED: Final = ("ending", "ended_at", "ended_by", "learned_on", "answer", "answered_at")
_line = report_line.c


def follow(
    session: Session, report_id: int, kind: ReportKind, panel_id: int | None, actor_id: str, now: datetime
) -> None:
    """Five statements, after `clinic.lock`. Reports of the same kind about the same panel, or all panels, follow each
    other. What this one no longer has closes; what was closed or done and is in it opens again, and how a conflict
    ended before holds no longer. The lines are kept as they were before, for `removing`.
    """
    if not IS_WORK[kind]:
        return
    scope = panel_id or ALL_PANELS
    of_scope = (_line.kind == kind, _line.panel_id == scope)
    keys = select(report_row.c.line_key).where(report_row.c.report_id == report_id)
    is_back = _line.closed_at.is_not(None) | _line.state.in_(IS_DONE)
    again = {"times": _line.times + 1, "opened_at": now, "closed_at": None, "state": ReportLineState.OPEN}
    again |= dict.fromkeys(ENDED)
    changed = {"changed_at": now, "changed_by": actor_id, "version": _line.version + 1}
    in_report = _line.line_key.in_(keys)
    found = in_report | _line.closed_at.is_(None)
    kept = ("times", "opened_at", "closed_at", "state", *ENDED)
    was = (_line.line_id, _line.report_id, *(_line[name] for name in kept))
    session.execute(
        insert(report_line_before).from_select(
            ["report_id", "line_id", "report_id_before", *kept],
            select(literal(report_id), *was).where(*of_scope, found),
        )
    )
    session.execute(update(report_line).where(*of_scope, in_report, is_back).values(**again, **changed))
    session.execute(update(report_line).where(*of_scope, in_report).values(report_id=report_id))
    gone = (_line.closed_at.is_(None), _line.report_id != report_id)
    session.execute(update(report_line).where(*of_scope, *gone).values(closed_at=now, **changed))
    known = exists().where(*of_scope, _line.line_key == report_row.c.line_key)
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
