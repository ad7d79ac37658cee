"""From which web pages (origins) clients call the FHIR interface in a browser."""

from sqlalchemy import Connection, select

from ...store import tables
from .registry import id_of


def clients_with(connection: Connection, origin: str) -> frozenset[str]:
    """The ids of the clients that are registered with this origin and not revoked."""
    columns = tables.client.c
    query = select(columns.client_id, columns.origins).where(columns.origins != "", columns.revoked_at.is_(None))
    return frozenset(id_of(row.client_id) for row in connection.execute(query) if origin in row.origins.split())
