"""The orders for many patients at once. Each says which patients it covers, and what it does to each."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar, assert_never

from sqlalchemy import ColumnElement, Connection, Date, FromClause, and_, case, func, literal, not_, or_, select

from ...domain.confirmation import ConfirmedHow
from ...domain.refusals import NotFound, Refused
from ...hooks import Actor, Host, StatusKind
from ...store import ledger
from ...store.tables import member, panel
from ...store.types import KEYS, Moment
from ..operations.record import BulkKind, OperationKind
from ..roster.providers import provider_name

SAME_PANEL = "These patients are already on this panel: select a different panel."


class SkipReason(StrEnum):
    """Why an order skips a patient in its scope. The first that holds is reported, so that no status is disclosed."""

    NOT_VISIBLE = "not-visible"
    OTHER_STATUS = "other-status"
    OTHER_PANEL = "other-panel"
    ALREADY_ON_PANEL = "already-on-panel"
    DECEASED = "deceased"
    CONFIRMED_TODAY = "confirmed-today"


@dataclass(frozen=True, slots=True)
class Scope:
    """The patients that an order is about, as SQL, and what each must meet: else it is skipped, for that reason."""

    source: FromClause
    patient: FromClause  # the roster's, within `source`: all NULL for a member without a record
    patient_id: ColumnElement[int]
    includes: ColumnElement[bool]  # of the MRP, on the panel, or selected
    requires: dict[SkipReason, ColumnElement[bool]]  # never NULL

    @property
    def status(self) -> ColumnElement[str]:
        """The patient's status in the host, '' for none."""
        return _status(self.patient)

    @property
    def changes(self) -> ColumnElement[bool]:
        """Whether the order changes this patient."""
        # What is asked of rights comes last: it costs most.
        return and_(
            self.includes, *(self.requires[reason] for reason in reversed(SkipReason) if reason in self.requires)
        )

    @property
    def skip_reason(self) -> ColumnElement[str | None]:
        """Why the order skips this patient of its scope; NULL for one that it changes."""
        return case(
            *((not_(self.requires[reason]), literal(reason.value)) for reason in SkipReason if reason in self.requires),
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Patients selected one by one."""

    patient_ids: frozenset[int]


Members = str | Selection
"""Members of a panel: those with a status of the host's, '' for those who have none, or a selection."""


@dataclass(frozen=True, slots=True)
class Assign:
    """Put the patients of an MRP on a panel. `status` is the host's, '' for patients who have none."""

    provider_id: str
    status: str
    panel_id: int
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
            includes=patient.c.mrp_id == self.provider_id,
            requires={
                SkipReason.NOT_VISIBLE: host.identity.visible(actor, patient.c.patient_id),
                SkipReason.OTHER_STATUS: _status(patient) == self.status,
                SkipReason.ALREADY_ON_PANEL: elsewhere,
            },
        )

    def after(self, host: Host, scope: Scope) -> ledger.Columns:
        """On the panel, confirmed by the last visit."""
        return _confirmed_by_visit(host, scope, self.panel_id)

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
        return _confirmed_by_visit(host, scope, self.panel_id)

    @property
    def detail(self) -> dict[str, Any]:
        """What the record of the operation keeps of the order."""
        return _detail(self.members)


@dataclass(frozen=True, slots=True)
class Remove:
    """Take members off their panel."""

    from_panel_id: int
    members: Members
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
        return _detail(self.members)


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
        deceased = [status for status, kind in host.roster.status_kinds.items() if kind is StatusKind.DECEASED]
        confirmable = {
            SkipReason.DECEASED: scope.status.not_in(deceased),
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


Order = Assign | Move | Remove | Confirm


def _members(host: Host, actor: Actor, panel_id: int, members: Members) -> Scope:
    """The members of a panel; one without a record in the roster counts as one without a status."""
    patient = host.roster.patients()
    match members:
        case str() as status:
            includes: ColumnElement[bool] = member.c.panel_id == panel_id
            others = {SkipReason.OTHER_STATUS: _status(patient) == status}
        case Selection(patient_ids):
            includes = member.c.patient_id.in_(patient_ids)
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


def _status(patient: FromClause) -> ColumnElement[str]:
    return func.coalesce(patient.c.status, "")


def _today(host: Host) -> Any:
    return host.clock.now().astimezone(host.clock.zone).date()


def _confirmed_by_visit(host: Host, scope: Scope, panel_id: int) -> ledger.Columns:
    """On a panel since now. The last visit is named once: databases look it up again for each mention."""
    now = host.clock.now()
    visit = host.roster.last_visit_on(scope.patient_id, now)
    return (literal(panel_id), literal(now, Moment), visit, literal(ConfirmedHow.LAST_VISIT.value))


def _detail(members: Members) -> dict[str, Any]:
    if isinstance(members, Selection):
        return {"selected": len(members.patient_ids)}
    return {"status": members}


def require_possible(connection: Connection, host: Host, order: Order) -> str:
    """The name of the provider whose patients are assigned, '' with another order.

    Raises Refused for a provider that the host does not have or a move to the same panel, NotFound for a panel.
    """
    panels = [panel_id for panel_id in (order.from_panel_id, order.panel_id) if panel_id is not None]
    if len(set(panels)) < len(panels):
        raise Refused({"panel_id": SAME_PANEL})
    live = select(func.count()).where(panel.c.panel_id.in_(panels), panel.c.live_number.is_not(None))
    if not all(panel_id in KEYS for panel_id in panels) or connection.scalar(live) != len(panels):
        raise NotFound("This panel has been deleted: select another one.")
    match order:
        case Assign(provider_id):
            return _provider(connection, host, provider_id)
        case Move() | Remove() | Confirm():
            return ""
        case _:
            assert_never(order)


def _provider(connection: Connection, host: Host, provider_id: str) -> str:
    columns = host.roster.providers().c
    query = select(columns.provider_id, columns.family_name, columns.given_name)
    rows = {row.provider_id: row for row in connection.execute(query.where(columns.provider_id == provider_id))}
    if provider_id not in rows:  # compared again here: databases differ in what they treat as equal
        raise Refused({"provider_id": "Provider not found in the EMR: select one from the list."})
    provider = rows[provider_id]
    return provider_name(provider.family_name, provider.given_name, provider.provider_id)
