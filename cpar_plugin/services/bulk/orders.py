"""The orders for many patients at once, and whom they concern, as SQL."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, FromClause, and_, case, false, func, literal, not_, select

from ...domain.refusals import NotFound, Refused
from ...hooks import Actor, Host
from ...store.tables import member, panel, panel_provider
from ...store.types import KEYS
from ..operations.record import Kind
from ..roster.providers import provider_name


@dataclass(frozen=True, slots=True)
class Assign:
    """Put the patients of an MRP on a panel. `status` is the host's, '' for patients who have none."""

    provider_id: str
    status: str
    panel_id: int


@dataclass(frozen=True, slots=True)
class Move:
    """Put the members of one panel on another one."""

    from_panel_id: int
    panel_id: int
    status: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Take members off their panel. They are then on none."""

    panel_id: int
    status: str


Order = Assign | Move | Remove
KIND = {Assign: Kind.BULK_ASSIGN, Move: Kind.BULK_MOVE, Remove: Kind.BULK_REMOVE}


@dataclass(frozen=True, slots=True)
class StatusChoice:
    """A status that patients have, and what the host calls it."""

    status: str
    label: str


class LeftAlone(StrEnum):
    """Why an order does not change a patient whom it is about. The first that holds is the one that is told."""

    NOT_VISIBLE = "not-visible"
    OTHER_STATUS = "other-status"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class Concerned:
    """The patients that an order is about, and the conditions under which it changes one of them."""

    source: FromClause
    patient: FromClause  # the roster's, within `source`
    patient_id: ColumnElement[int]
    in_scope: ColumnElement[bool]  # of the MRP, or on the panel
    on_target: ColumnElement[bool]  # already where the order would put them
    status: ColumnElement[str]  # '' for none
    status_fits: ColumnElement[bool]
    visible: ColumnElement[bool]  # to the actor
    mrp_outside: ColumnElement[bool]  # the MRP is none of the target's providers

    @property
    def changes(self) -> ColumnElement[bool]:
        """Whether the order changes this patient."""
        return and_(self.in_scope, not_(self.on_target), self.status_fits, self.visible)

    @property
    def left_alone(self) -> ColumnElement[str | None]:
        """Why the order leaves this patient alone, who is in its scope; NULL for one whom it changes."""
        return case(
            (not_(self.visible), literal(LeftAlone.NOT_VISIBLE.value)),
            (not_(self.status_fits), literal(LeftAlone.OTHER_STATUS.value)),
            (self.on_target, literal(LeftAlone.ALREADY.value)),
        )


def concerned(host: Host, actor: Actor, order: Order) -> Concerned:
    """Whom the order is about. A member whom the roster no longer knows counts as one without a status."""
    patient = host.roster.patients()
    same = patient.c.patient_id == member.c.patient_id
    if isinstance(order, Assign):
        source, patient_id = patient.outerjoin(member, same), patient.c.patient_id
        in_scope = patient.c.mrp_id == order.provider_id
        on_target = and_(member.c.panel_id.is_not(None), member.c.panel_id == order.panel_id)
    else:
        source, patient_id = member.outerjoin(patient, same), member.c.patient_id
        in_scope = member.c.panel_id == (order.from_panel_id if isinstance(order, Move) else order.panel_id)
        on_target = false()
    providers = select(panel_provider.c.provider_id).where(panel_provider.c.panel_id == order.panel_id)
    status = func.coalesce(patient.c.status, "")
    return Concerned(
        source=source,
        patient=patient,
        patient_id=patient_id,
        in_scope=in_scope,
        on_target=on_target,
        status=status,
        status_fits=status == order.status,
        visible=host.identity.visible(actor, patient_id),
        mrp_outside=patient.c.mrp_id.not_in(providers),
    )


def require_possible(connection: Connection, host: Host, order: Order) -> str:
    """The name of the provider whose patients are assigned, '' with another order.

    Raises Refused for a provider that the host does not have or a move to the same panel, NotFound for a panel.
    """
    panels = {order.panel_id}
    if isinstance(order, Move):
        panels.add(order.from_panel_id)
        if len(panels) == 1:
            raise Refused({"panel_id": "These patients are already on this panel: select a different panel."})
    live = select(func.count()).where(panel.c.panel_id.in_(panels), panel.c.live_number.is_not(None))
    if not all(panel_id in KEYS for panel_id in panels) or connection.scalar(live) != len(panels):
        raise NotFound("This panel has been deleted: select another one.")
    if not isinstance(order, Assign):
        return ""
    known = host.roster.providers().c
    asked = select(known.provider_id, known.family_name, known.given_name)
    found = {row.provider_id: row for row in connection.execute(asked.where(known.provider_id == order.provider_id))}
    if order.provider_id not in found:  # asked again here: databases differ in what they find equal
        raise Refused({"provider_id": "Provider not found in the EMR: select one from the list."})
    provider = found[order.provider_id]
    return provider_name(provider.family_name, provider.given_name, provider.provider_id)


def status_label(host: Host, status: str) -> str:
    """What people call a status of the host's."""
    return host.roster.status_labels.get(status, status) or "No status"


def status_choices(connection: Connection, host: Host) -> list[StatusChoice]:
    """The statuses that patients have, by name, the active one first; '' stands for none."""
    patient = host.roster.patients()
    found = {status or "" for status in connection.scalars(select(patient.c.status).distinct())}
    active = host.roster.active_status
    choices = [StatusChoice(status, status_label(host, status)) for status in found | {active}]
    return sorted(choices, key=lambda choice: (choice.status != active, choice.label.casefold(), choice.status))
