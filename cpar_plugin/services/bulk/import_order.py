"""The order that puts the patients of an uploaded list on panels."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Connection, or_, select

from ...domain.confirmation import ConfirmedHow
from ...hooks import Actor, Host
from ...store import ledger
from ...store.tables import member, panel, upload, upload_patient
from ..operations.record import BulkKind, OperationKind
from .scope import Scope, SkipReason, confirmed_by_visit, deceased_statuses, status_of


@dataclass(frozen=True, slots=True)
class Import:
    """Put the patients of a list that the actor uploaded on the panels found for them (see list_patients)."""

    upload_id: str
    panel_id: int | None  # that of all of them; None where the list says which
    from_panel_id: ClassVar[None] = None
    kind: ClassVar[BulkKind] = OperationKind.BULK_IMPORT

    def scope(self, host: Host, actor: Actor) -> Scope:
        """The patients of the list, on whatever panel; none of a list that another person uploaded."""
        patient, listed = host.roster.patients(), upload_patient.c
        own_list = select(upload.c.upload_id).where(
            upload.c.upload_id == self.upload_id, upload.c.actor_id == actor.actor_id
        )
        return Scope(
            source=upload_patient.join(patient, patient.c.patient_id == listed.patient_id).outerjoin(
                member, member.c.patient_id == listed.patient_id
            ),
            patient=patient,
            patient_id=listed.patient_id,
            includes=listed.upload_id == own_list.scalar_subquery(),
            requires={
                SkipReason.NOT_VISIBLE: host.identity.visible(actor, listed.patient_id),
                SkipReason.ALREADY_ON_PANEL: or_(member.c.panel_id.is_(None), member.c.panel_id != listed.panel_id),
                SkipReason.DECEASED: status_of(patient).not_in(deceased_statuses(host)),
            },
        )

    def after(self, host: Host, scope: Scope) -> ledger.Columns:
        """On that panel, confirmed by the last visit, which is stored as imported."""
        return confirmed_by_visit(host, scope, upload_patient.c.panel_id, ConfirmedHow.IMPORTED)

    def joins(self) -> ColumnElement[bool]:
        """Whether a panel would get somebody of the list who is not on it."""
        listed = upload_patient.outerjoin(member, member.c.patient_id == upload_patient.c.patient_id)
        return (
            select(upload_patient.c.patient_id)
            .select_from(listed)
            .where(
                upload_patient.c.upload_id == self.upload_id,
                upload_patient.c.panel_id == panel.c.panel_id,
                member.c.panel_id.is_distinct_from(panel.c.panel_id),
            )
            .exists()
        )

    @property
    def detail(self) -> dict[str, Any]:
        """What the record of the operation keeps of the order: nothing of the list."""
        return {}


def deleted_panel(connection: Connection, upload_id: str) -> int | None:
    """A panel of the list that has been deleted since, None where there is none."""
    listed = upload_patient.join(panel, panel.c.panel_id == upload_patient.c.panel_id)
    gone = select(panel.c.panel_id).select_from(listed)
    return connection.scalar(
        gone.where(upload_patient.c.upload_id == upload_id, panel.c.live_number.is_(None)).limit(1)
    )
