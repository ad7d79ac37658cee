"""The roll of a panel: its members with what the host knows of them, and the rules that judge them."""

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from ..domain.eligibility import Eligibility
from ..hooks import Host
from ..settings import Settings
from ..store import tables

_AT_ONCE = 200  # more at once, and the garbage collector begins to follow them


class MemberRow(NamedTuple):
    """A member of a panel. `known` is False for one whom the host's roster no longer has: then only ours is filled."""

    patient_id: int
    known: bool
    mrp_id: str | None
    phn: str | None
    phn_jurisdiction: str | None
    family_name: str | None
    given_name: str | None
    middle_names: str | None
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
        return self[3:]


def members(host: Host, *, now: datetime) -> Select[Any]:
    """The members of all panels, in the columns of MemberRow: narrow it by `tables.member` columns."""
    patient = host.roster.patients()
    member = tables.member
    return select(
        member.c.patient_id,
        patient.c.patient_id.is_not(None).label("known"),
        patient.c.mrp_id,
        patient.c.phn,
        patient.c.phn_jurisdiction,
        patient.c.family_name,
        patient.c.given_name,
        patient.c.middle_names,
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


def shared_phns(connection: Connection, host: Host, among: Collection[str] | None = None) -> set[str]:
    """The Alberta PHNs, or those of them `among` some, that more than one active member has, of whatever panels."""
    patient = host.roster.patients()
    query = (
        select(patient.c.phn)
        .join_from(tables.member, patient, patient.c.patient_id == tables.member.c.patient_id)
        .where(
            patient.c.status == host.roster.active_status,
            func.coalesce(patient.c.phn_jurisdiction, "AB") == "AB",
        )
        .group_by(patient.c.phn)
        .having(func.count() > 1)
    )
    found = connection.scalars(query if among is None else query.where(patient.c.phn.in_(among)))
    return {phn for phn in found if phn}  # those without a PHN are no group


def eligibility(
    connection: Connection, host: Host, settings: Settings, now: datetime, *, among: Collection[str] | None = None
) -> Eligibility:
    """The rules as they stand at this moment; with `among`, for members with one of these PHNs or without any."""
    return Eligibility(
        active_status=host.roster.active_status,
        today=now.astimezone(host.clock.zone).date(),
        shared_phns=shared_phns(connection, host, among),
        given_name_required=settings.given_name_required,
    )
