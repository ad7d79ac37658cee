"""What databases say when another connection has come between: it holds a lock for too long, or has changed a row."""

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

_MARIADB_LOCK_WAIT_TIMEOUT = 1205
_MARIADB_DEADLOCK = 1213


def waited_too_long(error: OperationalError) -> bool:
    """Whether the database gave up waiting for a lock. The transaction is then to be begun again."""
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    return _is(error, _MARIADB_LOCK_WAIT_TIMEOUT)


def came_between(error: DBAPIError) -> bool:
    """Whether a row has come or gone meanwhile, or two waited for each other: the transaction may be begun again."""
    return isinstance(error, IntegrityError) or _is(error, _MARIADB_DEADLOCK)


def _is(error: DBAPIError, code: int) -> bool:
    return bool(error.orig and error.orig.args and error.orig.args[0] == code)
