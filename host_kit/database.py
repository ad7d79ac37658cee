"""Engines that behave alike on SQLite and MariaDB: strict, with real transactions and consistent reads."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from cpar_plugin.domain.texts import readable, without_separators
from cpar_plugin.hooks import Refused

from .compiled_statements import SharedStatements
from .kept_connections import keep
from .prepared import prepare_on_mariadb
from .sql import COLLAPSED, READABLE
from .time_limits import WRITING, TimeLimits, limit_on_mariadb, limit_on_sqlite

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MARIADB = ("mysql", "mariadb")
_BUSY_SECONDS = 30
_CACHE_KIBIBYTES = 512  # of a connection; what else is asked for is in the memory of the operating system
_MOST_CONNECTIONS = 15  # of a process; all are kept, for to open one takes longer than to answer most requests
# For one transaction, where the session's level would have to be set and put back.
_NEXT_READS_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
# With one of these, PyMySQL 2.2.8 puts away what SQLAlchemy 2.1.9 makes of ssl_ca, and compares no name.
_FORGET_THE_AUTHORITY = {"ssl_verify_cert", "ssl_verify_identity"}
_JOINED_BYTES = 1024 * 1024  # MariaDB's own default, which a server may have lowered
_NOT_ALLOWED = (1142, 1143, 1290)  # on the table, on a column, on a server that only reads

# OSCAR's server runs without any mode and cuts what is too long. Ours is strict, but without NO_ZERO_DATE and
# NO_ZERO_IN_DATE: OSCAR's tables hold 0000-00-00, and we must be able to read them.
_SQL_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"


class HostDatabase:
    """The database of the plugin's tables, from which the host's are reachable.

    A connection of `engine` is for reading: one consistent view of the data from its first statement on. What someone
    waits for is ended when it takes too long.
    """

    def __init__(
        self, url: str, limits: TimeLimits | None = None, schemas: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Nothing is connected yet. `schemas`: what names of schemas in statements stand for in this database, so that
        statements for many databases are compiled once.

        Raises Refused for a URL that names no SQLite file and no MariaDB database.
        """
        checked, limits, statements = _checked(url), limits or TimeLimits(), SharedStatements()
        options = {"compiled_cache": statements, **({"schema_translate_map": {**schemas}} if schemas else {})}
        self.engine: Engine
        if checked.get_backend_name() == "sqlite":
            self.engine = _sqlite(checked, options)
            limit_on_sqlite(self.engine, limits)
            self._writing = self.engine.execution_options(begin="BEGIN IMMEDIATE", **{WRITING: True})
        else:
            self.engine = _mariadb(checked, limits, options)
            limit_on_mariadb(self.engine, limits)
            prepare_on_mariadb(self.engine)
            self._writing = self.engine.execution_options(begin=_NEXT_READS_COMMITTED, **{WRITING: True})
        _begin_as_said(self.engine)
        statements.share(self.engine)

    def close(self) -> None:
        """Close all connections: those in use, and any that are opened later, as soon as they are returned."""
        if not event.contains(self.engine, "checkin", _end):
            event.listen(self.engine, "checkin", _end)
        self.engine.dispose()

    @contextmanager
    def session(self) -> "Iterator[Session]":
        """One transaction for writing: committed at the end of the block, rolled back when it raises."""
        from sqlalchemy.orm import Session  # with the first one: nothing due, and nothing needs it

        with Session(self._writing) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The same, as a plain connection."""
        with self._writing.begin() as connection:
            yield connection

    @contextmanager
    def writing_at_once(self) -> Iterator[Connection]:
        """The same, for what may be skipped: where SQLite would wait for another writer it raises
        OperationalError. MariaDB's writers do not wait for each other unless they change the same row.
        """
        with self._writing.connect() as connection:
            driver = connection.connection.driver_connection
            if isinstance(driver, sqlite3.Connection):
                driver.execute("PRAGMA busy_timeout = 0").close()
            try:
                with connection.begin():
                    yield connection
            finally:
                if isinstance(driver, sqlite3.Connection):
                    driver.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}").close()


def _end(_: DBAPIConnection | None, connection: ConnectionPoolEntry) -> None:
    connection.invalidate()


def not_allowed(error: OperationalError) -> bool:
    """Whether MariaDB has refused a statement because this account may not do that. SQLite has no accounts."""
    return error.orig is not None and error.orig.args[0] in _NOT_ALLOWED


def _checked(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # Without the text: it may hold a password.
        raise Refused({"database_url": "Not a database URL: write it like mysql+pymysql://user@host/cpar."}) from None
    backend = url.get_backend_name()
    if backend not in ("sqlite", *MARIADB):
        raise Refused({"database_url": f"A {backend} database is not supported: use SQLite or MariaDB."})
    if url.database in (None, "", ":memory:"):
        raise Refused({"database_url": "Name a database: sqlite:///cpar.db, or mysql+pymysql://user@host/cpar."})
    return url.set(drivername=f"{backend}+{_driver(url)}") if url.drivername in MARIADB else url


def _sqlite(url: URL, options: dict[str, Any]) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=_MOST_CONNECTIONS,
        max_overflow=0,
        pool_use_lifo=True,  # taken in turn, each would soon keep what all requests need
        connect_args={"timeout": _BUSY_SECONDS},
        execution_options=options,
    )

    @event.listens_for(engine, "connect")
    def connected(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)
        # SQLAlchemy begins transactions (below), not the driver: that one leaves SELECT outside of them.
        connection.isolation_level = None
        _write_ahead(connection)
        connection.execute("PRAGMA foreign_keys = ON").close()
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}").close()
        connection.create_function(READABLE, 1, _or_null(readable), deterministic=True)
        connection.create_function(COLLAPSED, 1, _or_null(without_separators), deterministic=True)

    return engine


def _begin_as_said(engine: Engine) -> None:
    """Begin a transaction by the statement that the execution option `begin` says."""

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        statement = connection.get_execution_options().get("begin")
        if statement:  # perhaps has to wait, and may fail: an error is SQLAlchemy's
            connection.exec_driver_sql(statement)
        elif engine.dialect.name == "sqlite":
            connection.connection.cursor().execute("BEGIN")


def _or_null(function: Callable[[str], str | None]) -> Callable[[object], str | None]:
    """As a function of SQL: NULL for NULL, and for what is no text."""
    return lambda value: function(value) if isinstance(value, str) else None


def _write_ahead(connection: sqlite3.Connection) -> None:
    # Of processes that open a new file at the same moment SQLite turns some away here, without its usual waiting.
    give_up = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)
        else:
            return


def _driver(url: URL) -> str:
    """Of a URL that names none: mysqlclient, which is written in C, where it is installed and a socket of this machine
    is used. For a network it is PyMySQL, which is always installed, and by `ssl_ca` alone checks certificate and name.
    """
    return "mysqldb" if _over_a_socket(url) and _has_mysqlclient() else "pymysql"


def _has_mysqlclient() -> bool:
    try:
        import MySQLdb  # noqa: F401
    except ImportError:  # of itself, or of the library in C that it was compiled for
        return False
    return True


def _over_a_socket(url: URL) -> bool:
    return "unix_socket" in url.query and not any(option.startswith("ssl") for option in url.query)


def _without_tls(url: URL) -> dict[str, bool]:
    """Over a socket of this machine, unless the URL asks for TLS: otherwise PyMySQL 1.2.4 reads every authority that
    the machine trusts, for each connection, which takes it 50 ms and longer.
    """
    return {"ssl_disabled": True} if url.get_driver_name() == "pymysql" and _over_a_socket(url) else {}


def _mariadb(url: URL, limits: TimeLimits, options: dict[str, Any]) -> Engine:
    connect_seconds = limits.database_connect_seconds
    # PyMySQL is told for each statement how long it may take; what mysqlclient asks is ended by a thread before that.
    read_seconds = connect_seconds if url.get_driver_name() == "pymysql" else limits.database_seconds
    engine = create_engine(
        url,
        hide_parameters=True,  # they hold patient data, and errors are logged
        isolation_level="REPEATABLE READ",
        pool_size=_MOST_CONNECTIONS,
        max_overflow=0,
        pool_reset_on_return=None,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": connect_seconds,
            "read_timeout": read_seconds,
            "init_command": f"SET SESSION sql_mode = '{_SQL_MODE}', SESSION time_zone = '+00:00', "
            f"SESSION group_concat_max_len = {_JOINED_BYTES}",
            **_without_tls(url),
        },
        execution_options=options,
    )
    if engine.driver == "pymysql":
        import pymysql  # the engine has done so

        driver_options = engine.dialect.create_connect_args(url)[1]
        names = ", ".join(sorted(set(driver_options) - set(signature(pymysql.connect).parameters)))
        if names:
            raise Refused({"database_url": f"The database URL has options that the driver does not know: {names}."})
        insecure_options = ", ".join(sorted(_FORGET_THE_AUTHORITY & set(url.query)))
        if insecure_options:
            message = f"Leave {insecure_options} out of the database URL: ssl_ca alone checks certificate and name."
            raise Refused({"database_url": message})
    keep(engine)
    return engine
