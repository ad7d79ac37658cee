"""The order that moves the patients of a provider who leaves, as the preview of the departure has shown it.

With the panel's members go those of the provider's affiliations and caseloads, in the same operation.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, literal, null, select
from sqlalchemy.orm import Session

from ...domain.panel_kind import OtherKind
from ...domain.refusals import Stale
from ...hooks import Actor, Host, StatusKind
from ...store import ledger, other_ledger
from ...store.tables import departure, departure_patient, member, other_member, panel
from ..operations import other_memberships
from ..operations.record import BulkKind, OperationKind
from .scope import Scope, SkipReason, confirmed_by_visit, status_of


class ListTarget(NamedTuple):
    """The list of a kind on which those are put who go to this panel."""

    kind: OtherKind
    panel_id: int
    other_panel_id: int


@dataclass(frozen=True, slots=True)
class Depart:
    """Put the members of a panel on the panels that a departure has for them (services.departures).

    `divided_lists`: the affiliations and caseloads whose patients go along, each to the list of `list_targets`.
    """

    from_panel_id: int
    departure_id: int
    version: int  # of the departure, as the preview has shown it
    divided_lists: tuple[int, ...] = ()
    list_targets: tuple[ListTarget, ...] = ()
    panel_id: ClassVar[None] = None
    kind: ClassVar[BulkKind] = OperationKind.BULK_DEPARTURE

    def scope(self, host: Host, actor: Actor) -> Scope:
        """The members of the panel. Those without a panel to go to remain, as do those who are not active."""
        patient, planned = host.roster.patients(), departure_patient.c
        of_departure = and_(planned.patient_id == member.c.patient_id, planned.departure_id == self.departure_id)
        return Scope(
            source=member.outerjoin(patient, patient.c.patient_id == member.c.patient_id).outerjoin(
                departure_patient, of_departure
            ),
            patient=patient,
            patient_id=member.c.patient_id,
            includes=member.c.panel_id == self.from_panel_id,
            requires={
                SkipReason.NOT_VISIBLE: host.identity.visible(actor, member.c.patient_id),
                SkipReason.OTHER_STATUS: status_of(patient).in_(_active(host)),
                SkipReason.NO_RULE: planned.panel_id.is_not(None),
            },
            own_panel_id=planned.panel_id,
        )

    def after(self, host: Host, scope: Scope) -> ledger.Columns:
        """On the other panel, confirmed by the last visit."""
        return confirmed_by_visit(host, scope, scope.own_panel_id)

    def list_changes(self, host: Host, actor: Actor) -> Select[*tuple[Any, ...]]:
        """Who goes from one list to another: patient, kind, the membership before and afterwards.

        The date of the signed form goes with the patient. Those without a panel to go to remain, as do others above.
        """
        patient, planned, one = host.roster.patients(), departure_patient.c, other_member.c
        to_id = self.to_list()
        return (
            select(
                one.patient_id,
                one.kind,
                *other_ledger.columns(),
                to_id,
                literal(host.clock.now(), one.since.type),
                one.signed_on,
            )
            .join_from(other_member, patient, patient.c.patient_id == one.patient_id)
            .join(
                departure_patient,
                and_(planned.patient_id == one.patient_id, planned.departure_id == self.departure_id),
            )
            .where(
                one.other_panel_id.in_(self.divided_lists),
                to_id.is_not(None),
                status_of(patient).in_(_active(host)),
                host.identity.visible(actor, one.patient_id),
            )
        )

    def to_list(self) -> ColumnElement[Any]:
        """The list for a row of `other_member` and `departure_patient`; NULL for none."""
        planned, one = departure_patient.c, other_member.c
        to_ids = [
            (and_(one.kind == target.kind, planned.panel_id == target.panel_id), target.other_panel_id)
            for target in self.list_targets
        ]
        return case(*to_ids) if to_ids else null()

    def moves_on_lists(self, session: Session, host: Host, actor: Actor) -> bool:
        """Whether anyone goes from one list to another."""
        if not self.divided_lists:
            return False
        ids = self.list_changes(host, actor).with_only_columns(other_member.c.patient_id)
        return session.scalar(ids.limit(1)) is not None

    def move_on_lists(self, session: Session, host: Host, actor: Actor, operation_id: int) -> int:
        """Carry out `list_changes` within this operation. Returns how many memberships changed."""
        if not self.divided_lists:
            return 0
        changed = other_ledger.append(session, operation_id, self.list_changes(host, actor))
        other_memberships.finish(session, host, actor, self.kind, operation_id)
        return changed

    def targets(self) -> ColumnElement[bool]:
        """Whether a panel gets somebody."""
        planned = departure_patient.c
        return panel.c.panel_id.in_(select(planned.panel_id).where(planned.departure_id == self.departure_id))

    def require_current(self, connection: Connection) -> None:
        """Raises Stale when the departure has changed since the preview, or is finished."""
        row = select(departure.c.version).where(
            departure.c.departure_id == self.departure_id, departure.c.open_panel_id == self.from_panel_id
        )
        if connection.scalar(row) != self.version:
            raise Stale("Someone else changed this departure in the meantime. No patient was moved: review it again.")

    @property
    def detail(self) -> dict[str, Any]:
        """What the record of the operation keeps of the order."""
        return {"departure": self.departure_id}


def _active(host: Host) -> list[str]:
    return [status for status, kind in host.roster.status_kinds.items() if kind is StatusKind.ACTIVE]
