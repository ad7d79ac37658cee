"""Memberships of affiliations and caseloads change here: what the ledger has is carried out where the panels allow it.

Merges of records alone do not come this way (services.roster.other_merges): the patient was on the panel before.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from ...domain.other_panel import why_none_is_added
from ...domain.panel_kind import other_kind_of
from ...domain.panel_state import CLOSED, PanelState
from ...domain.refusals import Refused
from ...store import other_ledger as ledger
from ...store.other_ledger import OtherMembership
from ...store.tables import other_ledger, other_panel


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
