"""The checks of this plugin, in the order in which an operator would look."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from ...domain.refusals import Refused
from ...hooks import Health, HealthCheck, Host
from ...settings import Settings, load
from . import configured, connections, folders, own_tables, patients, registry_connection, restored, running, times_kept

log = logging.getLogger(__name__)

SETTINGS: Final = "cpar-settings"
_CORRECT: Final = "Correct the settings named and restart the application. Nothing works until then."

# By name, and whether it needs the database.
_CHECKS: Final[tuple[tuple[str, bool, Callable[[Host, Settings], Health]], ...]] = (
    (SETTINGS, False, configured.settings_fit),
    ("cpar-clinic", True, configured.clinic_entered),
    ("cpar-scheduler", True, running.scheduler),
    ("cpar-night-run", True, running.night_run),
    ("cpar-submissions", True, running.submissions),
    ("cpar-fhir-refresh", True, running.fhir_refresh),
    ("cpar-tables", True, own_tables.complete),
    ("cpar-restore", True, restored.completed),
    ("cpar-retention", True, times_kept.retained),
    ("cpar-records", True, patients.readable),
    ("cpar-exclusions", True, patients.exclusions),
    ("cpar-practitioner-ids", True, patients.practitioner_ids),
    ("cpar-registry", False, registry_connection.reachable),
    ("cpar-registry-sign-in", False, registry_connection.sign_in),
    ("cpar-registry-certificate", False, registry_connection.certificate),
    ("cpar-client-certificate", False, registry_connection.client_certificate),
    ("cpar-mail", False, connections.mail_server),
    ("cpar-mail-addresses", True, connections.mail_addresses),
    ("cpar-client-keys", True, connections.client_keys),
    ("cpar-outbox", False, folders.outbox),
    ("cpar-exports", False, folders.exports),
)
# What goes wrong where a new Python, a new certificate or a setting has changed who is accepted.
_AT_START: Final = {SETTINGS, "cpar-registry-certificate", "cpar-client-certificate", "cpar-mail", "cpar-client-keys"}


def log_connection_problems(host: Host, settings: Settings) -> None:
    """Log what is wrong with settings and certificates: at start, so that it is not found out in the night."""
    for name, _, check in _CHECKS:
        if name in _AT_START and (health := check(host, settings)).level != "ok":
            log.warning("%s: %s %s", name, health.message, health.remedy)


def checks(host: Host) -> list[HealthCheck]:
    """The checks of this plugin. Where the settings cannot be read there is only one, which says why."""
    try:
        settings = load(host.settings)
        settings.calendar(host.clock.zone)
    except Refused as refused:
        wrong = Health.failure(str(refused), _CORRECT)
        return [HealthCheck(name=SETTINGS, run=lambda: wrong, needs_database=False)]
    return [
        HealthCheck(name=name, run=partial(check, host, settings), needs_database=needs_database)
        for name, needs_database, check in _CHECKS
    ]
