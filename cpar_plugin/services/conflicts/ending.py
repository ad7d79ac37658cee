"""End the work on a conflict: the patient is theirs, or is asked; and learn what the patient says."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, FromClause, and_, select, true, update
from sqlalchemy.orm import Session

from ...domain.check_in import CheckInAnswer
from ...domain.conflicts import STATE_AFTER, ConflictEnding, state_after_answer
from ...domain.refusals import Refused, Stale
from ...domain.removal import Removal
from ...domain.report_lines import ReportLineState
from ...hooks import Actor, Host
from ...settings import Settings, load
from ...store.tables import member, report_line, report_line_change, report_row
from ..operations import clinic, record
from ..operations.record import OperationKind
from ..panels import one_patient
from ..reports import listing
from ..work_lines import keeping
from . import next_date
from .evidence import ConflictLine

_CHANGED = "Someone else changed this line in the meantime. Nothing was changed: reload the page."
_line, _row = report_line.c, report_row.c


class SeenConflict(Protocol):
    """A line as it was read: `version` says whether someone has changed it since."""

    @property
    def line_id(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def patient_id(self) -> int | None: ...


def theirs(host: Host, actor: Actor, settings: Settings, seen: ConflictLine, removal: Removal) -> date | None:
    """Remove the patient from the panel that the actor saw. Returns when the registry learns it, None for never.

    Raises Stale, and Refused for a patient on no panel.
    """
    if seen.patient_id is None or seen.membership is None:
        raise Refused("The patient is on no panel here: there is nothing to remove.")
    panel_id = seen.membership.panel_id
    with host.database.session() as session:
        clinic.lock(session)
        learned_on = next_date.learned_on(session.connection(), host, settings, panel_id, seen.patient_id)
        end(session, host, actor, seen, ConflictEnding.THEIRS, {"learned_on": learned_on})
        one_patient.remove_within(session, host, actor, seen.patient_id, seen_panel_id=panel_id, removal=removal)
    return learned_on


def ask(host: Host, actor: Actor, seen: ConflictLine) -> None:
    """Put the patient on the check-in list of each day with an appointment, until there is an answer.

    Raises Stale, and Refused where the host knows no appointments.
    """
    if host.schedule is None:
        raise Refused("The EMR tells of no appointments here: there is no check-in list to put the patient on.")
    if seen.patient_id is None:
        raise Refused("Accept the patient on the page of the report first.")
    with host.database.session() as session:
        clinic.lock(session)
        end(session, host, actor, seen, ConflictEnding.ASK, {})


def reopen(host: Host, actor: Actor, seen: ConflictLine) -> None:
    """Withdraw the ending: the patient is no longer asked. A removal or a letter is not undone by it. Raises Stale."""
    with host.database.session() as session:
        clinic.lock(session)
        end(session, host, actor, seen, None, {})


def end(
    session: Session,
    host: Host,
    actor: Actor,
    seen: SeenConflict,
    ending: ConflictEnding | None,
    values: Mapping[str, Any],
) -> None:
    """Store how the work on a line ended, in a transaction with the clinic's lock. Raises Stale."""
    now = host.clock.now()
    ended: dict[str, Any] = {
        "ending": ending,
        "ended_at": now if ending else None,
        "ended_by": actor.actor_id if ending else None,
        "state": STATE_AFTER[ending] if ending else ReportLineState.OPEN,
    }
    ended |= dict.fromkeys(("learned_on", "answer", "answered_at")) | dict(values)
    changed = {"changed_at": now, "changed_by": actor.actor_id, "version": seen.version + 1}
    which = (_line.line_id == seen.line_id, _line.version == seen.version, _line.closed_at.is_(None))
    detail = {"line": seen.line_id, "ending": ending or "withdrawn"}
    operation_id = record.begin(
        session, host, actor, OperationKind.END_CONFLICT, patient_id=seen.patient_id, detail=detail
    )
    keeping.keep(session, report_line, report_line_change, and_(*which), {"state": ended["state"]}, operation_id)
    if session.execute(update(report_line).where(*which).values(**ended, **changed)).rowcount != 1:  # type: ignore[attr-defined]
        raise Stale(_CHANGED)


def patients_to_ask(connection: Connection, host: Host, patient_ids: Collection[int]) -> set[int]:
    """Those of them who are to be asked because of a conflict. At most one statement."""
    if not patient_ids:
        return set()
    source, kept_id = _lines_to_ask(host)
    unanswered = (_line.answer.is_(None), _line.state == ReportLineState.WAITING, kept_id.in_(patient_ids))
    query = select(kept_id).select_from(source).where(*_TO_ASK, *unanswered)
    return set(connection.scalars(query))


def learn(session: Session, host: Host, actor: Actor, patient_id: int, given: CheckInAnswer) -> bool:
    """Note what the patient said at check-in, on the lines because of which they were asked. Returns whether any was.

    To be called within a transaction that has the clinic's lock, before the answer changes the patient's panel.
    """
    state = state_after_answer(given)
    if state is None:
        return False
    source, kept_id = _lines_to_ask(host)
    is_waiting, is_corrected = _line.state == ReportLineState.WAITING, _line.answer.is_not(None)
    learns = is_waiting | (is_corrected & (_line.state == ReportLineState.OPEN))  # not what was done in the list
    query = select(_line.line_id).select_from(source).where(*_TO_ASK, learns, kept_id == patient_id)
    line_ids = session.scalars(query).all()
    if not line_ids:
        return False
    panel_id = session.scalar(select(member.c.panel_id).where(member.c.patient_id == patient_id))
    learned_on = None
    if state is ReportLineState.WAITING and panel_id is not None:
        settings = load(host.settings)
        learned_on = next_date.learned_on(session.connection(), host, settings, panel_id, patient_id)
    now = host.clock.now()
    learned = {"state": state, "answer": given, "answered_at": now, "learned_on": learned_on}
    changed = {"changed_at": now, "changed_by": actor.actor_id, "version": _line.version + 1}
    detail = {"lines": len(line_ids), "answer": given.value}
    operation_id = record.begin(session, host, actor, OperationKind.END_CONFLICT, patient_id=patient_id, detail=detail)
    these = _line.line_id.in_(line_ids)
    keeping.keep(session, report_line, report_line_change, these, {"state": state}, operation_id)
    session.execute(update(report_line).where(these).values(**learned, **changed))
    return True


_TO_ASK = (_line.ending == ConflictEnding.ASK.value, _line.closed_at.is_(None), _row.accepted == true())


def _lines_to_ask(host: Host) -> tuple[FromClause, ColumnElement[int]]:
    rows, _, kept_id = listing.joined(host)
    return rows.join(report_line, and_(_line.report_id == _row.report_id, _line.line_key == _row.line_key)), kept_id
