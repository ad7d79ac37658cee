"""Lines about a field that does not match are done by themselves as soon as the record has what the registry has."""

from typing import Final

from sqlalchemy import Select, and_, select, update
from sqlalchemy.orm import Session

from ...domain.refusals import Refused
from ...domain.report_lines import ReportLineState
from ...domain.reports import ReportKind
from ...hooks import Host
from ...store.folding import can_fold
from ...store.tables import report_line, report_row
from ..operations import clinic
from . import listing
from .mismatches import is_fixed

_TO_DO: Final = (ReportLineState.OPEN.value, ReportLineState.WAITING.value)
_line, _row = report_line.c, report_row.c


def finish(session: Session, host: Host) -> int:
    """Set them to done, in one statement after `clinic.lock`. Returns how many."""
    can_fold(session.connection())
    done = {"state": ReportLineState.DONE, "changed_at": host.clock.now(), "changed_by": host.identity.system.actor_id}
    found = _line.line_id.in_(select(_fixed(host).subquery().c.line_id))
    result = session.execute(update(report_line).where(found).values(**done, version=_line.version + 1))
    return int(result.rowcount)  # type: ignore[attr-defined]


def finish_to_show(host: Host) -> None:
    """The same before something is shown, and for the scheduler: the lock is taken only where there are any.

    Where another change keeps the lock, the current state is shown.
    """
    with host.database.engine.connect() as connection:
        can_fold(connection)
        if connection.scalar(_fixed(host).limit(1)) is None:
            return
    try:
        with host.database.session() as session:
            clinic.lock(session)
            finish(session, host)
    except Refused:
        return


def _fixed(host: Host) -> Select[tuple[int]]:
    source, patient, _ = listing.joined(host)
    source = source.join(report_line, and_(_line.report_id == _row.report_id, _line.line_key == _row.line_key))
    to_do = (_line.kind == ReportKind.MISMATCH, _line.closed_at.is_(None), _line.state.in_(_TO_DO))
    return select(_line.line_id).select_from(source).where(*to_do, is_fixed(patient))
