"""When regular work was last done: its absence shows that the host's scheduler has stopped."""

from contextlib import suppress
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from ...domain.zone_offsets import zone_offsets
from ...hooks import Host
from ...store import tables

SUBMISSIONS: Final = "submissions"
FHIR: Final = "fhir"
VISITS: Final = "visits"  # the moment of the last visits that are kept
REPORTS: Final = "reports"
RETENTION: Final = "retention"


def beat(host: Host, name: str, at: datetime | None = None) -> None:
    """It was done just now, even where a run pretends to be at another time; or with the data of a moment."""
    heartbeat, now = tables.heartbeat, at or host.clock.now()
    values = {"at": now, "zone_offsets": zone_offsets(host.clock.zone, now)}
    # Two workers may both find no heartbeat yet: the other one's is as good.
    with suppress(IntegrityError), host.database.writing() as connection:
        updated = connection.execute(update(heartbeat).where(heartbeat.c.name == name).values(values))
        if not updated.rowcount:
            connection.execute(insert(heartbeat).values(name=name, **values))


def last(connection: Connection, name: str) -> datetime | None:
    """When it was last done; None for never."""
    return connection.scalar(select(tables.heartbeat.c.at).where(tables.heartbeat.c.name == name))


def by_other_zone_rules(connection: Connection, host: Host, name: str) -> bool:
    """Whether it was done by time zone rules that differ from those of this process: the rules were updated since."""
    heartbeat = tables.heartbeat.c
    beat = connection.execute(select(heartbeat.at, heartbeat.zone_offsets).where(heartbeat.name == name)).one_or_none()
    return beat is not None and beat.zone_offsets != zone_offsets(host.clock.zone, beat.at)
