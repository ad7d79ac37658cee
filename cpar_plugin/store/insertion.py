"""Rows that are added with each request: by SQL that is made once on a connection, and not looked up for each row."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table

from .prepared import PREPARED

_OPTIONS: Final = {PREPARED: True}


class _Made(NamedTuple):
    """For one connection: the SQL, and for each column what its type makes of a value, or None."""

    text: str
    processors: Sequence[Callable[[Any], Any] | None]


class Insertion:
    """Adds rows to a table, each with a value for each of these columns. For few tables, as `prepared`."""

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        """Raises KeyError for a column that the table has not."""
        self._table = table
        self._columns = [table.c[name] for name in columns]

    def add(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Add these rows, one or more, in the transaction of the connection. Raises what `Connection.execute` does."""
        kept = connection.info
        made = kept.get(self)
        if made is None:
            made = kept[self] = self._made(connection)
        values = [
            tuple(
                value if process is None else process(value)
                for process, value in zip(made.processors, row, strict=True)
            )
            for row in rows
        ]
        connection.exec_driver_sql(made.text, values[0] if len(values) == 1 else values, execution_options=_OPTIONS)

    def _made(self, connection: Connection) -> _Made:
        dialect, schema = connection.dialect, self._table.schema
        schemas = connection.get_execution_options().get("schema_translate_map") or {}
        quoted = dialect.identifier_preparer
        table = ".".join(quoted.quote(name) for name in (schemas.get(schema, schema), self._table.name) if name)
        columns = ", ".join(quoted.quote(column.name) for column in self._columns)
        place = "?" if dialect.paramstyle == "qmark" else "%s"  # the drivers of MariaDB take it for a sequence
        places = ", ".join([place] * len(self._columns))
        return _Made(
            f"INSERT INTO {table} ({columns}) VALUES ({places})",  # noqa: S608  # names of our own alone
            [column.type.dialect_impl(dialect).bind_processor(dialect) for column in self._columns],
        )
