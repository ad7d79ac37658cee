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
from .kept import kept
from .panels import (
    answer,
    clinic,
    inherited,
    ledger,
    member,
    operation,
    panel,
    panel_facility,
    panel_provider,
    practitioner,
    skipped,
)
from .submissions import exclusion, heartbeat, night_run, snapshot, snapshot_piece, submission
from .uploads import list_layout, upload, upload_match, upload_patient, upload_piece, upload_row

__all__ = [
    "answer",
    "client",
    "client_assertion",
    "client_panel",
    "client_token",
    "clinic",
    "exclusion",
    "export",
    "export_file",
    "heartbeat",
    "inherited",
    "kept",
    "last_visit",
    "ledger",
    "list_layout",
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
    "skipped",
    "snapshot",
    "snapshot_piece",
    "submission",
    "upload",
    "upload_match",
    "upload_patient",
    "upload_piece",
    "upload_row",
]
