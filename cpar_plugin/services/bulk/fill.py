"""The order that fills panels with the patients of their own providers."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Connection, Subquery, and_, case, exists, func, not_, select

from ...hooks import Actor, Host
from ...store import ledger
from ...store.tables import member, panel_provider
from ..operations.record import BulkKind, OperationKind
from .scope import Scope, SkipReason, confirmed_by_visit, status_of


@dataclass(frozen=True, slots=True)
class Fill:
    """Put active patients on the panel of their MRP, one of these panels.

    Those on another panel stay there unless they are to be moved. An MRP who is a provider of several of these panels
    does not say which one is meant: those patients are skipped.
    """

    panel_ids: frozenset[int]
    move: bool = False
    from_panel_id: ClassVar[None] = None
    kind: ClassVar[BulkKind] = OperationKind.BULK_FILL

    @property
    def panel_id(self) -> int | None:
        """The panel, where there is only one."""
        return next(iter(self.panel_ids)) if len(self.panel_ids) == 1 else None

    def scope(self, host: Host, actor: Actor) -> Scope:
        """The patients of all MRPs who are a provider of one of the panels."""
        patient, own = host.roster.patients(), self._panel_of_provider()
        on_own_panel = exists().where(
            panel_provider.c.provider_id == own.c.provider_id,
            panel_provider.c.panel_id == member.c.panel_id,
            panel_provider.c.panel_id.in_(self.panel_ids),
        )
        moved = {} if self.move else {SkipReason.KEEPS_PANEL: member.c.panel_id.is_(None)}
        return Scope(
            source=patient.join(own, own.c.provider_id == patient.c.mrp_id).outerjoin(
                member, member.c.patient_id == patient.c.patient_id
            ),
            patient=patient,
            patient_id=patient.c.patient_id,
            includes=patient.c.mrp_id.is_not(None),
            requires={
                SkipReason.NOT_VISIBLE: host.identity.visible(actor, patient.c.patient_id),
                SkipReason.OTHER_STATUS: status_of(patient) == host.roster.active_status,
                SkipReason.ALREADY_ON_PANEL: not_(and_(member.c.panel_id.is_not(None), on_own_panel)),
                SkipReason.SEVERAL_PANELS: own.c.panel_id.is_not(None),
                **moved,
            },
            own_panel_id=own.c.panel_id,
        )

    def after(self, host: Host, scope: Scope) -> ledger.Columns:
        """On the panel of the MRP, confirmed by the last visit."""
        return confirmed_by_visit(host, scope, scope.own_panel_id)

    @property
    def detail(self) -> dict[str, Any]:
        """What the record of the operation keeps of the order."""
        return {"panels": sorted(self.panel_ids), "move": self.move}

    def _panel_of_provider(self) -> Subquery:
        """The providers of the panels, each with their panel; NULL for one who is on several."""
        provider = panel_provider.c
        only = case((func.count() == 1, func.min(provider.panel_id)))
        return (
            select(provider.provider_id, only.label("panel_id"))
            .where(provider.panel_id.in_(self.panel_ids))
            .group_by(provider.provider_id)
            .subquery("own_panel")
        )


def fillable(connection: Connection, host: Host, actor: Actor, panel_id: int) -> int:
    """How many active patients of the panel's providers are on no panel, of those that the actor may see."""
    scope = Fill(frozenset([panel_id])).scope(host, actor)
    query = select(func.count()).select_from(scope.source).where(scope.changes)
    return connection.scalar(query) or 0
