"""Rows that are added after a reading, on the connection that has read: to take another one takes as long as a row."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from ..hooks import Database


@contextmanager
def adding(database: Database, reader: Connection | None = None) -> Iterator[Connection]:
    """One transaction that only adds rows: committed at the end of the block, rolled back when it raises.

    `reader` has read all that it needs: its transaction goes on, and is ended with this one. SQLite lets no
    transaction write after another one has, so that there it is one of its own.
    """
    if reader is None or reader.dialect.name == "sqlite":
        with database.writing() as connection:
            yield connection
        return
    try:
        yield reader
        reader.commit()
    except BaseException:
        reader.rollback()
        raise
