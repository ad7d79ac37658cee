"""The orders for many patients at once. Each says which patients it covers, and what it does to each."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, assert_never

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    FromClause,
    Select,
    and_,
    false,
    func,
    literal,
    or_,
    select,
)

from ...domain.confirmation import ConfirmedHow
from ...domain.panel_state import CLOSED, PanelState, why_no_one_is_added
from ...domain.refusals import NotFound, Refused
from ...domain.removal import NO_REASON, Removal
from ...hooks import Actor, Host, RosterByMrp
from ...store import ledger
from ...store.among import among
from ...store.tables import member, panel
from ...store.types import KEYS
from ..operations.record import BulkKind, OperationKind
from ..roster.providers import provider_name
from .attach import Attach
from .depart import Depart
from .fill import Fill
from .import_order import Import, deleted_panel
from .scope import Scope, SkipReason, confirmed_by_visit, deceased_statuses, status_of

SAME_PANEL = "These patients are already on this panel: select a different panel."


@dataclass(frozen=True, slots=True)
class Selection:
    """Patients selected one by one."""

    patient_ids: frozenset[int]


Members = str | Selection
"""Members of a panel: those with a status of the host's, '' for those who have none, or a selection."""


@dataclass(frozen=True, slots=True)
class Assign:
    """Put the patients of an MRP on a panel. `status` is the host's, '' for patients who have none.

    `patient_ids`: the MRP's patients, where they were read already (`read_once`).
    """

    provider_id: str
    status: str
    panel_id: int
    patient_ids: frozenset[int] | None = None
    from_panel_id: ClassVar[None] = None
    kind: ClassVar[BulkKind] = OperationKind.BULK_ASSIGN

    def scope(self, host: Host, actor: Actor) -> Scope:
        """The MRP's patients, on whatever panel."""
        patient = host.roster.patients()
        elsewhere = or_(member.c.panel_id.is_(None), member.c.panel_id != self.panel_id)
        return Scope(
            source=patient.outerjoin(member, patient.c.patient_id == member.c.patient_id),
            patient=patient,
            patient_id=patient.c.patient_id,
            includes=self._of_mrp(patient),
            requires={
                SkipReason.NOT_VISIBLE: host.identity.visible(actor, patient.c.patient_id),
                SkipReason.OTHER_STATUS: status_of(patient) == self.status,
                SkipReason.ALREADY_ON_PANEL: elsewhere,
            },
        )

    def read_once(self, connection: Connection, host: Host) -> "Assign":
        """The same order, for several looks at its patients: no key finds those of an MRP, so the roster is read once.

        Memory for the ids of one MRP's patients.
        """
        if isinstance(host.roster, RosterByMrp):
            query = host.roster.with_mrp(self.provider_id)
        else:
            patient = host.roster.patients()
            query = select(patient.c.patient_id).where(patient.c.mrp_id == self.provider_id)
        return replace(self, patient_ids=frozenset(connection.scalars(query)))

    def _of_mrp(self, patient: FromClause) -> ColumnElement[bool]:
        of_mrp: ColumnElement[bool] = patient.c.mrp_id == self.provider_id
        return of_mrp if self.patient_ids is None else and_(among(patient.c.patient_id, self.patient_ids), of_mrp)

    def after(self, host: Host, scope: Scope) -> ledger.Columns:
        """On the panel, confirmed by the last visit."""
        return confirmed_by_visit(host, scope, literal(self.panel_id))

    @property
    def detail(self) -> dict[str, Any]:
        """What the record of the operation keeps of the order."""
        return {"provider_id": self.provider_id, "status": self.status}


@dataclass(frozen=True, slots=True)
class Move:
    """Put members of one panel on another one."""

    from_panel_id: int
    panel_id: int
    members: Members
    kind: ClassVar[BulkKind] = OperationKind.BULK_MOVE

    def scope(self, host: Host, actor: Actor) -> Scope:
        """The members of the panel."""
        return _members(host, actor, self.from_panel_id, self.members)

    def after(self, host: Host, scope: Scope) -> ledger.Columns:
        """On the other panel, confirmed by the last visit."""
        return confirmed_by_visit(host, scope, literal(self.panel_id))

    @property
    def detail(self) -> dict[str, Any]:
        """What the record of the operation keeps of the order."""
        return _detail(self.members)


@dataclass(frozen=True, slots=True)
class Remove:
    """Take members off their panel, with why."""

    from_panel_id: int
    members: Members
    removal: Removal = NO_REASON
    panel_id: ClassVar[None] = None
    kind: ClassVar[BulkKind] = OperationKind.BULK_REMOVE

    def scope(self, host: Host, actor: Actor) -> Scope:
        """The members of the panel."""
        return _members(host, actor, self.from_panel_id, self.members)

    def after(self, host: Host, scope: Scope) -> ledger.Columns:
        """On no panel."""
        return ledger.NONE

    @property
    def detail(self) -> dict[str, Any]:
        """What the record of the operation keeps of the order."""
        return _detail(self.members) | self.removal.detail


