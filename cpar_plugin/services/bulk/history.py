"""The bulk operations of the past, for people who want to look at one again or undo it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from ...domain.refusals import NotFound
from ...hooks import Host
from ...store.tables import operation, panel
from ..operations.record import BULK, Kind
from ..roster.providers import actor_names
from .undo import Undone


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """What a bulk operation did, in numbers of patients, and what its undo gave back (None while it is not undone)."""

    operation_id: int
    kind: Kind
    at: datetime
    by: str  # a name
    provider: str | None  # a name: the MRP whose patients were assigned
    status: str  # in words, '' for patients without one
    ticked: int | None  # how many were ticked one by one; None for a Bulk Update, which takes all of a status
    from_panel_id: int | None
    from_number: str | None
    panel_id: int | None  # the panel that it has put them on
    number: str | None
    added: int
    moved: int
    removed: int
    confirmed: int
    left_alone: int  # of those ticked
    undone: Undone | None
    undone_by: str  # a name, '' while it is not undone
    undone_at: datetime | None

    @property
    def changed(self) -> int:
        """How many patients it changed."""
        return self.added + self.moved + self.removed + self.confirmed


def latest(connection: Connection, host: Host, limit: int = 10) -> Sequence[BulkOperation]:
    """The latest bulk operations. Two statements."""
    return _read(connection, host, _rows().order_by(operation.c.operation_id.desc()).limit(limit))


def one(connection: Connection, host: Host, operation_id: int) -> BulkOperation:
    """One bulk operation. Raises NotFound."""
    found = _read(connection, host, _rows().where(operation.c.operation_id == operation_id))
    if not found:
        raise NotFound("Bulk update not found.")
    return found[0]


def _rows() -> Select[Any]:
    source, target, undoing = panel.alias("source"), panel.alias("target"), operation.alias("undoing")
    return (
        select(
            operation,
            source.c.number.label("from_number"),
            target.c.number.label("number"),
            undoing.c.detail.label("undone"),
            undoing.c.actor_id.label("undone_by"),
            undoing.c.at.label("undone_at"),
        )
        .outerjoin(source, source.c.panel_id == operation.c.from_panel_id)
        .outerjoin(target, target.c.panel_id == operation.c.panel_id)
        .outerjoin(undoing, undoing.c.undoes == operation.c.operation_id)
        .where(operation.c.kind.in_(BULK))
    )


def _read(connection: Connection, host: Host, rows: Select[Any]) -> list[BulkOperation]:
    found = connection.execute(rows).all()
    details = [json.loads(row.detail) for row in found]
    people = {actor_id for row in found for actor_id in (row.actor_id, row.undone_by) if actor_id}
    people |= {detail["provider_id"] for detail in details if "provider_id" in detail}
    names = actor_names(connection, host, people) if found else {}
    labels = host.roster.status_labels
    return [
        BulkOperation(
            operation_id=row.operation_id,
            kind=Kind(row.kind),
            at=row.at,
            by=names[row.actor_id],
            provider=names.get(detail.get("provider_id", "")),
            status=labels.get(detail.get("status", ""), detail.get("status", "")),
            ticked=detail.get("ticked"),
            from_panel_id=row.from_panel_id,
            from_number=row.from_number,
            panel_id=row.panel_id,
            number=row.number,
            added=detail["added"],
            moved=detail["moved"],
            removed=detail["removed"],
            confirmed=detail.get("confirmed", 0),
            left_alone=detail.get("left_alone", 0),
            undone=Undone(**json.loads(row.undone)) if row.undone else None,
            undone_by=names[row.undone_by] if row.undone_by else "",
            undone_at=row.undone_at,
        )
        for row, detail in zip(found, details, strict=True)
    ]
