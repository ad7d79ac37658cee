"""The statuses of the host's by which orders choose patients."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from ...hooks import Host


@dataclass(frozen=True, slots=True)
class StatusChoice:
    """A status that patients have, and what the host calls it."""

    status: str
    label: str


def status_label(host: Host, status: str) -> str:
    """What people call a status of the host's."""
    return host.roster.status_labels.get(status, status) or "No status"


def status_choices(connection: Connection, host: Host) -> list[StatusChoice]:
    """The statuses that patients have, by name, the active one first; '' means none."""
    patient = host.roster.patients()
    statuses = {status or "" for status in connection.scalars(select(patient.c.status).distinct())}
    active = host.roster.active_status
    choices = [StatusChoice(status, status_label(host, status)) for status in statuses | {active}]
    return sorted(choices, key=lambda choice: (choice.status != active, choice.label.casefold(), choice.status))
