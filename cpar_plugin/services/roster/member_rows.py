"""The members of a panel, with what the host knows of them."""

from collections.abc import Iterator
from datetime import date, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, Select, select

from ...domain.names import legal_names
from ...hooks import Host
from ...store import tables
from . import answers, coverage

_AT_ONCE = 200  # more at once, and the garbage collector begins to follow them


class MemberRow(NamedTuple):
    """A member of a panel. `known` is False for one who is no longer in the host's roster: then only ours is filled."""

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
    coverage_start: str | None = None
    coverage_end: str | None = None

    @property
    def sent(self) -> tuple[object, ...]:
        """The values that a submission sends of a member: two with the same values have the same entry."""
        return *legal_names(self), *_sent(self)


_sent = itemgetter(slice(MemberRow._fields.index("phn"), MemberRow._fields.index("last_visit_on") + 1))


def members(
    host: Host,
    *,
    now: datetime,
    membership: FromClause = tables.member,
    last_visit_on: ColumnElement[date] | None = None,
) -> Select[Any]:
    """The members of all panels, in the columns of MemberRow: narrow it by columns of `membership`.

    That is `tables.member`, or memberships with the same columns as they were before a change, or will be after it.
    `last_visit_on`: a column of it, where it has the last visit until now.
    """
    patient, member = host.roster.patients(), membership
    visit = host.roster.last_visit_on(member.c.patient_id, now) if last_visit_on is None else last_visit_on
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
        visit.label("last_visit_on"),
        coverage.column(patient.c, "coverage_start").label("coverage_start"),
        coverage.column(patient.c, "coverage_end").label("coverage_end"),
    ).select_from(member.outerjoin(patient, patient.c.patient_id == member.c.patient_id))


def member_rows(connection: Connection, host: Host, panel_id: int, *, now: datetime) -> Iterator[MemberRow]:
    """The members of one panel in the order of their ids, streamed: the connection is busy until the last one."""
    query = members(host, now=now).where(tables.member.c.panel_id == panel_id).order_by(tables.member.c.patient_id)
    with connection.execute(query.execution_options(yield_per=_AT_ONCE)) as result:
        for rows in result.partitions():
            yield from map(MemberRow._make, rows)
