"""The members of a Group as JSON. They may be very many, so what many of them have in common is written once."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, String, bindparam, func, literal, select, type_coerce

from ...fhir_mappings.panel_group import group_members
from ...settings import Settings
from ...store import tables
from ...store.joined import joined
from .in_portions import END, portions, together

_CACHED = 1024
_SEPARATOR = "|"


def _membership_text() -> ColumnElement[str]:
    """A member's id, and everything besides the reference."""
    member, visit = tables.member.c, tables.last_visit.c
    separator = literal(_SEPARATOR)
    return joined(
        member.patient_id,
        separator,
        func.substr(member.since, 1, 19),  # to the second
        separator,
        func.coalesce(type_coerce(member.confirmed_on, String), ""),
        separator,
        func.coalesce(member.confirmed_how, ""),
        separator,
        func.coalesce(type_coerce(visit.last_visit_on, String), ""),
        literal(END),
    )


_MEMBERS = (
    select(tables.member.c.patient_id)
    .select_from(
        tables.member.outerjoin(tables.last_visit, tables.last_visit.c.patient_id == tables.member.c.patient_id)
    )
    .where(tables.member.c.panel_id == bindparam("of_panel"))
)
_TEXT = _membership_text()


class Membership(NamedTuple):
    """A patient's place on a panel."""

    since: datetime
    confirmed_on: date | None
    confirmed_how: str | None
    last_visit_on: date | None


def members(
    connection: Connection, settings: Settings, panel_id: int, may_read: ColumnElement[bool]
) -> Iterator[bytes]:
    """Members that the caller may read, some at a time and joined by commas, in the order of the patients' ids."""
    around, key = _around(settings), tables.member.c.patient_id
    for portion in portions(connection, _MEMBERS.where(may_read), key, _TEXT, of_panel=panel_id):
        yield _as_json(_by_id(portion), around)


def few_members(
    connection: Connection, settings: Settings, panel_id: int, may_read: ColumnElement[bool]
) -> tuple[list[int], bytes]:
    """The ids of all members that the caller may read, in order, and `members` as one text: a few thousand at most."""
    by_id = _by_id(together(connection, _MEMBERS.where(may_read), _TEXT, of_panel=panel_id))
    return [patient_id for patient_id, _ in by_id], _as_json(by_id, _around(settings))


def _by_id(texts: list[str]) -> list[tuple[int, str]]:
    parts = (text.partition(_SEPARATOR) for text in texts)
    return sorted([(int(patient_id), membership) for patient_id, _, membership in parts])


def _as_json(by_id: list[tuple[int, str]], around: Callable[[str], tuple[str, str]]) -> bytes:
    texts = []
    for patient_id, membership in by_id:
        before, after = around(membership)
        texts.append(f"{before}{patient_id}{after}")
    return ",".join(texts).encode()


@lru_cache(maxsize=8)
def _around(settings: Settings) -> Callable[[str], tuple[str, str]]:
    """What comes before the patient's id in the JSON of a member, and what after it. Kept: many members are alike."""
    mapping = group_members(settings)

    @lru_cache(_CACHED)
    def around(membership: str) -> tuple[str, str]:
        text = orjson.dumps(mapping(_membership(membership), "Patient/")).decode()
        before, reference, after = text.rpartition('"Patient/"')
        return before + reference[:-1], reference[-1] + after

    return around


def _membership(text: str) -> Membership:
    since, confirmed_on, confirmed_how, last_visit_on = text.split(_SEPARATOR)
    return Membership(
        datetime.fromisoformat(since).replace(tzinfo=UTC),
        date.fromisoformat(confirmed_on) if confirmed_on else None,
        confirmed_how or None,
        date.fromisoformat(last_visit_on) if last_visit_on else None,
    )
