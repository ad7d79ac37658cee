"""Working on exclusions: take them, release them, set how far they are, note something. Of open lines only.

A line of which someone else has saved a change since it was shown stays as it is, and the answer says who has it. Every
change first takes `clinic.lock`, as what opens and closes lines does. Raises Refused where that takes too long.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, assert_never

from sqlalchemy import ColumnElement, Row, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from ...domain.exclusion_lines import STATE_LABELS, LineState
from ...domain.exhaustive import exhaustive
from ...domain.reasons import Reason
from ...hooks import Actor, AuditEvent, Host
from ...store.tables import exclusion_line
from ..operations import clinic, record
from ..operations.record import OperationKind
from ..roster.providers import actor_names
from ..roster.same_phn import portions
from .lines_query import LineCriteria, LineKey, narrowing, source_of

_line = exclusion_line.c
_CONFLICTS_NAMED: Final = 20
_AT_ONCE: Final = 1000


class LineAction(StrEnum):
    """What is done with lines, in the order of the buttons."""

    TAKE = "take"
    RELEASE = "release"
    SET_STATE = "state"
    NOTE = "note"


_KINDS = exhaustive(
    __name__,
    LineAction,
    {
        LineAction.TAKE: OperationKind.TAKE_EXCLUSIONS,
        LineAction.RELEASE: OperationKind.RELEASE_EXCLUSIONS,
        LineAction.SET_STATE: OperationKind.STATE_EXCLUSIONS,
        LineAction.NOTE: OperationKind.NOTE_EXCLUSIONS,
    },
)


@dataclass(frozen=True, slots=True)
class LineChange:
    """An action, with the state or the note that it sets."""

    action: LineAction
    state: LineState = LineState.OPEN
    note: str = ""

    def values(self, actor: Actor) -> dict[str, Any]:
        """What it makes of a line."""
        match self.action:
            case LineAction.TAKE:
                return {"owner_id": actor.actor_id}
            case LineAction.RELEASE:
                return {"owner_id": None}
            case LineAction.SET_STATE:
                return {"state": self.state}
            case LineAction.NOTE:
                return {"note": self.note}
            case _:
                assert_never(self.action)

    @property
    def logged(self) -> str:
        """What the audit trail says of it: never the note."""
        return f"state: {STATE_LABELS[self.state]}" if self.action is LineAction.SET_STATE else self.action.value


class SeenLine(NamedTuple):
    """A line as the page showed it."""

    patient_id: int
    reason: Reason
    version: int


class LineConflict(NamedTuple):
    """A selected line that was not changed: someone else changed it first. No owner: it is closed, or no one has it."""

    patient_id: int
    reason: Reason
    owner: str
    closed: bool


@dataclass(frozen=True, slots=True)
class LinesChanged:
    """How many lines were changed, and which were not; at most some are named. Those without access are in neither."""

    changed: int
    conflicts: Sequence[LineConflict]
    skipped: int  # of all lines found: those that someone else has taken


def change_selected(host: Host, actor: Actor, lines: Collection[SeenLine], change: LineChange) -> LinesChanged:
    """Change these lines, which a page showed, unless someone else was faster."""
    with host.database.session() as session:
        clinic.lock(session)
        keys: list[LineKey] = []
        for seen in portions(lines):
            is_seen = tuple_(_line.patient_id, _line.reason, _line.version).in_(
                [(line.patient_id, line.reason.value, line.version) for line in seen]
            )
            keys += _keys(session, host, actor, is_seen)
        _carry_out(session, host, actor, keys, change)
        unchanged = {LineKey(line.patient_id, line.reason) for line in lines} - set(keys)
        conflicts = _conflicts(session, host, actor, sorted(unchanged)[:_CONFLICTS_NAMED])
    return LinesChanged(len(keys), conflicts, 0)


def change_all(host: Host, actor: Actor, criteria: LineCriteria, change: LineChange) -> LinesChanged:
    """Change all open lines that the criteria find, on whatever page, unless someone else has taken them."""
    is_free = or_(_line.owner_id.is_(None), _line.owner_id == actor.actor_id)
    lines = source_of(host, actor, criteria)
    conditions = (*lines.conditions, *narrowing(criteria))
    with host.database.session() as session:
        clinic.lock(session)
        skipped = session.scalar(select(func.count()).select_from(lines.source).where(*conditions, ~is_free)) or 0
        changed, operation_id, last = 0, None, None
        while True:
            query = select(_line.patient_id, _line.reason).select_from(lines.source).where(*conditions, is_free)
            if last is not None:
                query = query.where(tuple_(_line.patient_id, _line.reason) > last)
            found = session.execute(query.order_by(_line.patient_id, _line.reason).limit(_AT_ONCE)).all()
            if not found:
                return LinesChanged(changed, (), skipped)
            last = tuple(found[-1])
            keys = _keys(session, host, actor, _is_one_of([_key(row) for row in found]), is_free)
            operation_id = _carry_out(session, host, actor, keys, change, operation_id)
            changed += len(keys)


def _key(row: Row[*tuple[Any, ...]]) -> LineKey:
    return LineKey(row.patient_id, Reason(row.reason))


def _is_one_of(keys: Iterable[LineKey]) -> ColumnElement[bool]:
    return tuple_(_line.patient_id, _line.reason).in_([(key.patient_id, key.reason.value) for key in keys])


def _keys(session: Session, host: Host, actor: Actor, *conditions: ColumnElement[bool]) -> list[LineKey]:
    """The open lines that fit and that the actor may see."""
    visible = host.identity.visible(actor, _line.patient_id)
    query = select(_line.patient_id, _line.reason).where(*conditions, _line.closed_at.is_(None), visible)
    return [_key(row) for row in session.execute(query)]


def _carry_out(
    session: Session,
    host: Host,
    actor: Actor,
    keys: Sequence[LineKey],
    change: LineChange,
    operation_id: int | None = None,
) -> int | None:
    """Returns the operation, which is begun with the first lines; None while there were none."""
    if not keys:
        return operation_id
    operation_id = operation_id or record.begin(session, host, actor, _KINDS[change.action])
    values = change.values(actor)
    changed = {"changed_at": host.clock.now(), "changed_by": actor.actor_id, "version": _line.version + 1}
    for some in portions(keys):
        session.execute(update(exclusion_line).where(_is_one_of(some)).values(**values, **changed))
        host.audit.record(session, *_events(actor, operation_id, some, change))
    return operation_id


def _events(actor: Actor, operation_id: int, keys: Iterable[LineKey], change: LineChange) -> Iterator[AuditEvent]:
    for key in keys:
        yield AuditEvent(
            actor=actor,
            action="update",
            noun="cparPanelMember",
            key=str(operation_id),
            patient_id=key.patient_id,
            detail=f"exclusion {key.reason}: {change.logged}",
        )


def _conflicts(session: Session, host: Host, actor: Actor, keys: Sequence[LineKey]) -> list[LineConflict]:
    """Who has these lines now; nothing of those that the actor may not see."""
    if not keys:
        return []
    visible = host.identity.visible(actor, _line.patient_id)
    columns = (_line.patient_id, _line.reason, _line.owner_id, _line.closed_at)
    rows = session.execute(select(*columns).where(_is_one_of(keys), visible).order_by(*columns[:2])).all()
    names = actor_names(session.connection(), host, {row.owner_id for row in rows if row.owner_id})
    return [
        LineConflict(*_key(row), names[row.owner_id] if row.owner_id else "", row.closed_at is not None) for row in rows
    ]
