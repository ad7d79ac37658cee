"""Connections to MariaDB that are kept and used again: what a driver and a pool ask of the server besides is left out.

Each question takes as long as reading a row by its key, and a read of one patient asked seven of them.
"""

import select
from time import monotonic
from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, PoolResetState

_TRUSTED_SECONDS: Final = 30.0  # a network that breaks says nothing; whoever closes a connection does
_GIVEN_BACK: Final = "given back at"
_BEGUN: Final = "a transaction has begun"


def keep(engine: Engine) -> None:
    """Check each connection of a pool when it is taken out, and end its transaction when it is given back.

    Give the engine `pool_reset_on_return=None` and no `pool_pre_ping`.
    """

    @event.listens_for(engine, "checkin")
    def given_back(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        entry.info[_GIVEN_BACK] = monotonic()

    @event.listens_for(engine, "checkout")
    def taken_out(connection: DBAPIConnection, entry: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        given_back_at = entry.info.get(_GIVEN_BACK)
        if given_back_at is None:  # it has just been opened
            return
        if monotonic() - given_back_at < _TRUSTED_SECONDS and not _has_word(engine, connection):
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.info[_BEGUN] = True

    @event.listens_for(engine, "commit")
    @event.listens_for(engine, "rollback")
    def ended(connection: Connection) -> None:
        if not connection.invalidated:  # its information went with it
            connection.info[_BEGUN] = False

    @event.listens_for(engine, "reset")
    def reset(connection: DBAPIConnection, entry: ConnectionPoolEntry, state: PoolResetState) -> None:
        if not state.transaction_was_reset and entry.info.get(_BEGUN):
            engine.dialect.do_rollback(connection)  # type: ignore[arg-type]


def _has_word(engine: Engine, connection: Any) -> bool:
    """Whether the server has sent something that no one asked for: mostly, that it has closed the connection."""
    socket = vars(connection)["_sock"] if engine.driver == "pymysql" else connection
    waiting = select.poll()
    waiting.register(socket, select.POLLIN)
    return bool(waiting.poll(0))
