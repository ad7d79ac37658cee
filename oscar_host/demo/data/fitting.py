"""Fit rows to the table that a database really has: OSCAR's forks differ in columns, NOT NULL and character set."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Connection, Table, column, insert, inspect, table, text
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine.interfaces import ReflectedColumn

from cpar_plugin.host_kit.database import MARIADB

Values = tuple[Any, ...]

_EMPTY: dict[type, object] = {str: "", date: "0001-01-01", datetime: "0001-01-01 00:00:00", time: "00:00:00"}


class FittedInsert:
    """Writes rows, which are plain tuples of the named columns, into a table as it is in this database.

    What the table lacks is omitted. Where it must have a value and there is none, it gets an empty one.
    """

    def __init__(self, connection: Connection, into: Table, columns: Sequence[str]) -> None:
        existing = {
            str(reflected["name"]).lower(): reflected
            for reflected in inspect(connection).get_columns(into.name, schema=into.schema)
        }
        matches = [existing.pop(name.lower(), None) for name in columns]
        pairs = [(index, reflected) for index, reflected in enumerate(matches) if reflected is not None]
        numbered = {reflected.name.lower() for reflected in into.primary_key}
        others = [
            reflected
            for name, reflected in existing.items()
            if not reflected["nullable"] and reflected["default"] is None and name not in numbered
        ]
        self._kept = [(index, None if reflected["nullable"] else _empty(reflected)) for index, reflected in pairs]
        self._others = tuple(_empty(reflected) for reflected in others)
        target = table(
            into.name,
            *(column(field["name"]) for field in [*(field for _, field in pairs), *others]),
            schema=into.schema,
        )
        dialect = mysql.dialect(paramstyle="format") if connection.dialect.name in MARIADB else sqlite.dialect()
        self._sql = str(insert(target).compile(dialect=dialect))  # values by place: the rows are tuples

    def write(self, connection: Connection, rows: list[Values]) -> int:
        """Insert the rows and return how many they are."""
        if rows:
            connection.exec_driver_sql(self._sql, [self._fit(row) for row in rows])
        return len(rows)

    def _fit(self, row: Values) -> Values:
        return (*(empty if row[place] is None else row[place] for place, empty in self._kept), *self._others)


def _empty(reflected: ReflectedColumn) -> object:
    return _EMPTY.get(reflected["type"].python_type, 0)


def holds_emoji(connection: Connection, of: Table, name: str) -> bool:
    """Whether the column takes characters beyond the three bytes of MariaDB's utf8mb3."""
    if connection.dialect.name not in MARIADB:
        return True
    character_set = connection.scalar(
        text(
            "SELECT character_set_name FROM information_schema.columns WHERE table_name = :table "
            "AND column_name = :column AND table_schema = COALESCE(:schema, DATABASE())"
        ),
        {"table": of.name, "column": name, "schema": of.schema},
    )
    return bool(character_set == "utf8mb4")


def without_emoji(note: str) -> str:
    """The note as a server of three-byte characters keeps it when OSCAR writes it: a question mark for each."""
    return "".join("?" if character > "\uffff" else character for character in note)
