"""Which members have the same PHN, and the rules of a moment, which need to know."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    exists,
    false,
    func,
    literal,
    select,
    true,
)

from ...domain.eligibility import Eligibility
from ...domain.identifiers import is_phn
from ...hooks import Host
from ...settings import Settings
from ...store.plain_texts import ten_letters
from ...store.tables import member
from . import member_rows
from .member_rows import MemberRow

_AT_ONCE: Final = 1000
_NAMED: Final = 3  # more would not help
_LOOKED_UP: Final = 200  # PHNs: for more, all members are read at once


@dataclass(frozen=True, slots=True)
class SamePhn:
    """PHNs of more than one member, of whatever panels."""

    shared: frozenset[str] = frozenset()  # by members who would otherwise be sent
    of_others: frozenset[str] = frozenset()  # of one who is sent, and of others who are excluded
    holders: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # the first few who may be named

    def others(self, row: MemberRow) -> tuple[int, ...]:
        """Other patients who have the PHN of this one, two at most."""
        ids = (patient_id for patient_id in self.holders.get(row.phn or "", ()) if patient_id != row.patient_id)
        return tuple(islice(ids, _NAMED - 1))


def eligibility_on_panel(
    connection: Connection, host: Host, settings: Settings, now: datetime, panel_id: int
) -> Eligibility:
    """The rules at this moment for the members of one panel, in a clinic of any size."""
    return eligibility(connection, host, settings, now, same_phn=of_panel(connection, host, settings, now, panel_id))


def eligibility(
    connection: Connection, host: Host, settings: Settings, now: datetime, *, same_phn: SamePhn | None = None
) -> Eligibility:
    """The rules at this moment. Who has the same PHN is read from the database unless it is known."""
    shared = of_all(connection, host, settings, now) if same_phn is None else same_phn
    return replace(_alone(host, settings, now), shared_phns=shared.shared, phns_of_others=shared.of_others)


def of_all(
    connection: Connection,
    host: Host,
    settings: Settings,
    now: datetime,
    visible: ColumnElement[bool] | None = None,
    *,
    among: Collection[str] | None = None,
    membership: FromClause = member,
    patient_ids: FromClause | None = None,
) -> SamePhn:
    """All PHNs of more than one member, or those `among` a few. `visible`: who may be named.

    `membership` is that of member_rows.members, and `visible` a condition on it. `patient_ids`: the same patients,
    where it takes less to say who they are than to say all of it.
    One statement, which reads the PHNs of all members; a second where there are such PHNs, a third where more than two
    have one.
    """
    valid_phns = None if among is None else list(filter(is_phn, among))  # no patient is sent with another one
    if valid_phns == []:
        return SamePhn()
    patient, everyone = host.roster.patients(), membership if patient_ids is None else patient_ids
    phn = ten_letters(patient.c.phn)  # one more than a PHN has: what begins like one is told from it
    groups = (
        select(phn, func.count(), func.min(patient.c.patient_id), func.max(patient.c.patient_id))
        .join_from(everyone, patient, patient.c.patient_id == everyone.c.patient_id)
        .where(true() if valid_phns is None else patient.c.phn.in_(valid_phns))
        .group_by(phn)
        .having(func.count() > 1)
    )
    rows = [row for row in connection.execute(groups).all() if is_phn(row[0])]
    if not rows:
        return SamePhn()
    pairs = (patient_id for _, count, *ends in rows if count == 2 for patient_id in ends)
    all_members = member_rows.members(host, now=now, membership=membership)
    queries = [
        *(all_members.where(membership.c.patient_id.in_(ids)) for ids in portions(pairs)),
        *(
            all_members.where(all_members.selected_columns.phn.in_(phns))
            for phns in portions(phn for phn, count, *_ in rows if count > 2)
        ),
    ]
    return _judged(connection, queries, _alone(host, settings, now), visible)


def of_panel(connection: Connection, host: Host, settings: Settings, now: datetime, panel_id: int) -> SamePhn:
    """The PHNs of a panel's members that another member has too, on whatever panel. No one is named.

    One statement, which the host answers by its index of PHNs; where there may be such PHNs, two more.
    """
    members = select(member.c.patient_id).where(member.c.panel_id == panel_id)
    phns = list(filter(is_phn, connection.scalars(host.roster.shared_phns(members))))
    if not phns:
        return SamePhn()
    if len(phns) > _LOOKED_UP:
        return of_all(connection, host, settings, now, false())
    patient_ids = sorted(connection.scalars(host.roster.with_phns(phns)))
    all_members = member_rows.members(host, now=now)
    queries = [all_members.where(member.c.patient_id.in_(ids)) for ids in portions(patient_ids)]
    return _judged(connection, queries, _alone(host, settings, now), false())


def of_one(
    connection: Connection, host: Host, settings: Settings, now: datetime, phn: str, visible: ColumnElement[bool]
) -> SamePhn:
    """The same of one PHN, nine digits. One statement, which reads only who has it, where the host has an index."""
    query = member_rows.members(host, now=now).where(member.c.patient_id.in_(host.roster.with_phn(literal(phn))))
    return _judged(connection, [query], _alone(host, settings, now), visible)


def another_has(host: Host, phn: str, patient_id: int) -> ColumnElement[bool]:
    """Whether another member has this PHN, nine digits, for a statement that asks other things too."""
    having = member.c.patient_id.in_(host.roster.with_phn(literal(phn)))
    return exists().where(having, member.c.patient_id != patient_id)


def _alone(host: Host, settings: Settings, now: datetime) -> Eligibility:
    """The rules for members by themselves."""
    return Eligibility(
        active_status=host.roster.active_status,
        today=now.astimezone(host.clock.zone).date(),
        given_name_required=settings.given_name_required,
        coverage=settings.coverage_rules,
    )


def _judged(
    connection: Connection, queries: Iterable[Select[Any]], alone: Eligibility, visible: ColumnElement[bool] | None
) -> SamePhn:
    sent: dict[str, int] = {}
    excluded: dict[str, int] = {}
    holders: dict[str, tuple[int, ...]] = {}
    for query in queries:
        statement = query.add_columns((true() if visible is None else visible).label("named"))
        with connection.execute(
            statement.order_by(query.selected_columns.patient_id).execution_options(yield_per=_AT_ONCE)
        ) as result:
            for *columns, may_be_named in result:
                row = MemberRow._make(columns)
                phn = row.phn or ""
                counts = excluded if alone.reasons(row) else sent
                counts[phn] = counts.get(phn, 0) + 1
                if may_be_named and len(holders.get(phn, ())) < _NAMED:
                    holders[phn] = (*holders.get(phn, ()), row.patient_id)
    return SamePhn(
        shared=frozenset(phn for phn, count in sent.items() if count > 1),
        of_others=frozenset(phn for phn, count in sent.items() if count == 1 and phn in excluded),
        holders=holders,
    )


def portions(values: Iterable[Any]) -> Iterator[list[Any]]:
    """The values in lists of at most a thousand, as many as a statement names one by one."""
    rest = iter(values)
    while portion := list(islice(rest, _AT_ONCE)):
        yield portion
