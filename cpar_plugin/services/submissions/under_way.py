"""How many submissions of a clinic are not over: for who is about to take the clinic out of service."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from ...hooks import Host
from ...store.tables import submission


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Of one clinic: queued or begun, and of these in the hands of a worker."""

    unfinished: int
    claimed: int


def under_way(host: Host, now: datetime) -> UnderWay:
    """The numbers at `now`, an aware moment."""
    not_over = select(func.count()).where(submission.c.open_panel_id.is_not(None))
    with host.database.engine.connect() as connection:
        return UnderWay(
            unfinished=connection.scalar(not_over) or 0,
            claimed=connection.scalar(not_over.where(submission.c.claimed_until > now)) or 0,
        )
