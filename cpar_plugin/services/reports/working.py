"""Working on the lines of reports, as `work_lines.changing` says."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import and_, or_

from ...domain.report_lines import STATE_LABELS, ReportLineState, require_why
from ...hooks import Actor, Host
from ...store.tables import report_line, report_row
from ..operations.record import OperationKind
from ..work_lines import changing
from ..work_lines.changes import LineAction, LineChange, LinesChanged, SeenLine, WorkList
from . import listing

_line, _row = report_line.c, report_row.c
_KINDS: Final = dict.fromkeys(LineAction, OperationKind.WORK_ON_REPORT)


def to_state(state: ReportLineState, note: str) -> LineChange:
    """The change that sets how far the work is, and the note where there is one. Raises Refused (`note`)."""
    require_why(state, note)
    return LineChange(LineAction.SET_STATE, state=state.value, state_label=STATE_LABELS[state], note=note)


def change_selected(host: Host, actor: Actor, lines: Collection[SeenLine], change: LineChange) -> LinesChanged:
    """Change these lines, which a page showed, unless someone else was faster."""
    return changing.change_seen(host, actor, work_list(host, actor), lines, change)


def work_list(host: Host, actor: Actor) -> WorkList:
    """The lines whose patients the actor may see, and those of no one who is known."""
    rows, _, kept_id = listing.joined(host)
    return WorkList(
        table=report_line,
        key=(_line.line_id,),
        source=rows.join(report_line, and_(_line.report_id == _row.report_id, _line.line_key == _row.line_key)),
        patient_id=kept_id,
        visible=or_(_row.patient_id.is_(None), host.identity.visible(actor, kept_id)),
        noun="cparReport",
        about=lambda _: "line of a report",
        kinds=_KINDS,
    )
