"""What became of one line: what people changed of it, and in which reports it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, and_, exists, func, or_, select

from ...domain.check_in import CheckInAnswer
from ...domain.conflicts import ENDING_LABELS, ConflictEnding, answer_text
from ...domain.refusals import NotFound
from ...domain.report_lines import COMPARISON_TEXTS, STATE_LABELS, LineComparison
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import report, report_line, report_line_change, report_row
from ...store.types import KEYS
from ..operations.record import OperationKind
from ..roster.providers import actor_names
from ..work_lines import history
from ..work_lines.history import LineEvent
from . import lines
from .following import ALL_PANELS, outdated
from .lines import ReportLine

_line, _change = report_line.c, report_line_change.c
_LABELS: Final = {state.value: label for state, label in STATE_LABELS.items()}
_KINDS: Final = (OperationKind.WORK_ON_REPORT,)


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
        changes = connection.execute(history.changes_of(report_line_change, _change.line_id == line_id)).all()
        reports = connection.execute(_reports(line_id)).all()
        people = history.people_in(changes) | {row.actor_id for row in reports}
        names = actor_names(connection, host, people)
    events = [_change_event(row, names) for row in changes]
    events += _report_events(reports, names)
    return LineHistory(line, sorted(events, key=lambda event: event.at, reverse=True))


def lines_of(connection: Connection, actor: Actor, operation_id: int) -> int:
    """How many lines the actor has changed with an operation that is not undone yet; 0 for any other number."""
    return history.undoable_lines(connection, report_line_change, actor.actor_id, operation_id, _KINDS)


def _reports(line_id: int) -> Any:
    """The reports that say something of the line, with whether it was in each, in the order of their uploads."""
    row = report_row.c
    is_in = exists().where(row.report_id == report.c.report_id, row.line_key == _line.line_key)
    about = or_(func.coalesce(report.c.panel_id, ALL_PANELS).in_((ALL_PANELS, _line.panel_id)), is_in)
    of_scope = and_(report.c.kind == _line.kind, about, ~outdated(report))
    return (
        select(report.c.received_at, report.c.actor_id, report.c.name, is_in.label("is_in"))
        .join_from(report_line, report, of_scope)
        .where(_line.line_id == line_id)
        .order_by(report.c.report_id)
    )


def _change_event(row: Row[Any], names: dict[str, str]) -> LineEvent:
    why = ""
    if row.kind == OperationKind.END_CONFLICT:
        why = _ending_text(orjson.loads(row.detail))
    elif row.kind == OperationKind.COMPARE_LINES:
        why = COMPARISON_TEXTS[LineComparison(orjson.loads(row.detail)["comparison"])]
    return history.change_event(row, names, _LABELS, _KINDS, why)


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
