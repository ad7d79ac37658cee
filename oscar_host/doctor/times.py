"""Whether everybody agrees on what time it is: this machine, the database's server, and OSCAR."""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import TIMESTAMP, func, not_, select, text

from cpar_plugin.hooks import Health

from ..clock import FixedClock
from ..database import MARIADB
from ..host import OscarHost
from ..schema import present

_MUCH: Final = timedelta(seconds=30)
_TOO_MUCH: Final = timedelta(minutes=5)
_LINES: Final = 100


def clock(host: OscarHost) -> Health:
    """Whether this machine's clock and the server's agree. Reads no table."""
    if isinstance(host.clock, FixedClock):
        return Health.warning(
            f"CPAR_NOW is set: for the plugins it is always {host.clock.now():%Y-%m-%d %H:%M}.",
            "That is for trying out: take CPAR_NOW out of the settings.",
        )
    if host.database.engine.dialect.name not in MARIADB:
        return Health.ok(f"It is {host.clock.now():%Y-%m-%d %H:%M} here; SQLite has no clock of its own.")
    with host.database.engine.connect() as connection:
        connection.execute(text("SELECT 1"))  # connected before the clocks are read
        before = host.clock.now()
        servers: datetime = connection.execute(text("SELECT UTC_TIMESTAMP(6)")).scalar_one()
        after = host.clock.now()
    apart = abs(servers.replace(tzinfo=UTC) - (before + (after - before) / 2))
    told = f"It is {after:%Y-%m-%d %H:%M} here; the server's clock differs by {apart.total_seconds():.0f} s."
    mend = "Let both machines set their clocks by NTP. Several machines tell by the time whose work has been given up."
    if apart > _TOO_MUCH:
        return Health.failure(told, mend)
    return Health.warning(told, mend) if apart > _MUCH else Health.ok(told)


def time_zone(host: OscarHost) -> Health:
    """Whether the server's zone is the clinic's. Reads no table.

    For visits it does not matter: OSCAR keeps the clinic's civil days and times. It tells of a wrong `time_zone`.
    """
    ours = host.clock.now().utcoffset() or timedelta(0)
    told = f"The clinic's zone is {host.clock.zone.key} ({_offset(ours)})"
    if host.database.engine.dialect.name not in MARIADB:
        return Health.ok(f"{told}.")
    query = "SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@global.time_zone))"
    with host.database.engine.connect() as connection:
        theirs = timedelta(minutes=connection.execute(text(query)).scalar_one())
    if theirs == ours:
        return Health.ok(f"{told}, and so is the server's.")
    if not theirs:
        return Health.ok(f"{told}, the server's UTC. Visits are kept in the clinic's days and times all the same.")
    return Health.warning(
        f"{told}, the server's is {_offset(theirs)}. Visits are kept in the clinic's days and times: they are counted "
        "right only if the first is the zone in which the clinic makes appointments.",
        "If it is not, set CPAR_TIME_ZONE to that zone. If it is, let the server have it too, or UTC "
        "(default_time_zone).",
    )


def oscar_clock(host: OscarHost) -> Health:
    """Whether OSCAR writes its log in the clinic's time. Reads the latest hundred lines.

    Only a clock that is ahead is found: one that is behind looks like a quiet evening.
    """
    log, found = host.tables.log, present(host.database.engine, host.tables)
    if not all(map(found.has_column, (log.c.id, log.c.dateTime, log.c.content))):
        return Health.ok("OSCAR's log cannot be read, and is not needed for this.")
    latest = select(log.c.dateTime, log.c.content).order_by(log.c.id.desc()).limit(_LINES).subquery()
    by_oscar = not_(latest.c.content.startswith("cpar"))
    with host.database.engine.connect() as connection:
        written: datetime | None = connection.scalar(select(func.max(latest.c.dateTime)).where(by_oscar))
    if written is None:
        return Health.ok("OSCAR's log has no lines to compare clocks with.")
    zone = UTC if isinstance(found.type_of(log.c.dateTime), TIMESTAMP) else host.clock.zone
    ahead = written.replace(tzinfo=zone) - host.clock.now()
    if ahead > _TOO_MUCH:
        minutes = int(ahead.total_seconds() // 60)
        return Health.warning(
            f"OSCAR has written to its log {minutes} minutes from now by the time of {host.clock.zone.key}.",
            "If the clinic lies in another zone, set CPAR_TIME_ZONE to it; else correct clock or zone of OSCAR's "
            "machine. Until then visits of today count too early or too late.",
        )
    return Health.ok("OSCAR does not write its log in the future.")


def _offset(offset: timedelta) -> str:
    minutes = int(offset.total_seconds() // 60)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
