"""The contract between an OSCAR-style EMR (the host) and its plugins.

The host asks plugins through the hooks of `specs`; a plugin asks the host through the ports of `ports`.
What travels between the two are the frozen values of `values`.
"""

if __name__ != "cpar_plugin.hooks":
    raise ImportError("import this package as cpar_plugin.hooks")

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .faults import HostBusy, HostUnavailable, Refused
from .ports import (
    AuditTrail,
    AuditTrailOfMany,
    AuditTrailOnConnection,
    Clock,
    Database,
    Homes,
    Host,
    Identity,
    Pages,
    Roster,
    RosterByMrp,
    RosterWithStoredTexts,
    Schedule,
    Visits,
)
from .stored import StoredPatients
from .values import (
    Actor,
    AuditEvent,
    Health,
    HealthCheck,
    HealthLevel,
    Job,
    Manifest,
    MenuItem,
    MigrationSource,
    Notice,
    PatientNote,
    Permission,
    StatusKind,
    Widget,
)

if TYPE_CHECKING:
    from .interfaces import ProgramInterface, is_polled, largest_body, polled, receives_files
    from .plugins import IncompatiblePlugin, IncompleteHost, Plugins
    from .specs import CONTRACT_VERSION, PROJECT, hookimpl

# Imported when they are first named, for they need Flask, and a command that cron calls every minute does not.
_OF_PAGES = {
    "CONTRACT_VERSION": "specs",
    "PROJECT": "specs",
    "hookimpl": "specs",
    "IncompatiblePlugin": "plugins",
    "IncompleteHost": "plugins",
    "Plugins": "plugins",
    "ProgramInterface": "interfaces",
    "is_polled": "interfaces",
    "largest_body": "interfaces",
    "polled": "interfaces",
    "receives_files": "interfaces",
}

__all__ = [
    "CONTRACT_VERSION",
    "PROJECT",
    "Actor",
    "AuditEvent",
    "AuditTrail",
    "AuditTrailOfMany",
    "AuditTrailOnConnection",
    "Clock",
    "Database",
    "Health",
    "HealthCheck",
    "HealthLevel",
    "Homes",
    "Host",
    "HostBusy",
    "HostUnavailable",
    "Identity",
    "IncompatiblePlugin",
    "IncompleteHost",
    "Job",
    "Manifest",
    "MenuItem",
    "MigrationSource",
    "Notice",
    "Pages",
    "PatientNote",
    "Permission",
    "Plugins",
    "ProgramInterface",
    "Refused",
    "Roster",
    "RosterByMrp",
    "RosterWithStoredTexts",
    "Schedule",
    "StatusKind",
    "StoredPatients",
    "Visits",
    "Widget",
    "hookimpl",
    "is_polled",
    "largest_body",
    "polled",
    "receives_files",
]


def __getattr__(name: str) -> Any:
    if name not in _OF_PAGES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_OF_PAGES[name]}", __name__), name)
    return value
