"""Counts that all processes of a clinic share: how often something was done in one period."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import Session

from .tables import request_count


def add(session: Session, name: str, number: int, until: datetime) -> int:
    """Add to the count of this name in the period that ends at `until`; returns what it is now.

    A count of an earlier period begins again. Any number of processes may do so at once: none waits for another longer
    than one statement takes.
    """
    table = request_count
    of_mariadb = session.get_bind().dialect.name in ("mysql", "mariadb")
    statement = mysql.insert(table) if of_mariadb else sqlite.insert(table)
    new = statement.inserted if isinstance(statement, mysql.Insert) else statement.excluded
    is_over = table.c.expires_at < new.expires_at
    values: list[tuple[str, ColumnElement[Any]]] = [  # MariaDB assigns from left to right
        ("number", case((is_over, new.number), else_=table.c.number + new.number)),
        ("expires_at", case((is_over, new.expires_at), else_=table.c.expires_at)),
    ]
    if isinstance(statement, mysql.Insert):
        statement = statement.on_duplicate_key_update(values)
    else:
        statement = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=dict(values))
    session.execute(statement, {"name": name, "number": number, "expires_at": until})
    counted: int = session.scalars(select(table.c.number).where(table.c.name == name)).one()
    return counted
