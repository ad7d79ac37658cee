"""Settings, plugins and the database: what has to be right before anything else can be looked at."""

import os
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from cpar_plugin.hooks import Health, Plugins
from cpar_plugin.host_kit.database import MARIADB
from cpar_plugin.transport.trust import distrusted

from ..host import OscarHost

CONNECT_SECONDS: Final = 10
STATEMENT_SECONDS: Final = 60
_MIB: Final = 1024 * 1024
_LEAST_PACKET: Final = 2 * _MIB  # a piece of a submission takes up to one, with each of its bytes written as two
_OLDEST: Final = (10, 5)
_READABLE_BY_ALL: Final = 0o004

_CHECK_ADDRESS: Final = "Check that the server is running, and its address in CPAR_DATABASE_URL."
_CHECK_ACCOUNT: Final = (
    "Check user and password in CPAR_DATABASE_URL, and that the account may connect from this machine."
)
# By the server's or the driver's number: what it means, and what to do. {database} and {user} are those of the URL.
_REFUSALS: Final = {
    1040: ("The server has no connection left.", "Raise max_connections on the server, or find what uses them."),
    1044: ("The account may not use the database {database}, or there is none.", "{make}"),
    1045: ("The server rejects the account {user}.", _CHECK_ACCOUNT),
    1049: ("There is no database {database}.", "{make}"),
    1130: ("The server accepts no connections from this machine.", _CHECK_ACCOUNT),
    1193: ("The server is not MariaDB.", "Use MariaDB, as OSCAR does, or SQLite for testing."),
    1698: ("The server rejects the account {user}.", _CHECK_ACCOUNT),
    2002: ("The server cannot be reached.", _CHECK_ADDRESS),
    2003: ("The server cannot be reached.", _CHECK_ADDRESS),
    2005: ("The server's host name cannot be resolved.", _CHECK_ADDRESS),
}
_MAKE: Final = (
    "Check the name in CPAR_DATABASE_URL. To make it: CREATE DATABASE {database} CHARACTER SET utf8mb4 COLLATE "
    "utf8mb4_bin; and give the account ALL on {database}.*"
)


def limit_waiting(engine: Engine) -> None:
    """Let no connection take longer than ten seconds to open and no statement longer than a minute: MariaDB ends it."""
    if engine.dialect.name not in MARIADB:
        return

    @event.listens_for(engine, "do_connect")
    def connecting(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
        options.setdefault("connect_timeout", CONNECT_SECONDS)
        options.setdefault("read_timeout", STATEMENT_SECONDS + CONNECT_SECONDS)

    @event.listens_for(engine, "connect")
    def connected(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET SESSION max_statement_time = {STATEMENT_SECONDS}")
        cursor.close()


def settings(host: OscarHost) -> Health:
    """Whether others can read the file with the settings, which may hold passwords."""
    path = os.environ.get("CPAR_SETTINGS", "")
    return settings_file(Path(path)) if path else Health.ok("The settings can be read.")


def settings_file(path: Path) -> Health:
    """The same for this file. Raises OSError where it cannot be looked at."""
    if path.stat().st_mode & _READABLE_BY_ALL:
        return Health.warning(
            f"Everyone on this machine can read {path}, and it may contain passwords.",
            f"Give it to the user that the application runs as: chmod o-r {path}",
        )
    return Health.ok("The settings can be read.")


def plugins_fit(plugins: Plugins) -> Health:
    """Which plugins there are."""
    manifests = plugins.manifests.values()
    if not manifests:
        return Health.failure("No plugin is installed.", "Reinstall the package oscar-cpar-plugin.")
    return Health.ok(", ".join(f"{manifest.name} {manifest.version}" for manifest in manifests) + ".")


def database(host: OscarHost) -> Health:
    """Whether the database can be connected to."""
    engine = host.database.engine
    url = engine.url
    of_mariadb = engine.dialect.name in MARIADB
    file = Path(url.database or "")
    if not of_mariadb and "uri" not in url.query and not file.is_file():
        # To connect would make an empty one.
        return Health.failure(
            f"File not found: {file.absolute()}.", "Check CPAR_DATABASE_URL; to make it: cpar migrate"
        )
    try:
        with engine.connect() as connection:
            if not of_mariadb:
                version = connection.scalar(text("SELECT sqlite_version()"))
                return Health.ok(f"SQLite {version}, {file.absolute()}.")
            account = connection.scalar(text("SELECT CURRENT_USER()"))
    except DBAPIError as error:
        return _refused(error, engine)
    version = engine.dialect.server_version_info or ()
    driver = "mysqlclient" if engine.driver == "mysqldb" else "PyMySQL"
    message = (
        f"MariaDB {'.'.join(map(str, version[:3]))}, database {url.database}, account {account}, through {driver}."
    )
    if version < _OLDEST:
        return Health.warning(f"{message} It is older than the supported versions.", "Update to MariaDB 10.11.")
    return Health.ok(message)


def _refused(error: DBAPIError, engine: Engine) -> Health:
    number = error.orig.args[0] if error.orig and error.orig.args else 0
    if engine.dialect.name not in MARIADB:
        file = engine.url.database
        return Health.failure(
            f"The file {file} cannot be used as a database.",
            "Check CPAR_DATABASE_URL, and that this user may write to the file and to its folder.",
        )
    if distrust := distrusted(error, engine.url.host or "the server"):
        return Health.failure(distrust, "Let ssl_ca in CPAR_DATABASE_URL name who has issued it.")
    names = {"database": engine.url.database, "user": engine.url.username or "(none)"}
    message, remedy = _REFUSALS.get(number, (f"The connection failed (error {number}).", _CHECK_ADDRESS))
    return Health.failure(message.format(**names), remedy.format(make=_MAKE.format(**names), **names))


def connection(host: OscarHost) -> Health:
    """Whether our own connections are as they must be, whatever the server's defaults. Reads no table."""
    engine = host.database.engine
    if engine.dialect.name not in MARIADB:
        with engine.connect() as connected:
            journal = connected.scalar(text("PRAGMA journal_mode"))
        if journal != "wal":
            return Health.warning(
                f"SQLite's journal mode is {journal}: a writer blocks all readers.",
                "Put the file on a disk of this machine, not on a network share.",
            )
        return Health.ok("Readers and writers do not block each other.")
    with engine.connect() as connected:
        variables = connected.execute(
            text(
                "SELECT @@sql_mode, @@time_zone, @@character_set_connection, @@tx_isolation, "
                "@@global.max_allowed_packet, @@global.read_only"
            )
        ).one()
    modes, zone, characters, isolation, packet, read_only = variables
    if read_only:
        return Health.failure(
            "The server is read-only (read_only).", "Use the address of the server that accepts writes."
        )
    if packet < _LEAST_PACKET:
        return Health.failure(
            f"The server rejects statements above {packet:,} bytes: a submission cannot be stored.",
            "Set max_allowed_packet = 16M in the server's configuration, which is its default.",
        )
    if ("STRICT_ALL_TABLES" not in modes, zone, characters, isolation) != (
        False,
        "+00:00",
        "utf8mb4",
        "REPEATABLE-READ",
    ):
        return Health.failure(
            f"Something between here and the server changes connections: sql_mode {modes or 'empty'}, zone {zone}, "
            f"characters {characters}, isolation {isolation}.",
            "Connect without a proxy that keeps or changes sessions.",
        )
    return Health.ok("Strict, in UTC, with every character (utf8mb4), each read at one moment.")
