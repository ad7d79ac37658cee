"""Rows of numbers, added many at a time: a driver that makes SQL of each number takes longer than all else."""

from collections.abc import Sequence
from itertools import chain

from sqlalchemy import Connection, Table


def add(connection: Connection, table: Table, rows: Sequence[Sequence[int]]) -> None:
    """Insert rows, each with a number for every column of the table, by one statement. Raises ValueError for others."""
    width = len(table.columns)
    if set(map(len, rows)) != {width}:
        raise ValueError(f"a row of {table.name} has {width} numbers")
    of_row = f"({','.join(['%d'] * width)})"
    values = ",".join([of_row] * len(rows)) % tuple(chain.from_iterable(rows))
    columns = ", ".join(table.columns.keys())
    connection.exec_driver_sql(f"INSERT INTO {table} ({columns}) VALUES {values}")  # noqa: S608  # numbers alone
