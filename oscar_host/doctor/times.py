"""Whether everyone agrees on what time it is: this machine, the database's server, and OSCAR."""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import TIMESTAMP, select, text

from cpar_plugin.domain.dates import moment_text
from cpar_plugin.hooks import Health
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.host_kit.database import MARIADB

from ..host import OscarHost
from ..present import present
from .rights import Reading, reading

_MUCH: Final = timedelta(seconds=30)
_TOO_MUCH: Final = timedelta(minutes=5)
_HOUR: Final = (timedelta(minutes=55), timedelta(minutes=65))
_LINES: Final = 100


def clock(host: OscarHost) -> Health:
    """Whether this machine's clock and the server's agree. Reads no table."""
    if isinstance(host.clock, FixedClock):
        return Health.warning(
            f"CPAR_NOW is set: for the plugins the time is always {moment_text(host.clock.now(), host.clock.zone)}.",
            "This is for testing only: remove CPAR_NOW from the settings.",
        )
    if host.database.engine.dialect.name not in MARIADB:
        return Health.ok(
            f"It is {moment_text(host.clock.now(), host.clock.zone)} here; SQLite has no clock of its own."
        )
    with host.database.engine.connect() as connection:
        connection.execute(text("SELECT 1"))  # connected before the clocks are read
        before = host.clock.now()
        servers: datetime = connection.execute(text("SELECT UTC_TIMESTAMP(6)")).scalar_one()
        after = host.clock.now()
    difference = abs(servers.replace(tzinfo=UTC) - (before + (after - before) / 2))
    seconds = difference.total_seconds()
    message = f"It is {moment_text(after, host.clock.zone)} here; the server's clock differs by {seconds:.0f} s."
    remedy = (
        "Let both machines set their clocks by NTP. Several machines use the time to decide whose work was abandoned."
    )
    if difference > _TOO_MUCH:
        return Health.failure(message, remedy)
    return Health.warning(message, remedy) if difference > _MUCH else Health.ok(message)


def time_zone(host: OscarHost) -> Health:
    """Whether the server's zone is the clinic's. Reads no table.

    For visits it does not matter: OSCAR keeps the clinic's civil days and times. It shows a wrong `time_zone`.
    """
    clinic_offset = host.clock.now().astimezone(host.clock.zone).utcoffset() or timedelta(0)
    message = f"The clinic's zone is {host.clock.zone.key} ({_offset(clinic_offset)})"
    if host.database.engine.dialect.name not in MARIADB:
        return Health.ok(f"{message}.")
    query = "SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@global.time_zone))"
    with host.database.engine.connect() as connection:
        server_offset = timedelta(minutes=connection.execute(text(query)).scalar_one())
    if server_offset == clinic_offset:
        return Health.ok(f"{message}, and so is the server's.")
    if not server_offset:
        return Health.ok(f"{message}, the server's is UTC. Visits are still stored in the clinic's dates and times.")
    return Health.warning(
        f"{message}, the server's is {_offset(server_offset)}. Visits are stored in the clinic's dates and times: they "
        "are counted correctly only if the first is the zone in which the clinic makes appointments.",
        "If it is not, set CPAR_TIME_ZONE to that zone. If it is, set the server to it too, or to UTC "
        "(default_time_zone).",
    )


def oscar_clock(host: OscarHost) -> Health:
    """Whether OSCAR writes its log in the clinic's time. Reads the latest hundred lines.

    A line of OSCAR's that follows one of ours shows a clock that is behind, one that we follow a clock that is ahead.
    Without a line of ours near it, one that is behind looks like a quiet evening.
    """
    log, existing = host.tables.log, present(host.database.engine, host.tables)
    if reading(host, log) is not Reading.ALLOWED:
        return Health.ok("Not checked, and not required: the account may not read OSCAR's log.")
    if not all(map(existing.has_column, (log.c.id, log.c.dateTime, log.c.content))):
        return Health.ok("Not checked, and not required: OSCAR's log has different columns here.")
    latest = select(log.c.dateTime, log.c.content).where(log.c.dateTime.is_not(None))
    with host.database.engine.connect() as connection:
        lines = connection.execute(latest.order_by(log.c.id.desc()).limit(_LINES)).all()
    zone = UTC if issubclass(existing.type_of(log.c.dateTime), TIMESTAMP) else host.clock.zone
    ahead, behind = _differences(
        [(at.replace(tzinfo=zone), (content or "").startswith("cpar")) for at, content in reversed(lines)],
        host.clock.now(),
    )
    if max(ahead, behind) <= _TOO_MUCH:
        return Health.ok("OSCAR's log uses the same time as we do, according to its latest lines.")
    difference = f"{_minutes(behind)} minutes behind" if behind > ahead else f"{_minutes(ahead)} minutes ahead of"
    message = f"The times in OSCAR's log are {difference} the time of {host.clock.zone.key}"
    if _HOUR[0] <= max(ahead, behind) <= _HOUR[1]:
        return Health.warning(
            f"{message}: about an hour, as with old rules in Java.",
            "Java has its own time zone rules: update OSCAR's Java, or the rules in it, and restart OSCAR.",
        )
    return Health.warning(
        f"{message}.",
        "If the clinic is in another zone, set CPAR_TIME_ZONE to it; otherwise correct the clock or zone of OSCAR's "
        "machine. Until then, today's visits count too early or too late.",
    )


def _differences(lines: list[tuple[datetime, bool]], now: datetime) -> tuple[timedelta, timedelta]:
    """How far OSCAR's clock is certainly ahead, and behind. `lines` in the order of writing: when, and whether ours."""
    ahead, behind, newest_of_ours, oldest_after = timedelta(0), timedelta(0), None, now
    for at, own in lines:
        if own:
            newest_of_ours = max(at, newest_of_ours or at)
        elif newest_of_ours:
            behind = max(behind, newest_of_ours - at)
    for at, own in reversed(lines):
        if own:
            oldest_after = min(at, oldest_after)
        else:
            ahead = max(ahead, at - oldest_after)
    return ahead, behind


def offset_text(moment: datetime) -> str:
    """The offset of an aware moment, such as UTC-06:00."""
    return _offset(moment.utcoffset() or timedelta(0))


def _minutes(time: timedelta) -> int:
    return int(time.total_seconds() // 60)


def _offset(offset: timedelta) -> str:
    minutes = _minutes(offset)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
