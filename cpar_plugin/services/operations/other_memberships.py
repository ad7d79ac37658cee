"""Memberships of affiliations and caseloads change here: what the ledger has is carried out where the panels allow it.

Merges of records alone do not come this way (services.roster.other_merges): the patient was on the panel before.
"""

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ...domain.other_panel import why_none_is_added
from ...domain.panel_kind import other_kind_of
from ...domain.panel_state import CLOSED, PanelState
from ...domain.refusals import Refused
from ...hooks import Actor, Host
from ...store import other_ledger as ledger
from ...store.other_ledger import OtherMembership
from ...store.tables import other_ledger, other_member, other_panel
from . import record
from .record import OperationKind


def carry_out(session: Session, operation_id: int, *, restores: bool = False) -> None:
    """Carry out what the ledger has of this operation. Needs `clinic.lock`, under which the state of panels changes.

    `restores`: an undo, which puts back who was there. Raises Refused where a panel does not take those it would get.
    """
    entry, panel = other_ledger.c, other_panel.c
    joins = select(entry.patient_id).where(
        entry.operation_id == operation_id,
        entry.to_other_panel_id == panel.other_panel_id,
        entry.from_other_panel_id.is_distinct_from(entry.to_other_panel_id),
    )
    closed = select(panel.kind, panel.name, panel.state).where(panel.state.in_(CLOSED), joins.exists())
    for row in session.execute(closed.order_by(panel.name)):
        state = PanelState(row.state)
        if not (restores and state.takes_back):
            raise Refused(why_none_is_added(other_kind_of(row.kind), row.name, state))
    ledger.carry_out(session, operation_id)


def change_one(
    session: Session,
    operation_id: int,
    patient_id: int,
    kind: str,
    membership_before: OtherMembership | None,
    membership_after: OtherMembership | None,
) -> None:
    """The same for one patient. `membership_before` is what it is now."""
    ledger.append_one(session, operation_id, patient_id, kind, membership_before, membership_after)
    carry_out(session, operation_id)


def finish(
    session: Session, host: Host, actor: Actor, kind: OperationKind, operation_id: int, *, restores: bool = False
) -> None:
    """`carry_out`, with a line of the audit trail for each patient."""
    carry_out(session, operation_id, restores=restores)
    record.record_others(session, host, actor, kind, operation_id)


def restore(session: Session, host: Host, actor: Actor, operation_id: int, undoing: int) -> tuple[int, int]:
    """Write into the ledger of `undoing` those who are still as the operation left them. `finish` follows.

    Returns how many they are, and how many the operation changed. Raises Refused where a list has been deleted since.
    """
    _require_live(session, operation_id)
    entry = other_ledger.alias("entry")
    now = (other_member.c.patient_id == entry.c.patient_id) & (other_member.c.kind == entry.c.kind)
    as_left = zip(ledger.columns(), ledger.after(entry), strict=True)
    rows = (
        select(entry.c.patient_id, entry.c.kind, *ledger.columns(), *ledger.before(entry))
        .select_from(entry.outerjoin(other_member, now))
        .where(entry.c.operation_id == operation_id, host.identity.visible(actor, entry.c.patient_id))
        .where(*(is_now.is_not_distinct_from(was) for is_now, was in as_left))
    )
    restored = ledger.append(session, undoing, rows)
    total = session.scalar(select(func.count()).where(other_ledger.c.operation_id == operation_id)) or 0
    return restored, total


def _require_live(session: Session, operation_id: int) -> None:
    entry, panel = other_ledger.c, other_panel.c
    concerned = select(entry.patient_id).where(
        entry.operation_id == operation_id,
        or_(entry.from_other_panel_id == panel.other_panel_id, entry.to_other_panel_id == panel.other_panel_id),
    )
    deleted = select(panel.kind, panel.name).where(panel.live_name.is_(None), concerned.exists())
    if gone := session.execute(deleted.limit(1)).one_or_none():
        noun = other_kind_of(gone.kind).noun
        raise Refused(f"The {noun} {gone.name} has been deleted since: this operation can no longer be undone.")
