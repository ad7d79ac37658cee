"""One page of a search: what was found, what goes with it, and where the next page begins.

Never more than a page is loaded. Pages follow each other by keys, not by numbers, so that the last one is as cheap as
the first, and nothing is missing or returned twice because a patient was added in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, literal, or_, select

from ....hooks import Host
from ....settings import Settings
from ....store.prepared import prepared
from ....store.types import Moment
from ....store.versions import to_the_second
from ...clients.caller import Caller
from ...clients.tokens import NOTHING_ALONG, ReadAlong
from ..sources import LARGE, source
from ..versions import Versioned
from . import in_memory
from .answers import Answered
from .by_identifier import looked_up
from .fitting import CallerReading, sql_of
from .request import Search, Total
from .table import MEMBERS, PRACTITIONER_OF_ROLE, SEARCHABLE
from .values import BadSearch


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins. `began`: when the search did; what has changed since is not in it where that matters.

    `after` are the sort keys of the last resource of the page before, its id the last; they may be patient data.
    `member` is the last patient that was included with this page's Groups, where those did not fit into one answer.
    `total` is how many fit when the first page was read; None where that is not reported.
    """

    began: datetime
    after: tuple[str | int | datetime, ...] = ()
    member: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What was found and what is included; `total` where it is known; `following` is None on the last page."""

    matches: list[Versioned]
    included: list[Versioned]
    total: int | None
    following: Position | None


class Searching:
    """Searches for one caller, on one connection."""

    def __init__(
        self, connection: Connection, host: Host, settings: Settings, caller: Caller, along: ReadAlong = NOTHING_ALONG
    ) -> None:
        """`along`: what was read together with who asks."""
        self._along = along
        self._connection = connection
        self._host = host
        self._settings = settings
        self._caller = caller
        self._reading = CallerReading(connection, host, settings, caller)

    def page(self, search: Search, position: Position) -> Page:
        """The page that begins at a position. At most as many included resources as matches are allowed."""
        if search.kind in LARGE:
            return self._of_many(search, position)
        return self._of_few(search, position)

    def members_meant(self, search: Search, page: Page) -> Sequence[int]:
        """The members by whom the Groups of a page were searched for."""
        return self._reading.members_meant(search.criteria, [int(group.resource_id) for group in page.matches])

    def _of_few(self, search: Search, position: Position) -> Page:
        search = replace(search, criteria=self._reading.plain(search.criteria))
        versions = in_memory.matches(search, self._reading.everything(search.kind))
        ids = [version.resource_id for version in versions]
        start = 0
        if position.after:
            previous = str(position.after[-1])
            if previous not in ids:
                raise BadSearch("The previous page no longer exists. Start the search again.")
            start = ids.index(previous) + 1
        end = start + search.count
        matches = versions[start:end]
        following = replace(position, after=(ids[end - 1],)) if search.count and end < len(versions) else None
        return Page(matches, self._with(search, matches), _known(search, len(versions)), following)

    def _with(self, search: Search, matches: Sequence[Versioned]) -> list[Versioned]:
        """Practitioners of roles, or roles of practitioners."""
        if PRACTITIONER_OF_ROLE not in search.includes:
            return []
        if search.kind == "Practitioner":
            practitioners = {f"Practitioner/{version.resource['id']}" for version in matches}
            roles = self._reading.everything("PractitionerRole")
            return [version for version in roles if version.resource["practitioner"]["reference"] in practitioners]
        references = {version.resource["practitioner"]["reference"] for version in matches}
        people = self._reading.everything("Practitioner")
        return [version for version in people if f"Practitioner/{version.resource['id']}" in references]

    def _of_many(self, search: Search, position: Position) -> Page:
        if not position.after:
            few = looked_up(self._connection, self._host, self._settings, self._caller, search, self._along)
            if few is not None and len(few) <= search.count:
                return Page(few, [], _known(search, len(few)), None)
        of_kind = source(self._host, self._settings, self._caller, search.kind)
        query = _Query(self._reading, search, position.began)
        if not search.count:
            return Page([], [], query.total(), None)
        rows = self._connection.execute(query.page(position.after)).all()
        more = len(rows) > search.count
        rows = rows[: search.count]
        position = self._counted(query, search, position, None if more else len(rows))
        total = position.total
        following = replace(position, after=_keys(rows[-1], len(search.sort)), member=None) if more else None
        included: list[Versioned] = []
        if MEMBERS in search.includes and rows:
            included, last = self._members([int(row.key) for row in rows], search.count, position.member)
            following = replace(position, member=last) if last else following
        matches = [] if position.member else of_kind.versioned(self._connection, rows)
        return Page(matches, included, total, following)

    def _counted(self, query: "_Query", search: Search, position: Position, known: int | None) -> Position:
        """With the total, which is counted once for a search, on its first page, unless that is the only one.

        Where names are compared, patients are counted only when that is asked for: of each member they would be read
        for a page of a few.
        """
        if position.after or position.member or search.total is Total.NEVER:
            return position
        if known is None and (search.total is Total.ALWAYS or not (search.kind == "Patient" and search.compares_words)):
            known = query.total()
        return replace(position, total=known)

    def _members(self, panel_ids: list[int], most: int, after: int | None) -> tuple[list[Versioned], int | None]:
        """Members of these panels, and the last one's id when there are more."""
        patients = source(self._host, self._settings, self._caller, "Patient")
        query = patients.select().where(patients.columns["panel_id"].in_(panel_ids)).order_by(patients.key)
        if after is not None:
            query = query.where(patients.key > after)
        rows = self._connection.execute(query.limit(most + 1)).all()
        page = rows[:most]
        return patients.versioned(self._connection, page), page[-1].patient_id if len(rows) > most else None


