"""Whether an error says that the database cannot answer just now, and that trying again later may help."""

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, TimeoutError

# MariaDB's: no socket, no server, too many connections, gone away, lost in a query, shutting down, killed.
_NUMBERS: Final = (2002, 2003, 1040, 2006, 2013, 1053, 1927)
_STATEMENT_ENDED: Final = 1969  # MariaDB's, by max_statement_time
TRY_AGAIN_SECONDS: Final = 10


def is_away(error: BaseException) -> bool:
    """Whether the server is down or too busy for another connection. Nothing was changed then."""
    if isinstance(error, TimeoutError):  # all connections are in use
        return True
    if not isinstance(error, DBAPIError):
        return False
    number = error.orig.args[0] if error.orig and error.orig.args else None
    return error.connection_invalidated or number in _NUMBERS


def took_too_long(error: BaseException) -> bool:
    """Whether the statement was ended because it took longer than a user should wait. Nothing was changed then."""
    original = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
    return bool(original and original.args and original.args[0] == _STATEMENT_ENDED)
