"""Versions of resources: written where the content differs from what was there, and only then."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, case, literal_column, null, update
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import Session

GONE = b""  # the digest of what is gone: whatever comes back differs from it
_ONE: ColumnElement[int] = literal_column("1")
_NONE: ColumnElement[int] = literal_column("0")


def put(session: Session, table: Table, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    """Keep the digests of resources as they are at `now`: a version moves on where its digest is another one.

    `rows` have the key columns of `table` and `digest`. Any number of processes may do so at once.
    """
    if not rows:
        return
    of_mariadb = session.get_bind().dialect.name in ("mysql", "mariadb")
    statement = mysql.insert(table) if of_mariadb else sqlite.insert(table)
    new = statement.inserted if isinstance(statement, mysql.Insert) else statement.excluded
    # No parameter in here: the driver sends many rows at once only without.
    changed = table.c.digest != new.digest
    values: list[tuple[str, ColumnElement[Any]]] = [  # MariaDB assigns from left to right
        ("version", table.c.version + case((changed, _ONE), else_=_NONE)),
        ("last_updated", case((changed, new.last_updated), else_=table.c.last_updated)),
        ("gone_at", null()),
        ("digest", new.digest),
    ]
    if isinstance(statement, mysql.Insert):
        statement = statement.on_duplicate_key_update(values)
    else:
        statement = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=dict(values))
    session.execute(statement, [{"version": 1, "last_updated": now, **row} for row in rows])


def mark_gone(session: Session, table: Table, keys: ColumnElement[bool], now: datetime) -> None:
    """Keep that resources are no longer there, which is a version of its own. `keys` says which."""
    session.execute(
        update(table)
        .where(keys, table.c.gone_at.is_(None))
        .values(digest=GONE, version=table.c.version + 1, last_updated=now, gone_at=now)
    )
