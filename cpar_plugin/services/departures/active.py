"""Who is an active patient: only these are moved when a provider leaves."""

from sqlalchemy import ColumnElement, FromClause

from ...hooks import Host, StatusKind


def is_active(host: Host, patient: FromClause) -> ColumnElement[bool]:
    """Whether the status of a row of `Roster.patients` is that of an active patient."""
    active = [status for status, kind in host.roster.status_kinds.items() if kind is StatusKind.ACTIVE]
    return patient.c.status.in_(active)
