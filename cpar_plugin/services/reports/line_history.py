"""What became of one line: what people changed of it, and in which reports it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, and_, exists, func, select

from ...domain.check_in import CheckInAnswer
from ...domain.conflicts import ENDING_LABELS, ConflictEnding, answer_text
from ...domain.refusals import NotFound
from ...domain.report_lines import COMPARISON_TEXTS, STATE_LABELS, LineComparison, ReportLineState
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import operation, report, report_line, report_line_change, report_row
from ...store.types import KEYS
from ..operations.record import OperationKind
from ..roster.providers import actor_names
from . import lines
from .lines import ReportLine

_line, _change = report_line.c, report_line_change.c
_MOST = 500


@dataclass(frozen=True, slots=True)
class LineEvent:
    """What happened to a line. `operation_id`: a change that can be undone, of `lines` lines; None for other events."""

    at: datetime
    text: str
    by: str
    operation_id: int | None = None
    lines: int = 0


@dataclass(frozen=True, slots=True)
class LineHistory:
    """A line with what happened to it, most recent first; of those, at most some hundreds."""

    line: ReportLine
    events: Sequence[LineEvent]


def history_of(host: Host, actor: Actor, settings: Settings, line_id: int) -> LineHistory:
    """Raises NotFound, also where the actor may not see the patient. Five statements."""
    with host.database.engine.connect() as connection:
        line = lines.one(connection, host, actor, settings, line_id) if line_id in KEYS else None
        if line is None:
            raise NotFound("Line not found. Start from the Reports tab.")
        changes = connection.execute(_changes(line_id)).all()
        reports = connection.execute(_reports(line_id)).all()
        people = {row.actor_id for row in (*changes, *reports)}
        owners = {owner for row in changes for owner in (row.owner_id_before, row.owner_id_after) if owner}
        names = actor_names(connection, host, people | owners)
    events = [_change_event(row, names) for row in changes]
    events += _report_events(reports, names)
    return LineHistory(line, sorted(events, key=lambda event: event.at, reverse=True))


def lines_of(connection: Connection, actor: Actor, operation_id: int) -> int:
    """How many lines the actor has changed with an operation that is not undone yet; 0 for any other number."""
    undoing = operation.alias("undoing")
    is_undone = exists().where(undoing.c.undoes == operation.c.operation_id)
    query = (
        select(func.count())
        .select_from(report_line_change)
        .join(operation, operation.c.operation_id == _change.operation_id)
        .where(_change.operation_id == operation_id, operation.c.actor_id == actor.actor_id, ~is_undone)
        .where(operation.c.kind == OperationKind.WORK_ON_REPORT.value)
    )
    return (connection.scalar(query) or 0) if operation_id in KEYS else 0


def _changes(line_id: int) -> Any:
    undoing, same = operation.alias("undoing"), report_line_change.alias("same")
    count = select(func.count()).where(same.c.operation_id == _change.operation_id).scalar_subquery()
    return (
        select(
            report_line_change,
            *(operation.c[name] for name in ("kind", "at", "actor_id", "detail")),
            undoing.c.operation_id.label("undone_by"),
            count.label("lines"),
        )
        .join_from(report_line_change, operation, operation.c.operation_id == _change.operation_id)
        .outerjoin(undoing, undoing.c.undoes == operation.c.operation_id)
        .where(_change.line_id == line_id)
        .order_by(_change.version.desc())
        .limit(_MOST)
    )


def _reports(line_id: int) -> Any:
    """The reports of the line's kind and panel, with whether it was in each, the first that has it first."""
    row = report_row.c
    is_in = exists().where(row.report_id == report.c.report_id, row.line_key == _line.line_key)
    of_scope = and_(report.c.kind == _line.kind, func.coalesce(report.c.panel_id, 0) == _line.panel_id)
    return (
        select(report.c.received_at, report.c.actor_id, report.c.name, is_in.label("is_in"))
        .join_from(report_line, report, of_scope)
        .where(_line.line_id == line_id)
        .order_by(report.c.report_id)
    )


def _change_event(row: Row[Any], names: dict[str, str]) -> LineEvent:
    parts = [_ending_text(orjson.loads(row.detail))] if row.kind == OperationKind.END_CONFLICT else []
    if row.kind == OperationKind.COMPARE_LINES:
        parts.append(COMPARISON_TEXTS[LineComparison(orjson.loads(row.detail)["comparison"])])
    if row.owner_id_before != row.owner_id_after:
        parts.append(f"Taken by {names[row.owner_id_after]}" if row.owner_id_after else "Released")
    if row.state_before != row.state_after:
        labels = [STATE_LABELS[ReportLineState(state)] for state in (row.state_before, row.state_after)]
        parts.append("{} \u2192 {}".format(*labels))
    if row.note_before != row.note_after:
        parts.append(f"Note: {row.note_after}" if row.note_after else "Note cleared")
    text = "; ".join(parts) or "Nothing changed"
    if row.kind == OperationKind.UNDO_WORK:
        text = f"Undone: {text}"
    undone = row.undone_by is not None
    is_undoable = row.kind == OperationKind.WORK_ON_REPORT and not undone
    return LineEvent(
        at=row.at,
        text=f"{text} (undone later)" if undone else text,
        by=names[row.actor_id],
        operation_id=row.operation_id if is_undoable else None,
        lines=row.lines,
    )


def _ending_text(detail: Mapping[str, Any]) -> str:
    """What was decided about a conflict, or what the patient said."""
    if "answer" in detail:
        return answer_text(CheckInAnswer(detail["answer"]))
    ending = detail["ending"]
    return ENDING_LABELS[ConflictEnding(ending)] if ending in list(ConflictEnding) else "Opened again"


def _report_events(reports: Sequence[Row[Any]], names: dict[str, str]) -> list[LineEvent]:
    events, was_in, ever = [], False, False
    for row in reports:
        if row.is_in != was_in:
            text = f"{'Back in' if ever else 'In'} the report {row.name}" if row.is_in else f"Gone: not in {row.name}"
            events.append(LineEvent(row.received_at, text, names[row.actor_id]))
        was_in, ever = bool(row.is_in), ever or bool(row.is_in)
    return events
