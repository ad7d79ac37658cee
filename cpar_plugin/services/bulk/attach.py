"""The order that puts selected patients on the panels that were proposed for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Integer, case, or_, type_coerce

from ...domain.attachment import AttachmentTarget
from ...hooks import Actor, Host
from ...store import ledger
from ...store.among import among
from ...store.tables import member
from ..operations.record import BulkKind, OperationKind
from .scope import Scope, SkipReason, confirmed_by_visit, status_of


@dataclass(frozen=True, slots=True)
class Attach:
    """Put patients on panels: each on the one that the person saw in the list. `target` says what proposed it."""

    patients: Mapping[int, frozenset[int]]  # by panel_id; none of them empty
    target: AttachmentTarget
    from_panel_id: ClassVar[None] = None
    kind: ClassVar[BulkKind] = OperationKind.BULK_ATTACH

    @property
    def panel_id(self) -> int | None:
        """The panel, where there is only one."""
        return next(iter(self.patients)) if len(self.patients) == 1 else None

    def scope(self, host: Host, actor: Actor) -> Scope:
        """The selected patients, on whatever panel."""
        patient = host.roster.patients()
        patient_id = patient.c.patient_id
        everyone = frozenset[int]().union(*self.patients.values())
        own_panel_id = case(*((among(patient_id, ids), panel_id) for panel_id, ids in self.patients.items()))
        return Scope(
            source=patient.outerjoin(member, member.c.patient_id == patient_id),
            patient=patient,
            patient_id=patient_id,
            includes=among(patient_id, everyone),
            requires={
                SkipReason.NOT_VISIBLE: host.identity.visible(actor, patient_id),
                SkipReason.OTHER_STATUS: status_of(patient) == host.roster.active_status,
                SkipReason.ALREADY_ON_PANEL: or_(member.c.panel_id.is_(None), member.c.panel_id != own_panel_id),
            },
            own_panel_id=type_coerce(own_panel_id, Integer),
        )

    def after(self, host: Host, scope: Scope) -> ledger.Columns:
        """On the proposed panel, confirmed by the last visit."""
        return confirmed_by_visit(host, scope, scope.own_panel_id)

    @property
    def detail(self) -> dict[str, Any]:
        """What the record of the operation keeps of the order."""
        return {"panels": sorted(self.patients), "target": self.target.value}
