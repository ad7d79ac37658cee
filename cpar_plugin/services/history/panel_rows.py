"""The rows of a panel's history in one order: operations and submissions, the latest first, from a place onward."""

import heapq
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, literal, or_, select

from ...domain.refusals import Refused
from ...store.tables import operation, operation_panel, snapshot, submission
from ...store.types import KEYS, Moment
from . import texts
from .texts import ChangeGroup

NO_SUCH_PAGE = "Page not found. Start from the first page of the history."
_RANKS = (OPERATION, SUBMISSION) = (0, 1)


class Place(NamedTuple):
    """Where a page of the history ends: the last event on it. Operations come before submissions of one moment."""

    at: datetime
    rank: int  # OPERATION or SUBMISSION
    number: int  # its id

    @classmethod
    def parse(cls, text: str) -> "Place":
        """What `text` has written. Raises Refused."""
        at, _, rest = text.partition("~")
        rank, _, number = rest.partition("~")
        try:
            place = cls(datetime.fromisoformat(at).astimezone(UTC), int(rank), int(number))
        except (ValueError, OverflowError):
            place = None
        if place is None or place.rank not in _RANKS or place.number not in KEYS:
            raise Refused(NO_SUCH_PAGE)
        return place

    @property
    def text(self) -> str:
        """For an address."""
        return f"{self.at:%Y-%m-%dT%H:%M:%S.%fZ}~{self.rank}~{self.number}"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which events: of one group, by one person (the host's id), on these civil days of the clinic."""

    group: ChangeGroup | None = None
    actor_id: str = ""
    first: date | None = None
    last: date | None = None


def _of_panel(panel_id: int) -> ColumnElement[bool]:
    """Operations about the panel, which `cpar_operation_panel` is joined to."""
    named = or_(operation.c.panel_id == panel_id, operation.c.from_panel_id == panel_id)
    return or_(operation_panel.c.panel_id.is_not(None), named)


def operations(panel_id: int) -> Select[Any]:
    """The operations about a panel, with what each did to it: NULL where it changed no membership."""
    of_panel = and_(operation_panel.c.operation_id == operation.c.operation_id, operation_panel.c.panel_id == panel_id)
    counts = operation_panel.c.added, operation_panel.c.removed, operation_panel.c.kept
    return select(operation, *counts).outerjoin(operation_panel, of_panel).where(_of_panel(panel_id))


def page(
    connection: Connection, panel_id: int, filters: Filters, after: Place | None, zone: ZoneInfo, most: int
) -> list[tuple[Place, Row[Any]]]:
    """At most `most` rows after a place, and one more where there are more. Two statements."""
    read_operations = _read_operations(connection, panel_id, filters, after, zone, most)
    read_submissions = _read_submissions(connection, panel_id, filters, after, zone, most)
    return list(heapq.merge(read_operations, read_submissions, key=latest_first))[: most + 1]


def latest_first(row: tuple[Place, Any]) -> tuple[float, int, int]:
    place = row[0]
    return (-place.at.timestamp(), place.rank, -place.number)


def _read_operations(
    connection: Connection, panel_id: int, filters: Filters, after: Place | None, zone: ZoneInfo, most: int
) -> list[tuple[Place, Row[Any]]]:
    if filters.group is ChangeGroup.SUBMISSIONS:
        return []
    query = operations(panel_id)
    if filters.group:
        query = query.where(operation.c.kind.in_(texts.kinds_of(filters.group)))
    if filters.actor_id:
        query = query.where(operation.c.actor_id == filters.actor_id)
    rows = before(query, operation.c.at, OPERATION, operation.c.operation_id, filters, after, zone, most)
    return [(Place(row.at, OPERATION, row.operation_id), row) for row in connection.execute(rows)]


def _read_submissions(
    connection: Connection, panel_id: int, filters: Filters, after: Place | None, zone: ZoneInfo, most: int
) -> list[tuple[Place, Row[Any]]]:
    if filters.group not in (None, ChangeGroup.SUBMISSIONS):
        return []
    at = func.coalesce(submission.c.first_attempt_at, submission.c.finished_at, submission.c.requested_at)
    query = (
        select(submission, at.label("at"), snapshot.c.sent, snapshot.c.excluded)
        .outerjoin(snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id)
        .where(submission.c.panel_id == panel_id)
    )
    if filters.actor_id:
        query = query.where(submission.c.requested_by == filters.actor_id)
    rows = before(query, at, SUBMISSION, submission.c.submission_id, filters, after, zone, most)
    return [(Place(row.at, SUBMISSION, row.submission_id), row) for row in connection.execute(rows)]


def before(
    query: Select[Any],
    at: ColumnElement[datetime],
    rank: int,
    number: ColumnElement[int],
    filters: Filters,
    after: Place | None,
    zone: ZoneInfo,
    most: int,
) -> Select[Any]:
    """The latest on the days asked for, after a place; one more than `most`."""
    if filters.first:
        query = query.where(at >= _midnight(filters.first, zone))
    if filters.last:
        query = query.where(at < _midnight(filters.last + timedelta(days=1), zone))
    if after:
        moment = literal(after.at, Moment())
        if rank == after.rank:
            query = query.where(or_(at < moment, and_(at == moment, number < after.number)))
        else:
            query = query.where(at <= moment if rank > after.rank else at < moment)
    return query.order_by(at.desc(), number.desc()).limit(most + 1)


def _midnight(day: date, zone: ZoneInfo) -> ColumnElement[datetime]:
    return literal(datetime.combine(day, time(0), zone), Moment())
