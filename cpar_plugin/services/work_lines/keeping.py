"""What a change of lines has changed, line by line: kept where a list has a table for it, and undone from there."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, insert, literal, null, select
from sqlalchemy.orm import Session

CHANGED: Final = ("owner_id", "state", "note")


def keep(
    session: Session,
    table: Table,
    changes: Table,
    these: ColumnElement[bool],
    values: Mapping[str, Any],
    operation_id: int,
) -> None:
    """Before these lines of the table get the values. Columns of `changes` beside those are copied by their names."""
    line = table.c
    columns: dict[str, ColumnElement[Any]] = {"operation_id": literal(operation_id), "version": line.version + 1}
    for name in CHANGED:
        columns[f"{name}_before"] = line[name]
        columns[f"{name}_after"] = _value(values[name], line[name]) if name in values else line[name]
    columns |= {column.name: line[column.name] for column in changes.c if column.name not in columns}
    session.execute(insert(changes).from_select(list(columns), select(*columns.values()).where(these)))


def _value(value: object, column: ColumnElement[Any]) -> ColumnElement[Any]:
    return null() if value is None else literal(value, column.type)
