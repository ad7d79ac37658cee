"""How long statements may take: a user gets an answer in time, and a hanging database blocks no one."""

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import ceil, inf
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from . import patience

# The execution option of connections that write.
WRITING: Final = "writing"
_STEPS: Final = 20_000  # of SQLite's machine, less than a millisecond, between two looks at the clock
_READING: Final = ("SELECT", "WITH", "(")
_LONGEST_WORD: Final = 100  # of a statement's beginning, blanks counted: the whole may be long


class TimeLimits(BaseModel):
    """In seconds; the field's name is the setting's name."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    database_connect_seconds: int = Field(default=10, ge=1)
    database_seconds: int = Field(default=600, ge=1)
    statement_seconds: float = Field(default=30, gt=0)


@dataclass(frozen=True, slots=True)
class _Hurry:
    until: float = inf  # monotonic seconds
    each: float = inf

    def seconds(self, usual: float) -> float:
        """How long a question may take that usually may take so long. It is asked, though no time is left."""
        return max(_LEAST_SECONDS, min(usual, self.each, self.until - time.monotonic()))


_LEAST_SECONDS: Final = 0.05
_NO_HURRY: Final = _Hurry()
_HURRY: Final = ContextVar("cpar_database_hurry", default=_NO_HURRY)


@contextmanager
def answered_within(seconds: float = inf, *, each: float = inf) -> Iterator[None]:
    """Give MariaDB less time in this block of this thread: so many seconds for all that is asked, and for each answer.

    A server that has not answered then is given up as one that is away. SQLite waits for no network.
    """
    token = _HURRY.set(_Hurry(time.monotonic() + seconds, each))
    try:
        yield
    finally:
        _HURRY.reset(token)


def in_request() -> bool:
    """Whether a request is being answered. Without Flask there is none, and cron's commands do not import it."""
    flask = sys.modules.get("flask")
    return flask is not None and bool(flask.has_request_context())


def limit_on_mariadb(engine: Engine, limits: TimeLimits) -> None:
    """The server ends what someone waits for too long. A server that says nothing is given up.

    Give `connect_timeout` and `read_timeout` to the driver for connecting, and for asking whether the server is there:
    for all that mysqlclient does, give it the longest of them.
    """
    if engine.driver == "mysqldb":
        patience.give_up(engine, limits.database_connect_seconds)

    @event.listens_for(engine, "do_connect")
    def connected(dialect: Any, entry: Any, arguments: Any, options: dict[str, Any]) -> Any:
        seconds = ceil(_HURRY.get().seconds(options["connect_timeout"]))  # mysqlclient takes whole seconds
        if seconds >= options["connect_timeout"]:
            return None
        less = {"connect_timeout": seconds} | ({"read_timeout": seconds} if engine.driver == "pymysql" else {})
        return dialect.connect(*arguments, **{**options, **less})  # the options themselves are for all connections

    @event.listens_for(engine, "checkout", insert=True)  # before it is asked whether the server is there
    def taken_out(connection: DBAPIConnection, entry: ConnectionPoolEntry, _: Any) -> None:
        _be_patient(engine, connection, _HURRY.get().seconds(limits.database_connect_seconds))

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def limited(
        connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> tuple[str, Any]:
        seconds: float = limits.database_seconds
        if _is_waited_for(connection) and statement[:_LONGEST_WORD].lstrip().upper().startswith(_READING):
            statement = f"SET STATEMENT max_statement_time = {limits.statement_seconds:f} FOR {statement}"
            seconds = min(seconds, limits.statement_seconds + limits.database_connect_seconds)
        _be_patient(engine, connection.connection.dbapi_connection, _HURRY.get().seconds(seconds))
        return statement, parameters

    @event.listens_for(engine, "checkin")
    def given_back(connection: DBAPIConnection | None, _: ConnectionPoolEntry) -> None:
        _be_patient(engine, connection, limits.database_connect_seconds)


def _be_patient(engine: Engine, connection: Any, seconds: float) -> None:
    if connection is None:  # it has been lost
        return
    # PyMySQL sets it on the socket before each reading, and has no other way to change it on an open connection.
    if engine.driver == "pymysql":
        vars(connection).update(_read_timeout=seconds, _write_timeout=seconds)
    else:
        patience.be_patient(connection, seconds)


def limit_on_sqlite(engine: Engine, limits: TimeLimits) -> None:
    """SQLite asks us from time to time whether to continue."""

    @event.listens_for(engine, "connect")
    def connected(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)
        connection.set_progress_handler(_deadline_check(entry.info), _STEPS)

    @event.listens_for(engine, "before_cursor_execute")
    def begun(
        connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> None:
        waited_for = _is_waited_for(connection)
        connection.info[_UNTIL] = time.monotonic() + limits.statement_seconds if waited_for else inf


_UNTIL: Final = "statement ends at"


def _deadline_check(info: dict[Any, Any]) -> Callable[[], bool]:
    return lambda: time.monotonic() > info.get(_UNTIL, inf)


def _is_waited_for(connection: Connection) -> bool:
    """By a person or a program, for a page: not what is written, by jobs, or for an answer while it is sent."""
    return in_request() and not connection.get_execution_options().get(WRITING)