def condition(
    connection: Connection, host: Host, settings: Settings, caller: Caller, search: Search
) -> ColumnElement[bool]:
    """Whether a row of the source of one of LARGE fits a search: for statements that are not pages."""
    return _Query(CallerReading(connection, host, settings, caller), search, host.clock.now()).condition()


def _known(search: Search, total: int) -> int | None:
    """The total where it is to be reported."""
    return None if search.total is Total.NEVER else total


def _keys(row: Row[Any], sorts: int) -> tuple[Any, ...]:
    return (*(row._mapping[f"key_{place}"] for place in range(sorts)), row.key)


class _Query:
    """The SQL of a search for Patients, Groups, or Tasks."""

    def __init__(self, reading: CallerReading, search: Search, began: datetime) -> None:
        self._reading = reading
        self._search = search
        self._began = began.astimezone(UTC)
        self._rows = reading.rows(search.kind)
        self._source = self._rows.source
        self._updated = self._rows.updated

    def total(self) -> int:
        """How many fit."""
        fitting = self._fitting().with_only_columns(self._source.key).subquery()
        return int(self._rows.connection.scalar(self._sent(select(func.count()).select_from(fitting))) or 0)

    def page(self, after: Sequence[Any]) -> Select[Any]:
        """The rows behind those keys, one more than asked for. They are sorted by `key_0`, ..., and `key`."""
        orders = self._orders()
        query = self._fitting().add_columns(
            *(column.label(f"key_{place}") for place, (column, _) in enumerate(orders)), self._source.key.label("key")
        )
        orders.append((self._source.key, False))
        if after:
            query = query.where(_behind(orders, after))
        by = (column.desc() if down else column.asc() for column, down in orders)
        return self._sent(query.order_by(*by).limit(self._search.count + 1))

    def _sent(self, query: Select[Any]) -> Select[Any]:
        """Kept ready where it is the same for many clients: of all resources of a kind, in the order of their ids."""
        caller = self._rows.caller
        of_all = caller.client_id is not None and caller.panels is None
        return prepared(query) if of_all and not (self._search.criteria or self._search.sort) else query

    def _orders(self) -> list[tuple[ColumnElement[Any], bool]]:
        parameters = SEARCHABLE[self._search.kind].parameters
        return [(self._order(parameters[name]), down) for name, down in self._search.sort]

    def _order(self, parameter: Answered) -> ColumnElement[Any]:
        order = sql_of(parameter).order
        assert order, parameter.name
        return order(self._rows)

    def _fitting(self) -> Select[Any]:
        query = self._source.select()
        if any(name == "_lastUpdated" for name, _ in self._search.sort):
            # What changes during the search, or is read for the first time, would move between the pages.
            query = query.where(self._updated < literal(to_the_second(self._began), Moment()))
        return query.where(self.condition())

    def condition(self) -> ColumnElement[bool]:
        """Whether a row fits all criteria."""
        return self._reading.fitting(self._rows, self._search.criteria)


def _behind(orders: Sequence[tuple[ColumnElement[Any], bool]], after: Sequence[Any]) -> ColumnElement[bool]:
    """What comes after these keys: the first differs in the right direction, or is the same and the second does, ..."""
    alternatives = []
    for place, (column, down) in enumerate(orders):
        same = (before == key for (before, _), key in zip(orders[:place], after, strict=False))
        alternatives.append(and_(*same, column < after[place] if down else column > after[place]))
    return or_(*alternatives)
