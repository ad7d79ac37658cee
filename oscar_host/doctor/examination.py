"""The order in which a host is looked at: what needs something that is broken is not checked, and said to be so."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy.exc import DBAPIError

from cpar_plugin.hooks import Health, HealthCheck, HealthLevel, IncompatiblePlugin, Plugins, Refused

from ..host import OscarHost, from_environment
from . import browsers, connecting, oscar, records, rights, tables, times, zones

log = logging.getLogger(__name__)

_SETTINGS, _PLUGINS, _DATABASE, _OWN_TABLES, _OSCAR = "settings", "plugins", "database", "own-tables", "oscar"
_BROWSERS: Final = "browser-address"
_OF_DATABASE: Final[tuple[tuple[str, Callable[[OscarHost], Health]], ...]] = (
    ("connection", connecting.connection),
    ("own-rights", rights.own_rights),
    ("oscar-rights", rights.oscar_rights),
    ("oscar-tables", tables.oscar_tables),
    ("audit-log", rights.audit_log),
    ("least-rights", rights.least_rights),
    ("engines", tables.engines),
    ("collations", tables.collations),
    ("clock", times.clock),
    ("time-zone", times.time_zone),
    ("zone-rules", zones.rules),
)
_OF_RECORDS: Final[tuple[tuple[str, Callable[[OscarHost], Health]], ...]] = (
    ("oscar-clock", times.oscar_clock),
    ("merges", records.merges),
    ("visit-statuses", records.visit_statuses),
)
# Without these nothing can be said about records, nor anything that a plugin needs the database for.
_BEFORE_RECORDS: Final = ("oscar-rights", "oscar-tables", _OWN_TABLES)
NAMES: Final = (
    *(_SETTINGS, _PLUGINS, _OSCAR, _BROWSERS, _DATABASE, _OWN_TABLES),
    *(name for name, _ in browsers.CHECKS),
    *(name for name, _ in (*_OF_DATABASE, *_OF_RECORDS)),
)
_STATEMENT_TOOK_TOO_LONG: Final = 1969


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found; None where it was not made, because of what others have found."""

    name: str
    health: Health | None


def examine(open_host: Callable[[], OscarHost] = from_environment) -> Iterator[Finding]:
    """Look at a host, that of the environment, one check after the other. Never raises, and changes nothing."""
    try:
        host = open_host()
    except Refused as refused:
        yield Finding(_SETTINGS, Health.failure(str(refused), "Correct that in the settings, then check again."))
        yield from (Finding(name, None) for name in NAMES if name != _SETTINGS)
        return
    with host:
        yield from _findings(host)


def _findings(host: OscarHost) -> Iterator[Finding]:
    plugins = Plugins()
    connecting.limit_waiting(host.database.engine)
    yield _run(_SETTINGS, partial(connecting.settings, host))
    yield _run(_PLUGINS, partial(_load, plugins))
    yield _run(_OSCAR, partial(oscar.signs_in, host))
    yield from _of_browsers(host)
    finding = _run(_DATABASE, partial(connecting.database, host))
    yield finding
    passed = {_DATABASE} if _passed(finding) else set()
    for name, check in (*_OF_DATABASE, (_OWN_TABLES, lambda host: tables.own_tables(host, plugins.emr_migrations()))):
        finding = _run(name, partial(check, host)) if _DATABASE in passed else Finding(name, None)
        passed |= {name} if _passed(finding) else set()
        yield finding
    readable = passed.issuperset(_BEFORE_RECORDS)
    for name, check in _OF_RECORDS:
        yield _run(name, partial(check, host)) if readable else Finding(name, None)
    for of_plugin in plugins.emr_health_checks(host):
        yield _of_plugin(of_plugin) if readable or not of_plugin.needs_database else Finding(of_plugin.name, None)


def _of_browsers(host: OscarHost) -> Iterator[Finding]:
    if "oscar_url" not in host.settings:
        return  # no web server is in front of an OSCAR here
    site = browsers.site_of(host)
    finding = _run(_BROWSERS, partial(browsers.answers, site)) if site else Finding(_BROWSERS, browsers.NOT_KNOWN)
    yield finding
    reachable = finding.health is not None and finding.health.level is HealthLevel.OK
    for name, check in browsers.CHECKS:
        yield _run(name, partial(check, site)) if site and reachable else Finding(name, None)


def _load(plugins: Plugins) -> Health:
    try:
        plugins.load_installed()
    except IncompatiblePlugin as incompatible:
        return Health.failure(str(incompatible), "Install versions that work together.")
    return connecting.plugins_fit(plugins)


def _of_plugin(check: HealthCheck) -> Finding:
    return Finding(check.name, check.run())  # guarded already


def _run(name: str, check: Callable[[], Health]) -> Finding:
    """A check that raises is a failure, and the others continue. Only an error's kind is reported: it may hold data."""
    try:
        return Finding(name, check())
    except Exception as error:
        number = error.orig.args[0] if isinstance(error, DBAPIError) and error.orig and error.orig.args else ""
        if number == _STATEMENT_TOOK_TOO_LONG:
            return Finding(
                name,
                Health.warning(
                    f"The check took longer than {connecting.STATEMENT_SECONDS} seconds and was stopped.",
                    "Try again when the server has less to do.",
                ),
            )
        kind = f"{type(error).__name__} {number if isinstance(number, int) else ''}".strip()
        log.error("check %s failed: %s", name, kind)
        return Finding(
            name,
            Health.failure(f"The check could not be made ({kind}).", "Fix the other checks first, then check again."),
        )


def _passed(finding: Finding) -> bool:
    return finding.health is not None and finding.health.level is not HealthLevel.FAILURE
