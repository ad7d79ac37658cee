"""What can be done with many patients of an affiliation or a caseload, in words and as SQL."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple, assert_never

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Date,
    FromClause,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
)

from ...domain.other_panel import why_none_is_added
from ...domain.panel_kind import OtherKind
from ...domain.refusals import Refused
from ...hooks import Host
from ...store import other_ledger as ledger
from ...store.tables import other_member
from ..roster.providers import actor_names
from .listing import get

ANY_STATUS: Final = "any"
_YEAR_1: Final = "0001-01-01"


class OtherAction(StrEnum):
    """What is done with many patients."""

    ASSIGN = "assign"
    MOVE = "move"
    REMOVE = "remove"
    SIGN = "sign"  # the date of the signed form is entered


@dataclass(frozen=True, slots=True)
class OtherOrder:
    """An order about one kind. `status` is the host's, or ANY_STATUS, which has those too that the EMR lost.

    `provider_id` with ASSIGN, `from_id` with all others, `to_id` with ASSIGN and MOVE, `signed_on` with SIGN; '', 0 and
    None otherwise. `only`: of those that the order is about, these alone.
    """

    action: OtherAction
    kind: OtherKind
    status: str
    provider_id: str = ""
    from_id: int = 0
    to_id: int = 0
    signed_on: date | None = None
    only: frozenset[int] | None = None


def order_text(connection: Connection, host: Host, order: OtherOrder) -> str:
    """The order in words. Raises Refused (`from_id`, `to_id`, `provider_id`) and NotFound."""
    source = get(connection, host, order.from_id) if order.from_id else None
    target = get(connection, host, order.to_id) if order.to_id else None
    for field, panel in (("from_id", source), ("to_id", target)):
        if panel and panel.kind != order.kind:
            raise Refused({field: f"Choose the {order.kind.noun} in the list."})
    if source and target and source.other_panel_id == target.other_panel_id:
        raise Refused({"to_id": f"Select another {order.kind.noun} than the one that patients are moved from."})
    if target and not target.state.takes_patients:
        raise Refused({"to_id": why_none_is_added(target.kind, target.name, target.state)})
    of_source, to_target = source.label if source else "", target.label if target else ""
    match order.action:
        case OtherAction.ASSIGN:
            provider = host.roster.providers().c.provider_id
            if connection.scalar(select(provider).where(provider == order.provider_id)) is None:
                raise Refused({"provider_id": "Select the provider whose patients will be assigned."})
            name = actor_names(connection, host, {order.provider_id})[order.provider_id]
            return f"Assign {_who(host, order)} of {name} to {to_target}"
        case OtherAction.MOVE:
            return f"Move {_who(host, order)} from {of_source} to {to_target}"
        case OtherAction.REMOVE:
            return f"Remove {_who(host, order)} from {of_source}"
        case OtherAction.SIGN:
            return f"Enter the date of the signed form for {_who(host, order)} of {of_source}"
        case _:
            assert_never(order.action)


def _who(host: Host, order: OtherOrder) -> str:
    if order.only is not None:
        return "selected patients"
    if order.status == ANY_STATUS:
        return "all patients"
    label = host.roster.status_labels.get(order.status, order.status or "none")
    return f"patients with status {label}"


class Candidates(NamedTuple):
    """Who an order is about: rows with `other_member` in them, the roster's `patient`, the id, and conditions."""

    source: FromClause
    patient: FromClause
    patient_id: ColumnElement[int]
    conditions: list[ColumnElement[bool]]


def candidates(host: Host, order: OtherOrder) -> Candidates:
    """Who the order is about."""
    patient, member = host.roster.patients(), other_member.c
    which = [] if order.status == ANY_STATUS else [func.coalesce(patient.c.status, "") == order.status]
    if order.only is not None:
        # As literals: there may be more of them than a statement can have parameters.
        ids: BindParameter[list[int]] = bindparam("only", sorted(order.only), expanding=True, literal_execute=True)
        which.append(member.patient_id.in_(ids))
    match order.action:
        case OtherAction.ASSIGN:
            own = and_(member.patient_id == patient.c.patient_id, member.kind == order.kind)
            source = patient.outerjoin(other_member, own)
            return Candidates(source, patient, patient.c.patient_id, [patient.c.mrp_id == order.provider_id, *which])
        case OtherAction.MOVE | OtherAction.REMOVE | OtherAction.SIGN:
            source = other_member.outerjoin(patient, patient.c.patient_id == member.patient_id)
            return Candidates(source, patient, member.patient_id, [member.other_panel_id == order.from_id, *which])
        case _:
            assert_never(order.action)


def changes(order: OtherOrder, patient: FromClause) -> ColumnElement[bool]:
    """Whether one of them is changed; never NULL."""
    member = other_member.c
    match order.action:
        case OtherAction.ASSIGN | OtherAction.MOVE:
            return or_(member.other_panel_id.is_(None), member.other_panel_id != order.to_id)
        case OtherAction.REMOVE:
            return literal(1) == 1
        case OtherAction.SIGN:
            return and_(member.signed_on.is_distinct_from(_day(order)), ~before_birth(order, patient))
        case _:
            assert_never(order.action)


def before_birth(order: OtherOrder, patient: FromClause) -> ColumnElement[bool]:
    """Whether the date of the form is before the patient's birth; never NULL."""
    if order.signed_on is None:
        return literal(1) == 0
    return func.coalesce(patient.c.birth_date, _YEAR_1) > order.signed_on.isoformat()


def after(host: Host, order: OtherOrder) -> ledger.Columns:
    """The membership afterwards: the date of the signed form moves with the patient."""
    member = other_member.c
    match order.action:
        case OtherAction.ASSIGN | OtherAction.MOVE:
            return literal(order.to_id), literal(host.clock.now(), member.since.type), member.signed_on
        case OtherAction.REMOVE:
            return ledger.NONE
        case OtherAction.SIGN:
            return member.other_panel_id, member.since, _day(order)
        case _:
            assert_never(order.action)


def _day(order: OtherOrder) -> ColumnElement[date]:
    return literal(order.signed_on, Date)


def counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """How many rows meet it; 0 where there is none."""
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
