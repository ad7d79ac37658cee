"""A lease on a row: a token, and the moment until which its holder works on the row. Any number of workers is safe.

A worker that dies loses its lease when the time is over; one that lost it can no longer write its result. For tables
with the columns `claim` and `claimed_until`, of which the second alone says whether the row is free.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, or_, select, update

from ...hooks import Host
from ...settings import Settings

RELEASED: Final[Mapping[str, None]] = MappingProxyType({"claim": None, "claimed_until": None})


def is_free(table: Table, now: datetime) -> ColumnElement[bool]:
    """No one works on it, or the worker has not reported in time."""
    return or_(table.c.claimed_until.is_(None), table.c.claimed_until <= now)


def leased(settings: Settings, token: str, now: datetime) -> dict[str, Any]:
    """The values of a row that is taken with this token at this moment."""
    return {"claim": token, "claimed_until": now + settings.claim_time}


def release_ahead(
    host: Host,
    settings: Settings,
    table: Table,
    values: Mapping[str, None] = RELEASED,
    longest: timedelta | None = None,
) -> None:
    """Release leases that end later than any can by our clock: their workers' clocks were ahead.

    A difference of less than the time of a lease (`longest`, where it is not the usual one) is let pass, for machines
    never agree to the second.
    """
    ahead = table.c.claimed_until > host.clock.now() + 2 * (longest or settings.claim_time)
    with host.database.engine.connect() as connection:
        if connection.scalar(select(table.c.claimed_until).where(ahead).limit(1)) is None:
            return
    with host.database.session() as session:
        session.execute(update(table).where(ahead).values(**values))
