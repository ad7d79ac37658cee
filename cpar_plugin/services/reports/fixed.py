"""Lines about a field that does not match are fixed by themselves as soon as the record has what the registry has.

Where the record has something else again, they are open again. Each is in the history of its line, as the system's.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, select, update
from sqlalchemy.orm import Session

from ...domain.refusals import Refused
from ...domain.report_lines import TO_DO, ReportLineState
from ...domain.reports import ReportKind
from ...hooks import Host
from ...store.folding import can_fold
from ...store.tables import report_line, report_line_change, report_row
from ..operations import clinic, heartbeat, record
from ..operations.record import OperationKind
from ..work_lines import keeping
from . import listing
from .mismatches import is_fixed

_line, _row, _change = report_line.c, report_row.c, report_line_change.c


def compare(session: Session, host: Host) -> None:
    """Make the states what the records say, after `clinic.lock`. Two statements where nothing is to be changed."""
    can_fold(session.connection())
    operation_id = None
    for state, lines in _differing(host).items():
        if session.scalar(lines.limit(1)) is None:
            continue
        system = host.identity.system
        if operation_id is None:
            operation_id = record.begin(session, host, system, OperationKind.COMPARE_LINES)
        these = _line.line_id.in_(select(lines.subquery().c.line_id))
        keeping.keep(session, report_line, report_line_change, these, {"state": state}, operation_id)
        kept = select(_change.line_id).where(_change.operation_id == operation_id, _change.state_after == state)
        changed = {"changed_at": host.clock.now(), "changed_by": system.actor_id, "version": _line.version + 1}
        session.execute(update(report_line).where(_line.line_id.in_(kept)).values(state=state, **changed))


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


def compare_due(host: Host, now: datetime) -> None:
    """The same for the scheduler, every hour, whichever process was the last to do so."""
    with host.database.engine.connect() as connection:
        last = heartbeat.last(connection, heartbeat.REPORTS)
        if not clinic.load(connection).enabled or (last is not None and last <= now < last + _EVERY):
            return
    compare_to_show(host)
    heartbeat.beat(host, heartbeat.REPORTS)


_EVERY: Final = timedelta(hours=1)
_FROM: Final = {ReportLineState.FIXED: TO_DO, ReportLineState.OPEN: (ReportLineState.FIXED.value,)}


def _differing(host: Host) -> dict[ReportLineState, Select[tuple[int]]]:
    """The lines that get a state because of what the records have now."""
    source, patient, _ = listing.joined(host)
    source = source.join(report_line, and_(_line.report_id == _row.report_id, _line.line_key == _row.line_key))
    fixed: ColumnElement[bool] = is_fixed(patient)
    by_state = {ReportLineState.FIXED: fixed, ReportLineState.OPEN: ~fixed}
    return {
        state: select(_line.line_id)
        .select_from(source)
        .where(_line.kind == ReportKind.MISMATCH, _line.closed_at.is_(None), _line.state.in_(_FROM[state]), found)
        for state, found in by_state.items()
    }
