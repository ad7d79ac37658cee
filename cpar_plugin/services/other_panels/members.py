"""Who is on an affiliation or a caseload: searched, sorted and paged; all of them; and a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple, assert_never

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, select

from ...domain.csv_columns import PATIENT, CsvColumn, CsvHead
from ...domain.patient_search import words
from ...hooks import Actor, Host
from ...store.tables import other_member
from ..roster import merges
from ..roster.providers import provider_name
from ..roster.searching import matches

PAGE_SIZE: Final = 100
HEAD: Final[CsvHead] = (*PATIENT, CsvColumn.STATUS, CsvColumn.MRP, CsvColumn.PANEL_SINCE, CsvColumn.SIGNED_ON)
_NEVER: Final = date.min


class OtherSort(StrEnum):
    """By what they are sorted."""

    NAME = "name"
    RECORD = "record"
    BORN = "born"
    SINCE = "since"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class OtherCriteria:
    """Which of them, and in what order."""

    text: str = ""  # in a name, or a PHN, record number or date of birth
    undated: bool = False  # without a date of the signed form
    sort: OtherSort = OtherSort.NAME
    descending: bool = False

    @property
    def narrowed(self) -> bool:
        """Whether the list is limited to some."""
        return bool(words(self.text)) or self.undated


EVERYONE: Final = OtherCriteria()


class OtherMember(NamedTuple):
    """A patient on it. `in_emr` is false for one that the EMR no longer knows; `mrp` is a name, '' for none."""

    patient_id: int
    in_emr: bool
    family_name: str | None
    given_name: str | None
    birth_date: str | None
    phn: str | None
    status: str
    mrp: str
    since: datetime
    signed_on: date | None


@dataclass(frozen=True, slots=True)
class OtherMembers:
    """A page of them. `hidden` are those that the actor may not see."""

    rows: list[OtherMember]
    total: int  # that the actor may see
    matching: int  # of these
    hidden: int
    without_date: int  # of the form, among those that the actor may see


def members_page(
    connection: Connection, host: Host, actor: Actor, other_panel_id: int, criteria: OtherCriteria, place: int
) -> OtherMembers:
    """The page of this number, from 1."""
    visible = host.identity.visible(actor, other_member.c.patient_id)
    counts = connection.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((visible, 1), else_=0)), 0),
            func.coalesce(func.sum(case((visible & other_member.c.signed_on.is_(None), 1), else_=0)), 0),
        ).where(other_member.c.other_panel_id == other_panel_id)
    ).one()
    everyone, total, without_date = map(int, counts)
    query = _members(host, actor, other_panel_id, criteria)
    matching = total
    if criteria.narrowed:
        ids = query.with_only_columns(other_member.c.patient_id).order_by(None).subquery()
        matching = connection.scalar(select(func.count()).select_from(ids)) or 0
    rows = connection.execute(query.limit(PAGE_SIZE).offset((place - 1) * PAGE_SIZE))
    return OtherMembers([_member(host, row) for row in rows], total, matching, everyone - total, without_date)


def found(connection: Connection, host: Host, actor: Actor, other_panel_id: int, criteria: OtherCriteria) -> set[int]:
    """The patient ids of everyone whom the list finds, on all of its pages."""
    query = _members(host, actor, other_panel_id, criteria).with_only_columns(other_member.c.patient_id)
    return set(connection.scalars(query.order_by(None)))


def all_members(
    connection: Connection, host: Host, actor: Actor, other_panel_id: int, criteria: OtherCriteria = EVERYONE
) -> Iterator[OtherMember]:
    """All of the list, streamed."""
    query = _members(host, actor, other_panel_id, criteria).execution_options(yield_per=1000)
    with connection.execute(query) as result:
        for row in result:
            yield _member(host, row)


def export(
    host: Host, actor: Actor, other_panel_id: int, criteria: OtherCriteria = EVERYONE
) -> Iterator[tuple[object, ...]]:
    """The same as the rows of a file."""
    merges.catch_up_to_show(host)
    return _lines(host, actor, other_panel_id, criteria)


def _lines(host: Host, actor: Actor, other_panel_id: int, criteria: OtherCriteria) -> Iterator[tuple[object, ...]]:
    yield HEAD
    with host.database.engine.connect() as connection:
        for one in all_members(connection, host, actor, other_panel_id, criteria):
            yield (
                one.patient_id,
                one.family_name,
                one.given_name,
                one.birth_date,
                one.phn,
                one.status,
                one.mrp,
                one.since.astimezone(host.clock.zone).date(),
                one.signed_on,
            )


def _members(host: Host, actor: Actor, other_panel_id: int, criteria: OtherCriteria) -> Select[*tuple[Any, ...]]:
    patient, member, provider = host.roster.patients(), other_member.c, host.roster.providers()
    narrowing = [matches(patient.c, word) for word in words(criteria.text)]
    if criteria.undated:
        narrowing.append(member.signed_on.is_(None))
    return (
        select(
            member.patient_id,
            patient.c.patient_id.label("found"),
            patient.c.family_name,
            patient.c.given_name,
            patient.c.birth_date,
            patient.c.phn,
            patient.c.status,
            patient.c.mrp_id,
            provider.c.family_name.label("mrp_family_name"),
            provider.c.given_name.label("mrp_given_name"),
            member.since,
            member.signed_on,
        )
        .outerjoin_from(other_member, patient, patient.c.patient_id == member.patient_id)
        .outerjoin(provider, provider.c.provider_id == patient.c.mrp_id)
        .where(member.other_panel_id == other_panel_id, host.identity.visible(actor, member.patient_id), *narrowing)
        .order_by(*_order(patient.c, criteria))
    )


def _order(patient: Any, criteria: OtherCriteria) -> list[ColumnElement[Any]]:
    member = other_member.c
    keys: tuple[ColumnElement[Any], ...]
    match criteria.sort:
        case OtherSort.NAME:
            keys = tuple(func.upper(func.coalesce(name, "")) for name in (patient.family_name, patient.given_name))
        case OtherSort.RECORD:
            keys = ()
        case OtherSort.BORN:
            keys = (func.coalesce(patient.birth_date, ""),)
        case OtherSort.SINCE:
            keys = (member.since,)
        case OtherSort.SIGNED:
            keys = (func.coalesce(member.signed_on, _NEVER),)
        case _:
            assert_never(criteria.sort)
    return [key.desc() if criteria.descending else key for key in (*keys, member.patient_id)]


def _member(host: Host, row: Row[*tuple[Any, ...]]) -> OtherMember:
    in_emr = row.found is not None
    return OtherMember(
        patient_id=row.patient_id,
        in_emr=in_emr,
        family_name=row.family_name,
        given_name=row.given_name,
        birth_date=row.birth_date,
        phn=row.phn,
        status=host.roster.status_labels.get(row.status or "", row.status or "") if in_emr else "Not in the EMR",
        mrp=provider_name(row.mrp_family_name, row.mrp_given_name, row.mrp_id) if row.mrp_id else "",
        since=row.since,
        signed_on=row.signed_on,
    )
