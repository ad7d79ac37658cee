"""Access tokens: random texts that only the client knows. We keep their SHA-256, for the minutes that they last."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ...domain.scopes import rights
from ...hooks import Actor, Host
from ...store import tables
from .caller import Caller
from .registry import Client, id_of

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_TABLE = tables.client_token
# Made once: to put a statement together takes longer than to ask it.
_OWNER = (
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


def caller_with(connection: Connection, token: str, now: datetime) -> tuple[Caller | None, bool]:
    """The client with this token, None without a valid one; and whether the integration is on. One statement."""
    if not _TOKEN.fullmatch(token):
        return None, True
    rows = connection.execute(_OWNER, {"of_token": _digest(token)}).all()
    if not rows or rows[0].expires_at <= now:
        return None, True
    first = rows[0]
    client_id = id_of(first.client_id)
    caller = Caller(
        actor=Actor(actor_id=client_id, display_name=first.name),
        client_id=client_id,
        scopes=rights(first.scopes),
        panels=None if first.panel_id is None else frozenset(row.panel_id for row in rows),
    )
    return caller, first.enabled_at is not None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
