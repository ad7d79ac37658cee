"""Memberships change here: what the ledger has of an operation is carried out where the panels concerned allow it.

Everything that puts a patient on a panel comes this way, by page, bulk, import, undo or interface. Merges of records
alone do not (services.roster.merges): the patient was on the panel before, under another number.
"""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ...domain.panel_state import CLOSED, PanelState, why_no_one_is_added
from ...domain.refusals import Refused
from ...store import ledger
from ...store.ledger import PanelMembership
from ...store.tables import ledger as entry
from ...store.tables import panel


def carry_out(session: Session, operation_id: int, *, restores: bool = False) -> None:
    """Carry out what the ledger has of this operation. Needs `clinic.lock`, under which the state of panels changes.

    `restores`: an undo, which puts back who was there. Raises Refused where a panel does not take those it would get.
    """
    for closed in session.execute(_closed_targets(operation_id)):
        state = PanelState(closed.state)
        if not (restores and state.takes_back):
            raise Refused(why_no_one_is_added(closed.number, state))
    ledger.carry_out(session, operation_id)


def change_one(
    session: Session,
    operation_id: int,
    patient_id: int,
    membership_before: PanelMembership | None,
    membership_after: PanelMembership | None,
) -> None:
    """The same for one patient. `membership_before` is what it is now."""
    ledger.append_one(session, operation_id, patient_id, membership_before, membership_after)
    carry_out(session, operation_id)


def _closed_targets(operation_id: int) -> Select[tuple[str, str]]:
    """The panels that take no one and would get somebody who is not on them. Most clinics have none."""
    joins = (
        select(entry.c.patient_id)
        .where(
            entry.c.operation_id == operation_id,
            entry.c.to_panel_id == panel.c.panel_id,
            entry.c.from_panel_id.is_distinct_from(entry.c.to_panel_id),
        )
        .exists()
    )
    return select(panel.c.number, panel.c.state).where(panel.c.state.in_(CLOSED), joins).order_by(panel.c.number)
