"""What becomes of lines by itself, because of what records and panels are now: each in the history of its line.

- What does not match is fixed as soon as the record has what the registry has, and open again where it no longer does.
- A patient who was removed because of a conflict, and is on a panel again however that came, is a conflict again.
- Lines of reports about a panel close when the panel is deleted: no report follows that could close them.
"""

from typing import Any, Final

from sqlalchemy import Select, and_, exists, or_, select, true, update
from sqlalchemy.orm import Session

from ...domain.conflicts import REMOVING_ANSWERS, ConflictEnding
from ...domain.refusals import Refused
from ...domain.report_lines import TO_DO, LineComparison, ReportLineState
from ...domain.reports import ReportKind
from ...hooks import Host
from ...store.folding import can_fold
from ...store.tables import member, panel, report_line, report_line_change, report_row
from ..operations import clinic, record
from ..operations.record import OperationKind
from ..work_lines import keeping
from . import listing
from .following import ENDED
from .mismatches import is_fixed

_line, _row, _change = report_line.c, report_row.c, report_line_change.c
_deleted_at = select(panel.c.deleted_at).where(panel.c.panel_id == _line.panel_id).correlate(report_line)
_VALUES: Final[dict[LineComparison, dict[str, Any]]] = {
    LineComparison.FIXED: {"state": ReportLineState.FIXED},
    LineComparison.NOT_FIXED: {"state": ReportLineState.OPEN},
    LineComparison.ON_PANEL_AGAIN: {"state": ReportLineState.OPEN} | dict.fromkeys(ENDED),
    LineComparison.PANEL_DELETED: {"closed_at": _deleted_at.scalar_subquery()},
}


def compare(session: Session, host: Host) -> None:
    """Make the lines what records and panels say, after `clinic.lock`: by one statement each where there is nothing."""
    can_fold(session.connection())
    system = host.identity.system
    for comparison, lines in _differing(host).items():
        if session.scalar(lines.limit(1)) is None:
            continue
        detail = {"comparison": comparison.value}
        operation_id = record.begin(session, host, system, OperationKind.COMPARE_LINES, detail=detail)
        these, values = _line.line_id.in_(select(lines.subquery().c.line_id)), _VALUES[comparison]
        keeping.keep(session, report_line, report_line_change, these, values, operation_id)
        kept = select(_change.line_id).where(_change.operation_id == operation_id)
        changed = {"changed_at": host.clock.now(), "changed_by": system.actor_id, "version": _line.version + 1}
        session.execute(update(report_line).where(_line.line_id.in_(kept)).values(**values, **changed))


def compare_to_show(host: Host) -> None:
    """The same before something is shown: the lock is taken only where there is anything to do.

    Where another change keeps the lock, the current state is shown.
    """
    with host.database.engine.connect() as connection:
        can_fold(connection)
        if all(connection.scalar(lines.limit(1)) is None for lines in _differing(host).values()):
            return
    try:
        with host.database.session() as session:
            clinic.lock(session)
            compare(session, host)
    except Refused:
        return


def _differing(host: Host) -> dict[LineComparison, Select[tuple[int]]]:
    """The lines that change by each comparison."""
    source, patient, kept_id = listing.joined(host)
    source = source.join(report_line, and_(_line.report_id == _row.report_id, _line.line_key == _row.line_key))
    mismatches = select(_line.line_id).select_from(source).where(_line.kind == ReportKind.MISMATCH.value)
    removed = or_(
        _line.ending == ConflictEnding.THEIRS.value,
        and_(_line.ending == ConflictEnding.ASK.value, _line.answer.in_(REMOVING_ANSWERS)),
    )
    ended = (ReportLineState.WAITING.value, ReportLineState.DONE.value)
    on_panel = exists().where(member.c.patient_id == kept_id).correlate_except(member)
    conflicts = select(_line.line_id).select_from(source).where(removed, _line.state.in_(ended), on_panel)
    is_deleted = and_(panel.c.panel_id == _line.panel_id, panel.c.deleted_at.is_not(None))
    queries = {
        LineComparison.FIXED: mismatches.where(_line.state.in_(TO_DO), is_fixed(patient)),
        LineComparison.NOT_FIXED: mismatches.where(_line.state == ReportLineState.FIXED.value, ~is_fixed(patient)),
        LineComparison.ON_PANEL_AGAIN: conflicts.where(_row.accepted == true()),
        LineComparison.PANEL_DELETED: select(_line.line_id).join_from(report_line, panel, is_deleted),
    }
    return {comparison: query.where(_line.closed_at.is_(None)) for comparison, query in queries.items()}
