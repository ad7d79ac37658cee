"""The order that moves the patients of a provider who leaves, as the preview of the departure has shown it."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Connection, and_, select

from ...domain.refusals import Stale
from ...hooks import Actor, Host, StatusKind
from ...store import ledger
from ...store.tables import departure, departure_patient, member, panel
from ..operations.record import BulkKind, OperationKind
from .scope import Scope, SkipReason, confirmed_by_visit, status_of


@dataclass(frozen=True, slots=True)
class Depart:
    """Put the members of a panel on the panels that a departure has for them (services.departures)."""

    from_panel_id: int
    departure_id: int
    version: int  # of the departure, as the preview has shown it
    panel_id: ClassVar[None] = None
    kind: ClassVar[BulkKind] = OperationKind.BULK_DEPARTURE

    def scope(self, host: Host, actor: Actor) -> Scope:
        """The members of the panel. Those without a panel to go to remain, as do those who are not active."""
        patient, planned = host.roster.patients(), departure_patient.c
        of_departure = and_(planned.patient_id == member.c.patient_id, planned.departure_id == self.departure_id)
        active = [status for status, kind in host.roster.status_kinds.items() if kind is StatusKind.ACTIVE]
        return Scope(
            source=member.outerjoin(patient, patient.c.patient_id == member.c.patient_id).outerjoin(
                departure_patient, of_departure
            ),
            patient=patient,
            patient_id=member.c.patient_id,
            includes=member.c.panel_id == self.from_panel_id,
            requires={
                SkipReason.NOT_VISIBLE: host.identity.visible(actor, member.c.patient_id),
                SkipReason.OTHER_STATUS: status_of(patient).in_(active),
                SkipReason.NO_RULE: planned.panel_id.is_not(None),
            },
            own_panel_id=planned.panel_id,
        )

    def after(self, host: Host, scope: Scope) -> ledger.Columns:
        """On the other panel, confirmed by the last visit."""
        return confirmed_by_visit(host, scope, scope.own_panel_id)

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
