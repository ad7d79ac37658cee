"""Whether this process and the database server use today's time zone rules."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import text

from cpar_plugin.hooks import Health
from cpar_plugin.host_kit import zone_rules
from cpar_plugin.host_kit.database import MARIADB

from ..host import OscarHost
from .times import offset_text

# Alberta has been on UTC-6 all year since 18 June 2026 (Official Time Act). IANA's rules show it from 1 November 2026.
_FIRST_WITH_ALBERTA_TIME: Final = "2026c"
_WINTER: Final = datetime(2026, 12, 1, 12, tzinfo=UTC)
_ALBERTA_TIME: Final = timedelta(hours=-6)
_INSTALL: Final = "Install newer rules (apt-get install tzdata; pip install -U tzdata), then restart the service."
_LOAD: Final = (
    "The plugins do not use them; OSCAR may. Load newer rules into the server: apt-get install tzdata there, then "
    "mariadb-tzinfo-to-sql /usr/share/zoneinfo | mariadb mysql."
)


def rules(host: OscarHost) -> Health:
    """Which rules there are, which are used, and whether the server's named zones say the same. Reads no table."""
    decision, zone = zone_rules.decide(), host.clock.zone
    message = f"{decision.sentence} {zone.key} is at {offset_text(host.clock.now().astimezone(zone))} now."
    if zone.key == zone_rules.ALBERTA and _WINTER.astimezone(zone).utcoffset() != _ALBERTA_TIME:
        return Health.failure(
            f"{message} These rules are from before {_FIRST_WITH_ALBERTA_TIME}: Alberta time is an hour wrong in "
            "winter.",
            _INSTALL,
        )
    if decision.older:
        return Health.warning(f"{message} The others are newer.", f"Set zone_rules to newest, or: {_INSTALL}")
    if _server_differs(host, zone):
        return Health.warning(f"{message} The database server has different rules for {zone.key}.", _LOAD)
    return Health.ok(message)


def _server_differs(host: OscarHost, zone: ZoneInfo) -> bool:
    """Whether the server has zones by name, and this one with another offset: now, or in half a year."""
    if host.database.engine.dialect.name not in MARIADB:
        return False
    now = host.clock.now()
    query = text("SELECT CONVERT_TZ(:moment, '+00:00', :zone)")
    with host.database.engine.connect() as connection:
        for moment in (now, now + timedelta(days=183)):
            moment = moment.replace(microsecond=0)
            parameters = {"moment": f"{moment:%Y-%m-%d %H:%M:%S}", "zone": zone.key}
            server_time = connection.execute(query, parameters).scalar_one()
            if server_time is not None and str(server_time)[:19] != f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}":
                return True
    return False
