"""The plugin's tables. Civil dates are in the clinic's zone, moments in UTC."""

from .base import metadata
from .interface import (
    client,
    client_assertion,
    client_panel,
    client_token,
    export,
    export_file,
    last_visit,
    patient_version,
    read,
    resource_version,
)
from .panels import (
    answer,
    clinic,
    ledger,
    left_alone,
    member,
    operation,
    panel,
    panel_facility,
    panel_provider,
    practitioner,
)
from .submissions import heartbeat, left_out, night_run, snapshot, snapshot_piece, submission

__all__ = [
    "answer",
    "client",
    "client_assertion",
    "client_panel",
    "client_token",
    "clinic",
    "export",
    "export_file",
    "heartbeat",
    "last_visit",
    "ledger",
    "left_alone",
    "left_out",
    "member",
    "metadata",
    "night_run",
    "operation",
    "panel",
    "panel_facility",
    "panel_provider",
    "patient_version",
    "practitioner",
    "read",
    "resource_version",
    "snapshot",
    "snapshot_piece",
    "submission",
]
