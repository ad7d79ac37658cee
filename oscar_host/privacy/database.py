"""The database account with its rights, and how its connection and the stored data are encrypted."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text

from cpar_plugin.host_kit.database import MARIADB
from cpar_plugin.services.privacy.document import Grid, PackSection, StatementSource

from ..doctor.account import account, grants
from ..host import OscarHost

_SQLITE: Final = "SQLite: a file, without accounts. Users who can read the file can read all of it."


def rights(connection: Connection, host: OscarHost) -> PackSection:
    """What the server says that the account may do: SHOW GRANTS."""
    columns = ("On", "Rights")
    if host.database.engine.dialect.name not in MARIADB:
        return PackSection("Database rights", StatementSource.SYSTEM, [Grid("Rights", columns, [(_SQLITE, "All")])])
    rows = sorted((grant.scope, ", ".join(sorted(grant.rights))) for grant in grants(connection))
    return PackSection(
        "Database rights",
        StatementSource.SYSTEM,
        [Grid("Rights of the account", columns, rows)],
        f"The account is {account(connection)}. Its rights are those that the server lists (SHOW GRANTS).",
    )


def encryption(connection: Connection, host: OscarHost) -> Iterator[tuple[str, str]]:
    """Of the connection that this is asked on, and of the server's tables."""
    if host.database.engine.dialect.name not in MARIADB:
        yield "To the database", "A file on this machine"
        return
    url = host.database.engine.url
    place = "a socket of this machine" if "unix_socket" in url.query else f"{url.host}:{url.port or 3306}"
    cipher = _of_server(connection, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    version = _of_server(connection, "SHOW SESSION STATUS LIKE 'Ssl_version'")
    yield "To the database", f"{place}, {f'{version} with {cipher}' if cipher else 'not encrypted'}"
    at_rest = _of_server(connection, "SHOW GLOBAL VARIABLES LIKE 'innodb_encrypt_tables'")
    yield "Tables that the server encrypts by itself (innodb_encrypt_tables)", at_rest or "unknown"


def _of_server(connection: Connection, statement: str) -> str:
    row = connection.execute(text(statement)).one_or_none()
    return str(row[1]) if row else ""
