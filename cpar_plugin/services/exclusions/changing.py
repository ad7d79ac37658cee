"""Working on exclusions, as `work_lines.changing` says: those that were selected, or all that the criteria find; and
undoing that."""

from collections.abc import Collection
from typing import Final

from ...domain.exclusion_lines import STATE_LABELS, LineState
from ...domain.exhaustive import exhaustive
from ...hooks import Actor, Host
from ...store.tables import exclusion_line, exclusion_line_change
from ..operations.record import OperationKind
from ..work_lines import changing, undoing
from ..work_lines.changes import LineAction, LineChange, LinesChanged, SeenLine, WorkList
from ..work_lines.undoing import LinesUndone
from .lines_query import LineCriteria, narrowing, source_of

_line = exclusion_line.c
KINDS: Final = exhaustive(
    __name__,
    LineAction,
    {
        LineAction.TAKE: OperationKind.TAKE_EXCLUSIONS,
        LineAction.ASSIGN: OperationKind.TAKE_EXCLUSIONS,
        LineAction.RELEASE: OperationKind.RELEASE_EXCLUSIONS,
        LineAction.SET_STATE: OperationKind.STATE_EXCLUSIONS,
        LineAction.NOTE: OperationKind.NOTE_EXCLUSIONS,
    },
)


def to_state(state: LineState) -> LineChange:
    """The change that sets how far the work is."""
    return LineChange(LineAction.SET_STATE, state=state.value, state_label=STATE_LABELS[state])


def change_selected(host: Host, actor: Actor, lines: Collection[SeenLine], change: LineChange) -> LinesChanged:
    """Change these lines, which a page showed, unless someone else was faster."""
    return changing.change_seen(host, actor, _work(host, actor), lines, change)


def change_all(host: Host, actor: Actor, criteria: LineCriteria, change: LineChange) -> LinesChanged:
    """Change all open lines that the criteria find, on whatever page, unless someone else has taken them."""
    lines = source_of(host, actor, criteria)
    work = changing.within(_work(host, actor), lines.source)
    return changing.change_found(host, actor, work, (*lines.conditions, *narrowing(criteria)), change)


def undo(host: Host, actor: Actor, operation_id: int) -> LinesUndone:
    """Restore what an operation has changed. Raises NotFound, and Refused where that was done already."""
    return undoing.undo(host, actor, _work(host, actor), operation_id, OperationKind.UNDO_EXCLUSIONS)


def _work(host: Host, actor: Actor) -> WorkList:
    return WorkList(
        table=exclusion_line,
        key=(_line.patient_id, _line.reason),
        source=exclusion_line,
        patient_id=_line.patient_id,
        visible=host.identity.visible(actor, _line.patient_id),
        noun="cparPanelMember",
        about=lambda key: f"exclusion {key[1]}",
        kinds=KINDS,
        changes=exclusion_line_change,
    )
