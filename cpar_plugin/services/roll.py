"""The roll of a panel: its members with what the host knows of them, and the rules that judge them."""

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, case, exists, func, select, true

from ..domain.eligibility import Eligibility
from ..domain.names import legal_names
from ..hooks import Host
from ..settings import Settings
from ..store import tables
from . import answers

_AT_ONCE = 200  # more at once, and the garbage collector begins to follow them


class MemberRow(NamedTuple):
    """A member of a panel. `known` is False for one whom the host's roster no longer has: then only ours is filled."""

    patient_id: int
    known: bool
    mrp_id: str | None
    answers: str | None  # see domain.answers
    family_name: str | None
    given_name: str | None
    middle_names: str | None
    phn: str | None
    phn_jurisdiction: str | None
    preferred_name: str | None
    birth_date: str | None
    gender: str | None
    status: str | None
    since: datetime
    confirmed_on: date | None
    confirmed_how: str | None
    last_visit_on: date | None

    @property
    def facts(self) -> tuple[object, ...]:
        """All that a submission says of a member from the host's records and ours."""
        return (*legal_names(self), *self[7:])


def members(host: Host, *, now: datetime) -> Select[Any]:
    """The members of all panels, in the columns of MemberRow: narrow it by `tables.member` columns."""
    patient = host.roster.patients()
    member = tables.member
    return select(
        member.c.patient_id,
        patient.c.patient_id.is_not(None).label("known"),
        patient.c.mrp_id,
        answers.column(member.c.patient_id).label("answers"),
        patient.c.family_name,
        patient.c.given_name,
        patient.c.middle_names,
        patient.c.phn,
        patient.c.phn_jurisdiction,
        patient.c.preferred_name,
        patient.c.birth_date,
        patient.c.gender,
        patient.c.status,
        member.c.since,
        member.c.confirmed_on,
        member.c.confirmed_how,
        host.roster.last_visit_on(member.c.patient_id, now).label("last_visit_on"),
    ).select_from(member.outerjoin(patient, patient.c.patient_id == member.c.patient_id))


def member_rows(connection: Connection, host: Host, panel_id: int, *, now: datetime) -> Iterator[MemberRow]:
    """The members of one panel in the order of their ids, streamed: the connection is busy until the last one."""
    query = members(host, now=now).where(tables.member.c.panel_id == panel_id).order_by(tables.member.c.patient_id)
    with connection.execute(query.execution_options(yield_per=_AT_ONCE)) as result:
        for rows in result.partitions():
            yield from map(MemberRow._make, rows)


def all_shared_phns(connection: Connection, host: Host) -> set[str]:
    """The Alberta PHNs that more than one active member has, of whatever panels."""
    phn, shared = _shared(host)
    return {phn for phn in connection.scalars(shared.with_only_columns(phn)) if phn}  # without one they are no group


def sharers(
    connection: Connection, host: Host, among: Collection[str], visible: ColumnElement[bool]
) -> dict[str, tuple[int, ...]]:
    """Those of the PHNs that are shared, each with the first and the last patient who has it and is `visible`."""
    if not among:
        return {}
    phn, shared = _shared(host, among)
    seen = case((visible, tables.member.c.patient_id))
    rows = connection.execute(shared.with_only_columns(phn, func.min(seen), func.max(seen)))
    return {phn: tuple(sorted({one for one in ends if one is not None})) for phn, *ends in rows}


def is_shared(host: Host, phn: str) -> ColumnElement[bool]:
    """Whether this PHN is shared, for a statement that asks other things too."""
    _, shared = _shared(host, [phn])
    return exists(shared)


def _shared(host: Host, among: Collection[str] | None = None) -> tuple[ColumnElement[str], Select[Any]]:
    """The column of PHNs, and a query of those that are shared, whose columns may be replaced."""
    patient = host.roster.patients()
    shared = (
        select(patient.c.phn)
        .join_from(tables.member, patient, patient.c.patient_id == tables.member.c.patient_id)
        .where(
            # First, and in this order: both databases ask one after the other, and this leaves hardly anybody over.
            true() if among is None else patient.c.phn.in_(among),
            patient.c.status == host.roster.active_status,
            func.coalesce(patient.c.phn_jurisdiction, "AB") == "AB",
        )
        .group_by(patient.c.phn)
        .having(func.count() > 1)
    )
    return patient.c.phn, shared


def eligibility(
    connection: Connection, host: Host, settings: Settings, now: datetime, *, shared_phns: Collection[str] | None = None
) -> Eligibility:
    """The rules as they stand at this moment. `shared_phns` are asked of the database unless they are known."""
    return Eligibility(
        active_status=host.roster.active_status,
        today=now.astimezone(host.clock.zone).date(),
        shared_phns=all_shared_phns(connection, host) if shared_phns is None else shared_phns,
        given_name_required=settings.given_name_required,
    )
