"""Functions of ours on SQLite, which MariaDB has built in."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection


def give(connection: Connection, name: str, function: Callable[[str], str]) -> None:
    """Give an SQLite connection a function that it does not have: NULL for NULL. Nothing to do elsewhere."""
    if connection.dialect.name == "sqlite" and not connection.info.get(name):
        connection.info[name] = True  # lasts as long as the driver's connection, as the function does
        raw: Any = connection.connection.dbapi_connection
        raw.create_function(name, 1, lambda text: None if text is None else function(text), deterministic=True)
