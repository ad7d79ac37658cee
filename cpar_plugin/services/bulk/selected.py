"""Confirm, move or remove the members that somebody has ticked in the list of a panel: one operation, with undo."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Date, Select, and_, func, literal, not_, or_, select

from ...domain.confirmation import ConfirmedHow
from ...domain.refusals import NotFound, Refused
from ...hooks import Actor, Host
from ...store import ledger, tables
from ...store.ledger import Columns
from ...store.tables import member
from ...store.types import KEYS, Moment
from ..operations import clinic, record
from ..operations.record import Kind
from ..roster import merges
from .undo import Undone

AT_MOST = 1000


class Act(StrEnum):
    """What is done with those ticked."""

    CONFIRM = "confirm"
    MOVE = "move"
    REMOVE = "remove"


_KIND = {Act.CONFIRM: Kind.BULK_CONFIRM, Act.MOVE: Kind.BULK_MOVE, Act.REMOVE: Kind.BULK_REMOVE}
_ACT = {str(kind): act for act, kind in _KIND.items()}


@dataclass(frozen=True, slots=True)
class Ticked:
    """Members of a panel, and what is done with them. `to_panel_id` with MOVE only."""

    panel_id: int
    patient_ids: Collection[int]
    act: Act
    to_panel_id: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What was done with those ticked on a panel. `undone` is None while it stands."""

    operation_id: int
    act: Act
    changed: int
    left_alone: int
    to_number: str | None  # the panel's to which they were moved
    undone: Undone | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done. `operation_id` is None when there was nobody to change, and nothing was done."""

    operation_id: int | None
    confirmed: int
    moved: int
    removed: int
    left_alone: int  # on another panel or none by now, confirmed today already, or not for the actor to see


def carry_out(host: Host, actor: Actor, ticked: Ticked) -> Outcome:
    """Change those who are still on the panel on which they were seen, and leave the others alone.

    Move sets the confirmation date to the last visit's, as Bulk Update does. Raises Refused for nobody, too many or a
    move to the same panel, and NotFound for a panel.
    """
    wanted = {patient_id for patient_id in ticked.patient_ids if patient_id in KEYS}
    if not wanted:
        raise Refused({"ticked": "Select at least one patient."})
    if len(wanted) > AT_MOST:
        raise Refused({"ticked": f"Select at most {AT_MOST:,} patients at a time, or use Bulk Update."})
    with host.database.session() as session:
        clinic.lock(session)
        _require_possible(session.connection(), ticked)
        merges.reconcile(session, host)
        changes = _changes(host, actor, ticked, wanted)
        if session.scalar(changes.with_only_columns(member.c.patient_id).limit(1)) is None:
            return Outcome(None, confirmed=0, moved=0, removed=0, left_alone=len(wanted))
        operation_id = record.begin(
            session, host, actor, _KIND[ticked.act], panel_id=ticked.to_panel_id, from_panel_id=ticked.panel_id
        )
        changed = ledger.append(session, operation_id, changes)
        ledger.drop_empty_confirmations(session, operation_id)
        ledger.carry_out(session, operation_id)
        outcome = Outcome(
            operation_id,
            confirmed=changed if ticked.act is Act.CONFIRM else 0,
            moved=changed if ticked.act is Act.MOVE else 0,
            removed=changed if ticked.act is Act.REMOVE else 0,
            left_alone=len(wanted) - changed,
        )
        record.conclude(session, operation_id, {"ticked": len(wanted), "added": 0} | asdict(outcome))
    return outcome


def done(connection: Connection, panel_id: int, operation_id: int) -> Done | None:
    """What an operation did with those ticked on this panel; None for any other operation. One statement."""
    operation, undoing, target = tables.operation, tables.operation.alias("undoing"), tables.panel
    row = connection.execute(
        select(operation.c.kind, operation.c.detail, target.c.number, undoing.c.detail.label("undone"))
        .outerjoin(target, target.c.panel_id == operation.c.panel_id)
        .outerjoin(undoing, undoing.c.undoes == operation.c.operation_id)
        .where(operation.c.operation_id == operation_id, operation.c.from_panel_id == panel_id)
        .where(operation.c.kind.in_(_ACT))
    ).one_or_none()
    detail = json.loads(row.detail) if row else {}
    if row is None or "ticked" not in detail:
        return None
    return Done(
        operation_id,
        _ACT[row.kind],
        changed=detail["confirmed"] + detail["moved"] + detail["removed"],
        left_alone=detail["left_alone"],
        to_number=row.number,
        undone=Undone(**json.loads(row.undone)) if row.undone else None,
    )


def _require_possible(connection: Connection, ticked: Ticked) -> None:
    if (ticked.act is Act.MOVE) == (ticked.to_panel_id is None):
        raise Refused({"to_panel_id": "Select the panel to move patients to."})
    if ticked.to_panel_id == ticked.panel_id:
        raise Refused({"to_panel_id": "These patients are already on this panel: select a different panel."})
    panels = {panel_id for panel_id in (ticked.panel_id, ticked.to_panel_id) if panel_id is not None}
    panel = tables.panel.c
    live = select(func.count()).where(panel.panel_id.in_(panels), panel.live_number.is_not(None))
    if not all(panel_id in KEYS for panel_id in panels) or connection.scalar(live) != len(panels):
        raise NotFound("This panel has been deleted: select another one.")


def _changes(host: Host, actor: Actor, ticked: Ticked, patient_ids: Collection[int]) -> Select[Any]:
    """In the ledger's columns, for those whom the order changes."""
    now = host.clock.now()
    today = now.astimezone(host.clock.zone).date()
    after: Columns = ledger.NONE
    changes = and_(
        member.c.patient_id.in_(patient_ids),
        member.c.panel_id == ticked.panel_id,
        host.identity.visible(actor, member.c.patient_id),
    )
    match ticked.act:
        case Act.CONFIRM:
            changes = and_(changes, or_(member.c.confirmed_on.is_(None), not_(member.c.confirmed_on == today)))
            how = literal(ConfirmedHow.BY_PERSON.value)
            after = (member.c.panel_id, member.c.since, literal(today, Date), how)
        case Act.MOVE:
            visit = host.roster.last_visit_on(member.c.patient_id, now)
            after = (literal(ticked.to_panel_id), literal(now, Moment), visit, literal(ConfirmedHow.LAST_VISIT.value))
    return select(member.c.patient_id, *ledger.columns(), *after).where(changes)
