"""Working on the lines of reports, as `work_lines.changing` says, and undoing that."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import exists, select

from ...domain.refusals import Refused
from ...domain.report_lines import STATE_LABELS, WITH_WHY, ReportLineState, require_why
from ...hooks import Actor, Host
from ...store.tables import report_line, report_line_change
from ..operations.record import OperationKind
from ..work_lines import changing, undoing
from ..work_lines.changes import LineAction, LineChange, LinesChanged, SeenLine, WorkList
from ..work_lines.undoing import LinesUndone
from .lines_query import ReportLineCriteria, ReportLineSource, source_of

_KINDS: Final = dict.fromkeys(LineAction, OperationKind.WORK_ON_REPORT)


def to_state(state: ReportLineState, note: str) -> LineChange:
    """The change that sets how far the work is, and the note where there is one. Raises Refused (`note`)."""
    require_why(state, note)
    return LineChange(LineAction.SET_STATE, state=state.value, state_label=STATE_LABELS[state], note=note)


def change_selected(host: Host, actor: Actor, lines: Collection[SeenLine], change: LineChange) -> LinesChanged:
    """Change these lines, which a page showed, unless someone else was faster.

    Raises Refused (`note`) where a note would be cleared that says why.
    """
    if change.clears_notes:
        ids = [line.key[0] for line in lines]
        needed = select(exists().where(report_line.c.line_id.in_(ids), report_line.c.state.in_(WITH_WHY)))
        with host.database.engine.connect() as connection:
            if connection.scalar(needed):
                raise Refused({"note": "The note says why: enter another, or set the line to Open first."})
    return changing.change_seen(host, actor, _work_list(source_of(host, actor)), lines, change)


def change_all(host: Host, actor: Actor, criteria: ReportLineCriteria, change: LineChange) -> LinesChanged:
    """Change all open lines that the criteria find, on whatever page. Those that someone else has taken stay as they
    are, unless the criteria ask for those of one person.
    """
    of_others = criteria.owner_id is not None
    lines = source_of(host, actor)
    return changing.change_found(host, actor, _work_list(lines), lines.narrowing(criteria), change, of_others=of_others)


def undo(host: Host, actor: Actor, operation_id: int) -> LinesUndone:
    """Restore what an operation has changed. Raises NotFound, and Refused where that was done already."""
    return undoing.undo(host, actor, _work_list(source_of(host, actor)), operation_id, OperationKind.UNDO_WORK)


def _work_list(lines: ReportLineSource) -> WorkList:
    return WorkList(
        table=report_line,
        key=(report_line.c.line_id,),
        source=lines.source,
        patient_id=lines.kept_id,
        visible=lines.visible,
        noun="cparReport",
        about=lambda _: "line of a report",
        kinds=_KINDS,
        changes=report_line_change,
    )
