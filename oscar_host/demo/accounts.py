"""Who may sign in to the embedded EMR: the rows of `security`, with passwords as bcrypt."""

from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Lock

import bcrypt
from sqlalchemy import Connection, and_, func, or_, select, true

from ..schema import Tables, present
from ..sql import letters, may_be_stored

_BCRYPT = "{bcrypt}"
_NOBODY = bcrypt.hashpw(b"nobody", bcrypt.gensalt(10)).decode()
_BCRYPT_READS = 72  # bytes


def hashed(password: str) -> str:
    """The password as it stands in `security.password`."""
    return _BCRYPT + bcrypt.hashpw(password.encode()[:_BCRYPT_READS], bcrypt.gensalt(10)).decode()


def provider_of(connection: Connection, tables: Tables, user_name: str, password: str, today: date) -> str | None:
    """The provider who signs in with this name and password; None for anything wrong, and it takes as long."""
    security, provider = tables.security, tables.provider
    there = present(connection.engine, tables)
    # Compared in SQL: MariaDB's 0000-00-00 is no date in Python.
    expired = and_(security.c.b_ExpireSet == 1, func.coalesce(security.c.date_ExpireDate < today, true()))
    barred = or_(
        expired,
        *(
            func.coalesce(there.column(column), 0) != 0
            for column in (security.c.forcePasswordReset, security.c.usingMfa)
        ),
        func.coalesce(provider.c.status, "1") == "0",
    )
    account = (
        select(security.c.password, security.c.provider_no, barred.label("barred"))
        .join_from(security, provider, letters(security.c.provider_no) == letters(provider.c.provider_no))
        .where(security.c.user_name == user_name)
    )
    row = connection.execute(account).one_or_none() if may_be_stored(user_name) else None
    stored = row.password if row is not None and row.password.startswith(_BCRYPT) else _BCRYPT + _NOBODY
    fits = bcrypt.checkpw(password.encode()[:_BCRYPT_READS], stored.removeprefix(_BCRYPT).encode())
    return None if row is None or not fits or row.barred else row.provider_no


@dataclass(slots=True)
class Throttle:
    """At most `attempts` wrong passwords for one name within `within`, and for all names together fifty times that."""

    attempts: int = 5
    within: timedelta = timedelta(minutes=1)
    _failures: deque[tuple[datetime, str]] = field(default_factory=deque)
    _lock: Lock = field(default_factory=Lock)

    def open(self, user_name: str, now: datetime) -> bool:
        """Whether this name may be tried now."""
        with self._lock:
            while self._failures and self._failures[0][0] <= now - self.within:
                self._failures.popleft()
            of_name = sum(name == user_name for _, name in self._failures)
            return of_name < self.attempts and len(self._failures) < 50 * self.attempts

    def failed(self, user_name: str, now: datetime) -> None:
        """Remember a wrong password."""
        with self._lock:
            self._failures.append((now, user_name))
