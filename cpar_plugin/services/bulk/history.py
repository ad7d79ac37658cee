"""The bulk operations of the past, for people who want to look at one again or undo it."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from ...domain.refusals import NotFound
from ...hooks import Host
from ...store.tables import operation, panel
from ..operations.record import BULK, BulkKind, OperationKind
from ..roster.providers import actor_names


@dataclass(frozen=True, slots=True)
class Undone:
    """How many patients have their earlier membership back, and how many do not: changed since, or without access."""

    restored: int
    changed_since: int
    not_visible: int = 0  # still as the operation left them
    on_lists: int = 0  # memberships of affiliations and caseloads that are restored

    @property
    def not_restored(self) -> int:
        """How many do not have it back."""
        return self.changed_since + self.not_visible


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """What a bulk operation did, in numbers of patients, and what its undo restored (None while it is not undone)."""

    operation_id: int
    kind: BulkKind
    at: datetime
    by: str  # a name
    provider: str | None  # a name: the MRP whose patients were assigned
    status: str  # in words, '' for patients without one
    selected: int | None  # how many were selected one by one; None for all of a status
    from_panel_id: int | None
    from_number: str | None
    panel_id: int | None  # the panel that it put them on
    number: str | None
    added: int
    moved: int
    removed: int
    confirmed: int
    on_lists: int  # memberships of affiliations and caseloads
    undone: Undone | None
    undone_by: str  # a name, '' while it is not undone
    undone_at: datetime | None

    @property
    def changed(self) -> int:
        """How many patients it changed."""
        return self.added + self.moved + self.removed + self.confirmed

    @property
    def skipped(self) -> int:
        """How many of those selected it did not change."""
        return 0 if self.selected is None else self.selected - self.changed


def latest(connection: Connection, host: Host, limit: int = 10) -> Sequence[BulkOperation]:
    """The latest bulk operations. Two statements."""
    return _read(connection, host, _rows().order_by(operation.c.operation_id.desc()).limit(limit))


def one(connection: Connection, host: Host, operation_id: int) -> BulkOperation:
    """One bulk operation. Raises NotFound."""
    operations = _read(connection, host, _rows().where(operation.c.operation_id == operation_id))
    if not operations:
        raise NotFound("Bulk update not found.")
    return operations[0]


def several(connection: Connection, host: Host, operation_ids: Collection[int]) -> dict[int, BulkOperation]:
    """Those of these operations that are bulk operations, by their ids. At most two statements."""
    if not operation_ids:
        return {}
    rows = _read(connection, host, _rows().where(operation.c.operation_id.in_(operation_ids)))
    return {row.operation_id: row for row in rows}


def of_selection(connection: Connection, host: Host, panel_id: int, operation_id: int) -> BulkOperation | None:
    """One bulk operation on patients selected on this panel; None for any other."""
    of_panel = operation.c.operation_id == operation_id, operation.c.from_panel_id == panel_id
    return next((row for row in _read(connection, host, _rows().where(*of_panel)) if row.selected is not None), None)


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
    records = connection.execute(rows).all()
    details = [json.loads(row.detail) for row in records]
    people = {actor_id for row in records for actor_id in (row.actor_id, row.undone_by) if actor_id}
    people |= {detail["provider_id"] for detail in details if "provider_id" in detail}
    names = actor_names(connection, host, people) if records else {}
    labels = host.roster.status_labels
    return [
        BulkOperation(
            operation_id=row.operation_id,
            kind=_bulk_kind(row.kind),
            at=row.at,
            by=names[row.actor_id],
            provider=names.get(detail.get("provider_id", "")),
            status=labels.get(detail.get("status", ""), detail.get("status", "")),
            selected=detail.get("selected"),
            from_panel_id=row.from_panel_id,
            from_number=row.from_number,
            panel_id=row.panel_id,
            number=row.number,
            added=detail["added"],
            moved=detail["moved"],
            removed=detail["removed"],
            confirmed=detail["confirmed"],
            on_lists=detail.get("on_lists", 0),
            undone=Undone(**json.loads(row.undone)) if row.undone else None,
            undone_by=names[row.undone_by] if row.undone_by else "",
            undone_at=row.undone_at,
        )
        for row, detail in zip(records, details, strict=True)
    ]


def _bulk_kind(text: str) -> BulkKind:
    return BULK[OperationKind(text)]
