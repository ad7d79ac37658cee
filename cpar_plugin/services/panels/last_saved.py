"""Who saved something last: for a user whose own changes came later."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from ...hooks import Host
from ...store.tables import operation
from ..operations.record import OperationKind
from ..roster.providers import actor_names


@dataclass(frozen=True, slots=True)
class Saved:
    """Who it was, and when."""

    actor_id: str
    by: str  # a name
    at: datetime


def panel_saved(connection: Connection, host: Host, panel_id: int) -> Saved | None:
    """The last time that a panel was made or edited."""
    return _last(connection, host, OperationKind.CREATE_PANEL, OperationKind.EDIT_PANEL, panel_id=panel_id)


def settings_saved(connection: Connection, host: Host) -> Saved | None:
    """The last time that the clinic's settings were saved; None before the first."""
    return _last(connection, host, OperationKind.SETTINGS)


def _last(connection: Connection, host: Host, *kinds: OperationKind, panel_id: int | None = None) -> Saved | None:
    row = connection.execute(
        select(operation.c.actor_id, operation.c.at)
        .where(operation.c.kind.in_(kinds), operation.c.panel_id.is_not_distinct_from(panel_id))
        .order_by(operation.c.operation_id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Saved(row.actor_id, actor_names(connection, host, {row.actor_id})[row.actor_id], row.at)
