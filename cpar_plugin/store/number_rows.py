"""Rows of numbers, added many at a time: a driver that makes SQL of each number takes longer than all else."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table


def add(connection: Connection, table: Table, rows: Sequence[Sequence[int]]) -> None:
    """Insert rows, each with a number for every column of the table, by one statement. Raises ValueError for others."""
    width = len(table.columns)
    if any(len(row) != width for row in rows):
        raise ValueError(f"a row of {table.name} has {width} numbers")
    values = ",".join([f"({','.join([str(int(number)) for number in row])})" for row in rows])
    columns = ", ".join(table.columns.keys())
    connection.exec_driver_sql(f"INSERT INTO {table} ({columns}) VALUES {values}")  # noqa: S608  # numbers alone
