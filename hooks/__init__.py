"""The contract between an OSCAR-style EMR (the host) and its plugins.

The host asks plugins through the hooks of `specs`; a plugin asks the host through the ports of `ports`.
What travels between the two are the frozen values of `values`.
"""

if __name__ != "cpar_plugin.hooks":
    raise ImportError("import this package as cpar_plugin.hooks")

from .faults import HostBusy, HostUnavailable, Refused
from .interfaces import ProgramInterface, is_polled, largest_body, polled, receives_files
from .plugins import IncompatiblePlugin, IncompleteHost, Plugins
from .ports import AuditTrail, Clock, Database, Homes, Host, Identity, Pages, Roster, Schedule, Visits
from .specs import CONTRACT_VERSION, PROJECT, hookimpl
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

__all__ = [
    "CONTRACT_VERSION",
    "PROJECT",
    "Actor",
    "AuditEvent",
    "AuditTrail",
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
    "Schedule",
    "StatusKind",
    "Visits",
    "Widget",
    "hookimpl",
    "is_polled",
    "largest_body",
    "polled",
    "receives_files",
]
