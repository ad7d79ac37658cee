"""All subscriptions, for those who administer FHIR clients."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from ...domain.refusals import NotFound
from ...domain.subscription import SubscriptionStatus
from ...store import tables
from ...transport.connection import host_of

_TABLE, _CLIENT = tables.subscription, tables.client


@dataclass(frozen=True, slots=True)
class ListedSubscription:
    """A subscription of a client's. `waiting`: how many events its receiver has not taken. Moments are in UTC."""

    number: int
    client_name: str
    receiver: str
    status: SubscriptionStatus
    content: str
    last_number: int
    last_event_at: datetime | None
    waiting: int
    sent_at: datetime | None
    attempts: int
    failing_since: datetime | None
    failure: str | None
    turned_off_by: str | None


def every_subscription(connection: Connection) -> Sequence[ListedSubscription]:
    """Those of clients that are not revoked, in the order of the clients' names."""
    return _read(connection, _CLIENT.c.revoked_at.is_(None))


def one_subscription(connection: Connection, number: int) -> ListedSubscription:
    """One of them. Raises NotFound."""
    found = _read(connection, _TABLE.c.subscription_id == number)
    if not found:
        raise NotFound("Subscription not found. Its client may have removed it.")
    return found[0]


def _read(connection: Connection, condition: ColumnElement[bool]) -> Sequence[ListedSubscription]:
    query = (
        select(_TABLE, _CLIENT.c.name)
        .join_from(_TABLE, _CLIENT, _CLIENT.c.client_id == _TABLE.c.client_id)
        .where(condition)
        .order_by(_CLIENT.c.name, _TABLE.c.subscription_id)
    )
    return [_listed(row) for row in connection.execute(query)]


def _listed(row: Any) -> ListedSubscription:
    return ListedSubscription(
        number=row.subscription_id,
        client_name=row.name,
        receiver=host_of(row.endpoint),
        status=SubscriptionStatus(row.status),
        content=row.content,
        last_number=row.last_number,
        last_event_at=row.last_event_at,
        waiting=row.last_number - row.sent_number,
        sent_at=row.sent_at,
        attempts=row.attempts,
        failing_since=row.failing_since,
        failure=row.failure,
        turned_off_by=row.turned_off_by,
    )
