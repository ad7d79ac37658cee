"""The plugin's tables. Civil dates are in the clinic's zone, moments in UTC."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .departures import departure, departure_patient
from .panels import (
    answer,
    check_in,
    clinic,
    confirmation_rate,
    inherited,
    ledger,
    member,
    operation,
    operation_panel,
    panel,
    panel_facility,
    panel_provider,
    practitioner,
    skipped,
)
from .submissions import (
    exclusion,
    exclusion_comparison,
    exclusion_found,
    exclusion_line,
    exclusion_line_change,
    heartbeat,
    night_run,
    rehearsal,
    snapshot,
    snapshot_piece,
    submission,
)

if TYPE_CHECKING:
    from .base import metadata
    from .interface import (
        client,
        client_assertion,
        client_confirmation,
        client_panel,
        client_token,
        export,
        export_file,
        last_visit,
        patient_version,
        read,
        read_set,
        read_set_patient,
        request_count,
        resource_version,
    )
    from .kept import kept
    from .looks import look, look_patient
    from .other_panels import other_ledger, other_member, other_panel
    from .reports import (
        letter,
        panel_metrics,
        report,
        report_line,
        report_line_before,
        report_line_change,
        report_piece,
        report_row,
    )
    from .subscriptions import patient_change, subscription, subscription_event
    from .uploads import list_layout, upload, upload_match, upload_patient, upload_piece, upload_row

# Imported all together, when one of their tables or `metadata` is first named: cron calls `cpar run-due` every minute,
# which names none of them where nothing is due.
_OTHERS = ("interface", "kept", "looks", "other_panels", "reports", "subscriptions", "uploads")

__all__ = [
    "answer",
    "check_in",
    "client",
    "client_assertion",
    "client_confirmation",
    "client_panel",
    "client_token",
    "clinic",
    "confirmation_rate",
    "departure",
    "departure_patient",
    "exclusion",
    "exclusion_comparison",
    "exclusion_found",
    "exclusion_line",
    "exclusion_line_change",
    "export",
    "export_file",
    "heartbeat",
    "inherited",
    "kept",
    "last_visit",
    "ledger",
    "letter",
    "list_layout",
    "look",
    "look_patient",
    "member",
    "metadata",
    "night_run",
    "operation",
    "operation_panel",
    "other_ledger",
    "other_member",
    "other_panel",
    "panel",
    "panel_facility",
    "panel_metrics",
    "panel_provider",
    "patient_change",
    "patient_version",
    "practitioner",
    "read",
    "read_set",
    "read_set_patient",
    "rehearsal",
    "report",
    "report_line",
    "report_line_before",
    "report_line_change",
    "report_piece",
    "report_row",
    "request_count",
    "resource_version",
    "skipped",
    "snapshot",
    "snapshot_piece",
    "submission",
    "subscription",
    "subscription_event",
    "upload",
    "upload_match",
    "upload_patient",
    "upload_piece",
    "upload_row",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for module in _OTHERS:
        defined = vars(import_module(f".{module}", __name__))
        globals().update((table, defined[table]) for table in __all__ if table in defined)
    return globals()[name]
