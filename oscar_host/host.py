"""Open the host: every port on one OSCAR database."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from cpar_plugin.hooks import AuditTrail, Clock, Pages, Refused
from cpar_plugin.host_kit import json_lines, zone_rules
from cpar_plugin.host_kit.clock import FixedClock, SystemClock
from cpar_plugin.host_kit.database import HostDatabase
from cpar_plugin.host_kit.pages import PlainPages
from cpar_plugin.host_kit.time_limits import TimeLimits
from cpar_plugin.settings import checked

from .audit import NoAuditTrail, OscarAuditTrail
from .homes import OscarHomes
from .identity import OscarIdentity, no_provider
from .ini_file import sections
from .present import Present, present
from .privileges import CPAR
from .references import resolved
from .roster import OscarRoster
from .schedule import OscarSchedule
from .schema import ANY_EMR, Tables, host_tables
from .visits import OscarVisits

PREFIX: Final = "CPAR_"  # of environment variables


@dataclass(frozen=True, kw_only=True)
class OscarHost:
    """An OSCAR-family EMR as the host of plugins.

    The caller who opens one closes it, as a context manager or by `close()`: otherwise connections stay open.
    """

    roster: OscarRoster
    identity: OscarIdentity
    audit: AuditTrail
    database: HostDatabase
    pages: Pages
    clock: Clock
    schedule: OscarSchedule
    visits: OscarVisits
    homes: OscarHomes
    settings: Mapping[str, str] = field(repr=False)  # may hold secrets
    schema: str | None = None  # of OSCAR's tables; None: all tables are in one database

    @cached_property
    def tables(self) -> Tables:
        """OSCAR's own, by the name of their schema."""
        return host_tables(self.schema)

    def close(self) -> None:
        """Close all connections: those in use, and any that are opened later, as soon as they are returned."""
        self.database.close()

    def __enter__(self) -> "OscarHost":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_host(
    database_url: str,
    *,
    settings: Mapping[str, str] = MappingProxyType({}),
    host_schema: str | None = None,
    clock: Clock | None = None,
    pages: Pages | None = None,
    signed_in: Callable[[], str | None] = no_provider,
) -> OscarHost:
    """The host on the database of the plugin's tables. Nothing is connected or created yet.

    `host_schema` is the name of OSCAR's database on the same MariaDB server, None where all tables are in one database.
    The first host of a process decides by whose time zone rules the process goes. Raises Refused for a wrong URL or
    setting.
    """
    zone_rules.decide(settings.get("zone_rules", ""))
    # By a name that is the same for all databases: statements about them are compiled once.
    tables = host_tables(ANY_EMR if host_schema else None)
    schemas = {ANY_EMR: host_schema} if host_schema else {}
    database = HostDatabase(database_url, checked(TimeLimits, settings), schemas)
    tables_present = cache(partial(present, database.engine, tables))
    clock = clock or SystemClock(_zone(settings))
    roster = OscarRoster(tables, tables_present, clock.zone)
    return OscarHost(
        roster=roster,
        schedule=OscarSchedule(tables, roster),
        visits=OscarVisits(tables, roster, tables_present),
        homes=OscarHomes(tables, tables_present),
        identity=OscarIdentity(
            tables, database, tables_present, signed_in, settings.get("cpar_object", "").strip() or CPAR
        ),
        audit=_audit(settings, tables, tables_present, clock),
        database=database,
        pages=pages or PlainPages(),
        clock=clock,
        settings=settings,
        schema=host_schema,
    )


def from_environment() -> OscarHost:
    """The host as the environment describes it: CPAR_SETTINGS names an INI file, other CPAR_* variables go before it.

    Raises Refused that says what to set.
    """
    return from_settings(_settings(os.environ))


def from_settings(settings: Mapping[str, str]) -> OscarHost:
    """The host that one clinic's settings describe.

    `database_url` is needed; `host_schema`, `time_zone`, `zone_rules`, `log_format`, `audit` and `now` (for trying out)
    are the host's own, all others the plugin's. Raises Refused that says what to set.
    """
    settings = dict(settings)
    json_lines.decide(settings.get("log_format", ""))
    zone_rules.decide(settings.get("zone_rules", ""))
    url = settings.pop("database_url", "")
    if not url:
        raise Refused({"database_url": "Set CPAR_DATABASE_URL, for instance to sqlite:///cpar.db."})
    now = settings.pop("now", "")
    return open_host(
        url,
        settings=settings,
        host_schema=settings.pop("host_schema", None) or None,
        clock=FixedClock(_moment(now), _zone(settings)) if now else None,
    )


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    values = {
        name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)
    }
    path = values.pop("settings", "")
    of_file = sections(Path(path), "cpar", "CPAR_SETTINGS")["cpar"] if path else {}
    return resolved({**of_file, **values}, environment)


def _zone(settings: Mapping[str, str]) -> ZoneInfo:
    name = settings.get("time_zone", "")
    try:
        return zone_rules.zone(name) if name else zone_rules.zone()
    except (KeyError, OSError, ValueError):
        raise Refused({"time_zone": "Not a time zone: write it like America/Edmonton."}) from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if not 2000 <= moment.year < 3000:  # the calendar counts on from it
            raise ValueError
        return moment
    except ValueError:
        raise Refused({"now": "CPAR_NOW is no moment: write it like 2026-11-07T03:15."}) from None


def _audit(
    settings: Mapping[str, str], tables: Tables, tables_present: Callable[[], Present], clock: Clock
) -> AuditTrail:
    match settings.get("audit", "log"):
        case "log":
            return OscarAuditTrail(tables, tables_present, clock)
        case "ledger":
            return NoAuditTrail()
    raise Refused({"audit": "Set audit to log (the EMR's own, the default) or to ledger (the plugin's only)."})
