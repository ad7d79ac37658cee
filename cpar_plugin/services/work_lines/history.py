"""What people changed of lines, as it was kept by `keeping`: the rows, each in words, and what can be undone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, exists, func, select

from ...store.tables import operation
from ...store.types import KEYS
from ..operations.record import OperationKind

_MOST: Final = 500
_UNDOING: Final = (OperationKind.UNDO_WORK, OperationKind.UNDO_EXCLUSIONS)


@dataclass(frozen=True, slots=True)
class LineEvent:
    """What happened to a line. `operation_id`: a change that can be undone, of `lines` lines; None for other events."""

    at: datetime
    text: str
    by: str
    operation_id: int | None = None
    lines: int = 0


def changes_of(changes: Table, which: ColumnElement[bool]) -> Select[Any]:
    """The kept changes of some lines with their operations, `undone_by`, and of how many `lines` each is."""
    undoing, same = operation.alias("undoing"), changes.alias("same")
    count = select(func.count()).where(same.c.operation_id == changes.c.operation_id).scalar_subquery()
    return (
        select(
            changes,
            *(operation.c[name] for name in ("kind", "at", "actor_id", "detail")),
            undoing.c.operation_id.label("undone_by"),
            count.label("lines"),
        )
        .join_from(changes, operation, operation.c.operation_id == changes.c.operation_id)
        .outerjoin(undoing, undoing.c.undoes == operation.c.operation_id)
        .where(which)
        .order_by(changes.c.version.desc())
        .limit(_MOST)
    )


def people_in(changes: Collection[Row[Any]]) -> set[str]:
    """Whose names are needed to say what was changed."""
    return {
        person
        for row in changes
        for person in (row.actor_id, row.owner_id_before, row.owner_id_after)
        if person is not None
    }


def change_event(
    row: Row[Any],
    names: Mapping[str, str],
    labels: Mapping[str, str],
    kinds: Collection[OperationKind],
    why: str = "",
) -> LineEvent:
    """A change in words. `labels` are of the states; operations of `kinds` can be undone; `why` comes first."""
    parts = [why] if why else []
    if row.owner_id_before != row.owner_id_after:
        parts.append(f"Taken by {names[row.owner_id_after]}" if row.owner_id_after else "Released")
    if row.state_before != row.state_after:
        parts.append(f"{labels[row.state_before]} \u2192 {labels[row.state_after]}")
    if row.note_before != row.note_after:
        parts.append(f"Note: {row.note_after}" if row.note_after else "Note cleared")
    text, is_undone = "; ".join(parts) or "Nothing changed", row.undone_by is not None
    if row.kind in _UNDOING:
        text = f"Undone: {text}"
    return LineEvent(
        at=row.at,
        text=f"{text} (undone later)" if is_undone else text,
        by=names[row.actor_id],
        operation_id=row.operation_id if row.kind in kinds and not is_undone else None,
        lines=row.lines,
    )


def undoable_lines(
    connection: Connection, changes: Table, actor_id: str, operation_id: int, kinds: Collection[OperationKind]
) -> int:
    """How many lines the actor has changed with an operation of a kind that is not undone yet; 0 for other numbers."""
    undoing = operation.alias("undoing")
    is_undone = exists().where(undoing.c.undoes == operation.c.operation_id)
    query = (
        select(func.count())
        .select_from(changes)
        .join(operation, operation.c.operation_id == changes.c.operation_id)
        .where(changes.c.operation_id == operation_id, operation.c.actor_id == actor_id, ~is_undone)
        .where(operation.c.kind.in_([kind.value for kind in kinds]))
    )
    return (connection.scalar(query) or 0) if operation_id in KEYS else 0
