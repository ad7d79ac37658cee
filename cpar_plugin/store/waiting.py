"""What databases say when another connection holds a lock for too long."""

import sqlite3

from sqlalchemy.exc import OperationalError

_MARIADB_LOCK_WAIT_TIMEOUT = 1205


def waited_too_long(error: OperationalError) -> bool:
    """Whether the database gave up waiting for a lock. The transaction is then to be begun again."""
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    return bool(error.orig and error.orig.args and error.orig.args[0] == _MARIADB_LOCK_WAIT_TIMEOUT)
