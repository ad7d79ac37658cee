"""Access tokens: random texts that only the client knows. We keep their SHA-256, for the minutes that they last."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Row, Select, String, bindparam, delete, exists, func, insert, select, update

from ...domain.scopes import rights
from ...hooks import Actor, Host
from ...store import tables
from ...store.prepared import prepared
from .caller import Caller
from .registry import Client, id_of

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_TABLE = tables.client_token
# Made once: to put a statement together takes longer than to ask it.
_OWNER = prepared(
    select(
        tables.client.c.client_id,
        tables.client.c.name,
        _TABLE.c.scopes,
        _TABLE.c.expires_at,
        select(tables.clinic.c.enabled_at).scalar_subquery().label("enabled_at"),
        tables.client_panel.c.panel_id,
    )
    .select_from(
        _TABLE.join(tables.client, tables.client.c.client_id == _TABLE.c.client_id).outerjoin(
            tables.client_panel, tables.client_panel.c.client_id == tables.client.c.client_id
        )
    )
    .where(
        _TABLE.c.digest == bindparam("of_token"),
        tables.client.c.revoked_at.is_(None),
        tables.client.c.held_at.is_(None),
    )
)


class StatementWithValues(NamedTuple):
    """What is asked together with who has a token."""

    query: Select[Any]
    values: Mapping[str, Any]


class ReadAlong(NamedTuple):
    """What was asked together with who has a token, and its rows: none where it has to be asked by itself."""

    statement: StatementWithValues | None = None
    rows: Sequence[Row[Any]] = ()

    def rows_of(self, statement: StatementWithValues | None) -> Sequence[Row[Any]]:
        """The rows, if they are those of this statement."""
        return self.rows if statement is not None and statement == self.statement else ()


NOTHING_ALONG = ReadAlong()


class Bearer(NamedTuple):
    """Who sent a token: None without a valid one. `rows` are those of the statement that was asked along, if any."""

    caller: Caller | None
    enabled: bool = True  # the integration
    rows: Sequence[Row[Any]] = ()


class Ended(Exception):
    """The client has been changed or revoked while it was given a token."""


def issue(host: Host, client: Client, scopes: str, lifetime: timedelta) -> str:
    """A new token for these scopes. Raises Ended when the client is no longer the one that `client` says."""
    token, now = secrets.token_urlsafe(32), host.clock.now()
    columns = tables.client.c
    with host.database.session() as session:
        # Waits for a change or revocation that is under way, so that no token outlives it.
        updated = session.execute(
            update(tables.client)
            .where(columns.client_id == client.number, columns.version == client.version)
            .where(columns.revoked_at.is_(None), columns.held_at.is_(None))
            .values(last_used_at=now)
        )
        if not updated.rowcount:  # type: ignore[attr-defined]
            raise Ended
        session.execute(delete(_TABLE).where(_TABLE.c.client_id == client.number, _TABLE.c.expires_at <= now))
        session.execute(
            insert(_TABLE).values(
                digest=_digest(token), client_id=client.number, scopes=scopes, expires_at=now + lifetime
            )
        )
    return token


def bearer(connection: Connection, token: str, now: datetime, along: StatementWithValues | None = None) -> Bearer:
    """Who sent this token. One statement, which also reads what is asked `along`.

    Another one follows where that has no rows, or the client is limited to panels, or turned away.
    """
    if not _TOKEN.fullmatch(token):
        return Bearer(None)
    of_token = {"of_token": _digest(token)}
    if along:
        rows = connection.execute(_with_owner(along.query), {**along.values, **of_token, "now": now}).all()
        if rows and rows[0].owner:
            number, name, scopes = orjson.loads(rows[0].owner)
            return Bearer(_caller(number, name, scopes, None), rows=rows)
    rows = connection.execute(_OWNER, of_token).all()
    if not rows or rows[0].expires_at <= now:
        return Bearer(None)
    first = rows[0]
    panels = None if first.panel_id is None else frozenset(row.panel_id for row in rows)
    return Bearer(_caller(first.client_id, first.name, first.scopes, panels), enabled=first.enabled_at is not None)


def _caller(number: int, name: str, scopes: str, panels: frozenset[int] | None) -> Caller:
    client_id = id_of(number)
    actor = Actor(actor_id=client_id, display_name=name)
    return Caller(actor=actor, client_id=client_id, scopes=rights(scopes), panels=panels)


@lru_cache(maxsize=16)
def _with_owner(query: Select[Any]) -> Select[Any]:
    """A statement with the column `owner`: who has the token, if it is valid and they may read all panels, or NULL."""
    client, limited = tables.client.c, tables.client_panel.c
    owner = (
        select(func.json_array(client.client_id, client.name, _TABLE.c.scopes, type_=String()))
        .select_from(_TABLE.join(tables.client, client.client_id == _TABLE.c.client_id))
        .where(_TABLE.c.digest == bindparam("of_token"), _TABLE.c.expires_at > bindparam("now"))
        .where(client.revoked_at.is_(None), client.held_at.is_(None))
        .where(~exists().where(limited.client_id == client.client_id))
        .where(exists().where(tables.clinic.c.enabled_at.is_not(None)))
    )
    return query.add_columns(owner.scalar_subquery().label("owner"))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
