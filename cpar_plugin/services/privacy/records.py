"""How long records are kept, and which systems read through the FHIR interface."""

from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Connection

from ...domain.dates import date_text, period_text
from ...hooks import Host
from ...settings import Settings
from ..clients.registry import every_client
from ..retention import retention
from ..retention.kinds import RETENTION
from .document import IN_THIS_SYSTEM, Grid, PackSection, StatementSource

_PERMANENT: Final = (
    ("Memberships, operations and the ledger", "History, undo, and who changed what"),
    ("Submissions without their contents, and who was excluded", "History of each patient and panel"),
    ("Patients that a bulk update skipped, and answers to checks", "Undo, and so that no one is asked twice"),
    ("FHIR clients that were revoked", "Records of reads name them"),
    ("Versions of resources", "So that no version is ever given twice; hashes only"),
)


def kept(
    connection: Connection, host: Host, settings: Settings, of_host: Iterable[tuple[str, str, str]]
) -> PackSection:
    """Each kind of record with its setting and its oldest; and what has none. `of_host` are kinds of the host."""
    zone = host.clock.zone
    rows = []
    for kind, of_kind in retention.kept(connection, host, settings).items():
        setting = RETENTION[kind].setting
        period = period_text(of_kind.keep) if setting else "each until it expires"
        oldest = date_text(of_kind.oldest.astimezone(zone)) if setting and of_kind.oldest else ""
        here = f"{period}; the oldest is of {oldest}" if oldest else period
        rows.append((_capital(kind.value), setting or "none", here))
    return PackSection(
        "Retention",
        StatementSource.BOTH,
        [
            Grid("Kept for a time", ("Records", "Setting", IN_THIS_SYSTEM), [*rows, *of_host]),
            Grid("Kept permanently", ("Records", "What for"), _PERMANENT),
        ],
        "A job of the EMR's scheduler removes what is older, every hour. Submissions that are written to a folder, the "
        "EMR's own log and backups are the operator's.",
    )


def clients(connection: Connection, host: Host) -> PackSection:
    """The clients that are registered now."""
    return PackSection(
        "Systems that use the FHIR interface",
        StatementSource.SYSTEM,
        [
            Grid(
                "Registered clients",
                ("Client", "Name", "Scopes", "Panels", "Last token"),
                list(_clients(connection, host)),
            )
        ],
        "Each client proves who it is with its own key. Revoked clients are not listed.",
    )


def _clients(connection: Connection, host: Host) -> Iterator[tuple[str, ...]]:
    for client in every_client(connection):
        if client.revoked_at is None:
            panels = f"{len(client.panels)} of them" if client.panels else "all"
            used = date_text(client.last_used_at.astimezone(host.clock.zone)) if client.last_used_at else "never"
            yield client.client_id, client.name, client.scopes, panels, "on hold" if client.held_at else used


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