@dataclass(frozen=True, slots=True)
class Confirm:
    """Set the confirmation date of members of a panel to today.

    Many at once are confirmed from the list; only one with a button of their own is confirmed by a person.
    """

    from_panel_id: int
    members: Members
    how: ConfirmedHow = ConfirmedHow.FROM_LIST
    panel_id: ClassVar[None] = None
    kind: ClassVar[BulkKind] = OperationKind.BULK_CONFIRM

    def scope(self, host: Host, actor: Actor) -> Scope:
        """The members of the panel."""
        scope = _members(host, actor, self.from_panel_id, self.members)
        confirmable = {
            SkipReason.DECEASED: scope.status.not_in(deceased_statuses(host)),
            SkipReason.CONFIRMED_TODAY: or_(member.c.confirmed_on.is_(None), member.c.confirmed_on != _today(host)),
        }
        return replace(scope, requires=scope.requires | confirmable)

    def after(self, host: Host, scope: Scope) -> ledger.Columns:
        """On the same panel, confirmed today."""
        return (member.c.panel_id, member.c.since, literal(_today(host), Date), literal(self.how.value))

    @property
    def detail(self) -> dict[str, Any]:
        """What the record of the operation keeps of the order."""
        return _detail(self.members)


Order = Assign | Attach | Fill | Import | Move | Remove | Confirm | Depart


def _members(host: Host, actor: Actor, panel_id: int, members: Members) -> Scope:
    """The members of a panel; one without a record in the roster counts as one without a status."""
    patient = host.roster.patients()
    match members:
        case str() as status:
            includes: ColumnElement[bool] = member.c.panel_id == panel_id
            others = {SkipReason.OTHER_STATUS: status_of(patient) == status}
        case Selection(patient_ids):
            includes = among(member.c.patient_id, patient_ids)
            others = {SkipReason.OTHER_PANEL: member.c.panel_id == panel_id}
        case _:
            assert_never(members)
    visible = {SkipReason.NOT_VISIBLE: host.identity.visible(actor, member.c.patient_id)}
    return Scope(
        source=member.outerjoin(patient, patient.c.patient_id == member.c.patient_id),
        patient=patient,
        patient_id=member.c.patient_id,
        includes=includes,
        requires=visible | others,
    )


def _today(host: Host) -> Any:
    return host.clock.now().astimezone(host.clock.zone).date()


def _detail(members: Members) -> dict[str, Any]:
    if isinstance(members, Selection):
        return {"selected": len(members.patient_ids)}
    return {"status": members}


def require_possible(connection: Connection, host: Host, order: Order) -> str:
    """The name of the provider whose patients are assigned, '' with another order.

    Raises Refused for a provider that the host does not have, a move to the same panel, or one that takes no one;
    NotFound for a panel.
    """
    panels = _panel_ids(order)
    if len(set(panels)) < len(panels):
        raise Refused({"panel_id": SAME_PANEL})
    live = select(func.count()).where(panel.c.panel_id.in_(panels), panel.c.live_number.is_not(None))
    if not all(panel_id in KEYS for panel_id in panels) or connection.scalar(live) != len(panels):
        raise NotFound("This panel has been deleted: select another one.")
    if closed := connection.execute(_closed(order).limit(1)).one_or_none():
        raise Refused({"panel_id": why_no_one_is_added(closed.number, PanelState(closed.state))})
    match order:
        case Assign(provider_id):
            return _provider(connection, host, provider_id)
        case Import(upload_id):
            if deleted_panel(connection, upload_id) is not None:
                raise NotFound("A panel of this list has been deleted: review the columns of the list again.")
            return ""
        case Depart():
            order.require_current(connection)
            return ""
        case Attach() | Fill() | Move() | Remove() | Confirm():
            return ""
        case _:
            assert_never(order)


def _panel_ids(order: Order) -> list[int]:
    """The panels that it names."""
    if isinstance(order, Fill):
        return list(order.panel_ids)
    if isinstance(order, Attach):
        return list(order.patients)
    return [panel_id for panel_id in (order.from_panel_id, order.panel_id) if panel_id is not None]


def _closed(order: Order) -> Select[tuple[str, str]]:
    """The panels that it would put patients on, and that take no one."""
    match order:
        case Assign(panel_id=panel_id) | Move(panel_id=panel_id):
            targets: ColumnElement[bool] = panel.c.panel_id == panel_id
        case Fill(panel_ids):
            targets = panel.c.panel_id.in_(panel_ids)
        case Attach(patients):
            targets = panel.c.panel_id.in_(list(patients))
        case Import():
            targets = order.joins()
        case Depart():
            targets = order.targets()
        case Remove() | Confirm():
            targets = false()
        case _:
            assert_never(order)
    return select(panel.c.number, panel.c.state).where(panel.c.state.in_(CLOSED), targets).order_by(panel.c.number)


def _provider(connection: Connection, host: Host, provider_id: str) -> str:
    columns = host.roster.providers().c
    query = select(columns.provider_id, columns.family_name, columns.given_name)
    rows = {row.provider_id: row for row in connection.execute(query.where(columns.provider_id == provider_id))}
    if provider_id not in rows:  # compared again here: databases differ in what they treat as equal
        raise Refused({"provider_id": "Provider not found in the EMR: select one from the list."})
    provider = rows[provider_id]
    return provider_name(provider.family_name, provider.given_name, provider.provider_id)
