"""What a person typed, kept for a short time under a random token, so that it stands in no address and no log.

The database holds only the token's hash and what was typed, sealed with a key derived from the token: neither the
database nor a dump of it reveals a search. It belongs to one owner, and to one session where `session_key` is given.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any, Final

import orjson
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import delete, insert, select

from ...domain.refusals import Refused
from ...hooks import Host
from ...store import tables

LARGEST: Final = 256 * 1024  # bytes
_MOST = 200  # of one owner


class Expired(Refused):
    """Nothing is kept under this token for this owner and session, or no longer."""

    def __init__(self) -> None:
        super().__init__("This has expired. Start again.")


def keep(host: Host, owner: str, content: Any, lifetime: timedelta, session_key: str = "") -> str:
    """Keep `content` (JSON) for its owner. Returns the token. Raises Refused when there is too much of it.

    Whatever has expired is removed, and of the owner's the oldest beyond the latest 200.
    """
    data = orjson.dumps(content)
    if len(data) > LARGEST:
        raise Refused("This is too large to be kept.")
    token, now, kept = secrets.token_urlsafe(24), host.clock.now(), tables.kept
    row = {"token_hash": _hash(token), "owner": owner, "sealed": _box(token, session_key).encrypt(data)}
    with host.database.session() as session:
        older = select(kept.c.expires_at).where(kept.c.owner == owner).order_by(kept.c.expires_at.desc())
        oldest = session.scalar(older.offset(_MOST - 1).limit(1))
        session.execute(delete(kept).where(kept.c.expires_at <= now))
        if oldest:
            session.execute(delete(kept).where(kept.c.owner == owner, kept.c.expires_at <= oldest))
        session.execute(insert(kept).values(**row, expires_at=now + lifetime))
    return token


def find(host: Host, owner: str, token: str, session_key: str = "") -> Any:
    """What is kept under the token. Raises Expired, whatever the reason: nobody learns whether another has it."""
    kept = tables.kept.c
    query = select(kept.owner, kept.sealed).where(kept.token_hash == _hash(token), kept.expires_at > host.clock.now())
    with host.database.engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    if row is None or not hmac.compare_digest(row.owner.encode(), owner.encode()):
        raise Expired
    try:
        return orjson.loads(_box(token, session_key).decrypt(row.sealed))
    except InvalidToken:
        raise Expired from None


def discard(host: Host, token: str) -> None:
    """Forget what is kept under the token."""
    with host.database.session() as session:
        session.execute(delete(tables.kept).where(tables.kept.c.token_hash == _hash(token)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _box(token: str, session_key: str) -> Fernet:
    return Fernet(urlsafe_b64encode(hmac.digest(token.encode(), f"kept {session_key}".encode(), "sha256")))
