"""What became of the exclusions of one patient: since when they are, what people changed, and why they were closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from ...domain.exclusion_lines import CLOSING_LABELS, STATE_LABELS, Closing
from ...domain.reasons import Reason
from ...hooks import Actor, Host
from ...store.tables import exclusion_line, exclusion_line_change
from ..operations import access
from ..roster.providers import actor_names
from ..work_lines import history
from ..work_lines.history import LineEvent
from .changing import KINDS

_LABELS: Final = {state.value: label for state, label in STATE_LABELS.items()}
_UNDOABLE: Final = tuple(dict.fromkeys(KINDS.values()))
_line, _change = exclusion_line.c, exclusion_line_change.c


class ExclusionEvent(NamedTuple):
    """What happened to the patient's exclusion for a reason."""

    reason: Reason
    event: LineEvent


@dataclass(frozen=True, slots=True)
class ExclusionHistory:
    """A patient, with what happened to each exclusion, most recent first; of changes, at most some hundreds."""

    patient_id: int
    family_name: str | None
    given_name: str | None
    events: Sequence[ExclusionEvent]


def history_of(host: Host, actor: Actor, patient_id: int) -> ExclusionHistory:
    """Raises Forbidden where the actor may not see the patient. Four statements."""
    access.require_patient(host, actor, patient_id)
    patient = host.roster.patients().c
    with host.database.engine.connect() as connection:
        named = select(patient.family_name, patient.given_name).where(patient.patient_id == patient_id)
        person = connection.execute(named).one_or_none()
        lines = connection.execute(select(exclusion_line).where(_line.patient_id == patient_id)).all()
        which = _change.patient_id == patient_id
        changes = connection.execute(history.changes_of(exclusion_line_change, which)).all()
        names = actor_names(connection, host, history.people_in(changes))
    events = [
        ExclusionEvent(Reason(row.reason), history.change_event(row, names, _LABELS, _UNDOABLE)) for row in changes
    ]
    for line in lines:
        reason = Reason(line.reason)
        events.append(ExclusionEvent(reason, LineEvent(line.opened_at, "Excluded", "")))
        if line.closed_at:
            text = f"Closed: {CLOSING_LABELS[Closing(line.closing)].lower()}"
            events.append(ExclusionEvent(reason, LineEvent(line.closed_at, text, "")))
    events.sort(key=lambda each: each.event.at, reverse=True)
    family_name, given_name = person or (None, None)
    return ExclusionHistory(patient_id, family_name, given_name, events)


def lines_of(connection: Connection, actor: Actor, operation_id: int) -> int:
    """How many exclusions the actor has changed with an operation that is not undone yet; 0 for any other number."""
    return history.undoable_lines(connection, exclusion_line_change, actor.actor_id, operation_id, _UNDOABLE)
