"""The members of a Group as JSON. They may be very many, so what many of them have in common is written once."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, Select, String, bindparam, func, literal, select, type_coerce

from ...fhir_mappings.panel_group import group_members
from ...settings import Settings
from ...store import tables
from ...store.joined import joined
from .in_portions import END, as_one, portions, together

_CACHED: Final = 4096
_SEPARATOR: Final = "|"
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _member_texts() -> ColumnElement[str]:
    """A member's id, what is known besides of the membership, and since when it is."""
    member, visit = tables.member.c, tables.last_visit.c
    separator, end = literal(_SEPARATOR), literal(END)
    return joined(
        member.patient_id,
        end,
        func.coalesce(type_coerce(member.confirmed_on, String), ""),
        separator,
        func.coalesce(member.confirmed_how, ""),
        separator,
        func.coalesce(type_coerce(visit.last_visit_on, String), ""),
        end,
        func.substr(member.since, 1, 19),  # to the second
        end,
    )


_TEXTS: Final = 3  # of each
_MEMBERS: Final = as_one(
    select(tables.member.c.patient_id)
    .select_from(
        tables.member.outerjoin(tables.last_visit, tables.last_visit.c.patient_id == tables.member.c.patient_id)
    )
    .where(tables.member.c.panel_id == bindparam("of_panel")),
    _member_texts(),
)
Narrowed = Callable[[Select[Any]], Select[Any]]


class Membership(NamedTuple):
    """A patient's place on a panel."""

    since: datetime
    confirmed_on: date | None
    confirmed_how: str | None
    last_visit_on: date | None


class _Around(NamedTuple):
    """What comes before the patient's id in the JSON of a member, and what after it. Kept: many members are alike."""

    before: Callable[[str], str]
    after: Callable[[str], str]


def members(connection: Connection, settings: Settings, panel_id: int, readable: Narrowed) -> Iterator[bytes]:
    """Members that the caller may read, some at a time and joined by commas, in the order of the patients' ids."""
    around, query = _around(settings), readable(_MEMBERS)
    for portion in portions(connection, query, tables.member.c.patient_id, _TEXTS, of_panel=panel_id):
        yield _as_json(portion, around)[1]


def few_members(
    connection: Connection, settings: Settings, panel_id: int, readable: Narrowed
) -> tuple[list[int], bytes]:
    """The ids of all members that the caller may read, in order, and `members` as one text: a few thousand at most."""
    return _as_json(together(connection, readable(_MEMBERS), _TEXTS, of_panel=panel_id), _around(settings))


def _as_json(texts: list[str], around: _Around) -> tuple[list[int], bytes]:
    """The ids in order, and the members as JSON in that order, which is mostly the one that they come in."""
    numbers, known, since = texts[::_TEXTS], texts[1::_TEXTS], texts[2::_TEXTS]
    ids = [*map(int, numbers)]
    if ids != sorted(ids):
        in_order = sorted(zip(ids, known, since, strict=True))
        return _as_json([text for number, *rest in in_order for text in (str(number), *rest)], around)
    parts = zip(map(around.before, known), numbers, map(around.after, since), strict=True)
    return ids, "".join(chain.from_iterable(parts))[:-1].encode()


@lru_cache(maxsize=8)
def _around(settings: Settings) -> _Around:
    mapping = group_members(settings)

    def around(membership: Membership) -> tuple[str, str]:
        before, _, after = orjson.dumps(mapping(membership, "Patient/")).decode().rpartition('"Patient/"')
        return before, after

    @lru_cache(_CACHED)
    def before(known: str) -> str:
        return around(_known(known))[0] + '"Patient/'

    @lru_cache(_CACHED)
    def after(since: str) -> str:
        moment = datetime.fromisoformat(since).replace(tzinfo=UTC)
        return f'"{around(Membership(moment, None, None, None))[1]},'

    return _Around(before, after)


def _known(text: str) -> Membership:
    confirmed_on, confirmed_how, last_visit_on = text.split(_SEPARATOR)
    return Membership(
        _NEVER,
        date.fromisoformat(confirmed_on) if confirmed_on else None,
        confirmed_how or None,
        date.fromisoformat(last_visit_on) if last_visit_on else None,
    )
