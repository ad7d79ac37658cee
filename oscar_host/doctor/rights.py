"""Whether the database account may do what is needed, and no more."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from sqlalchemy import Table, literal_column, select
from sqlalchemy.exc import DBAPIError

from cpar_plugin.hooks import Health, Refused
from cpar_plugin.host_kit.database import MARIADB

from .. import juno
from ..audit import NoAuditTrail
from ..host import OscarHost
from ..present import present
from .account import account, grants, missing

_OWN: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX", "REFERENCES")
_HARMLESS: Final = frozenset({"USAGE", "SELECT", "SHOW VIEW"})
_NO_ACCOUNTS: Final = Health.ok("SQLite has no accounts.")
_AS_ADMINISTRATOR: Final = "As an administrator of the server:"
DENIED: Final = (1142, 1143)  # on the table, on a column


class Reading(Enum):
    """What became of an attempt to read a table."""

    ALLOWED = auto()
    DENIED = auto()
    NOT_THERE = auto()


def needed(host: OscarHost) -> Mapping[str, tuple[Table, str]]:
    """OSCAR's tables that are read, by name, each with what does not work without it."""
    tables = host.tables
    of_passwords = ((tables.security, "no one can sign in"),) if host.settings.get("sign_in") == "password" else ()
    of_juno = (
        (tables.role, "no role inherits from another"),
        (tables.closed_set, "lists that are closed to single providers close nothing here"),
        (tables.patient_set, "lists that are closed to single providers close nothing here"),
    )
    return {
        table.name: (table, consequence)
        for table, consequence in (
            (tables.demographic, "there are no patients"),
            (tables.provider, "there are no providers, and no one can sign in"),
            (tables.appointment, "no one has a visit, and everyone is excluded"),
            (tables.demographic_merged, "merged records count as separate patients"),
            (tables.user_role, "no one has a role, and no page opens"),
            (tables.object_privilege, "no one has a right, and no page opens"),
            *of_passwords,
            *(of_juno if _is_a_newer_juno(host) else ()),
        )
    }


def _is_a_newer_juno(host: OscarHost) -> bool:
    try:
        return juno.is_newer(present(host.database.engine, host.tables))
    except (Refused, DBAPIError):  # another check reports it
        return False


def try_to_read(host: OscarHost) -> Mapping[str, Reading]:
    """What becomes of reading each of the tables that are needed. Reads no row."""
    return {name: reading(host, table) for name, (table, _) in needed(host).items()}


def reading(host: OscarHost, table: Table) -> Reading:
    """What becomes of reading this one. Reads no row. That a table's columns are listed says nothing about it."""
    with host.database.engine.connect() as connection:
        try:
            connection.execute(select(literal_column("1")).select_from(table).limit(0))
        except DBAPIError as error:
            return Reading.DENIED if error_number(error) in DENIED else Reading.NOT_THERE
    return Reading.ALLOWED


def grant_reading(host: OscarHost, *tables: Table) -> str:
    """What an administrator of the server has to do, so that the account can read these tables."""
    with host.database.engine.connect() as connection:
        user = account(connection)
    statements = " ".join(f"GRANT SELECT ON {_full(host, table)} TO {user};" for table in tables)
    return f"{_AS_ADMINISTRATOR} {statements}"


def own_rights(host: OscarHost) -> Health:
    """Whether the account may do all in the plugins' own database."""
    engine = host.database.engine
    if engine.dialect.name not in MARIADB:
        return _NO_ACCOUNTS
    own_database = engine.url.database or ""
    with engine.connect() as connection:
        missing_rights = missing(grants(connection), own_database, _OWN)
        user = account(connection)
    if missing_rights:
        return Health.failure(
            f"The account may not {', '.join(missing_rights)} in the database {own_database}.",
            f"{_AS_ADMINISTRATOR} GRANT {', '.join(missing_rights)} ON {_quoted(own_database)}.* TO {user};",
        )
    return Health.ok(f"The account has all privileges in the database {own_database}.")


def oscar_rights(host: OscarHost) -> Health:
    """Whether each of OSCAR's tables that are needed may be read."""
    tables = needed(host)
    denied = [name for name, result in try_to_read(host).items() if result is Reading.DENIED]
    if denied:
        details = "; ".join(f"{name} ({tables[name][1]})" for name in denied)
        return Health.failure(
            f"OSCAR's tables cannot be read: {details}.", grant_reading(host, *(tables[name][0] for name in denied))
        )
    return Health.ok("All required OSCAR tables can be read.")


def audit_log(host: OscarHost) -> Health:
    """Whether a line could be written to OSCAR's log. Writes none: the server only explains how it would."""
    if isinstance(host.audit, NoAuditTrail):
        return Health.ok("audit = ledger: changes are kept in the plugin's own ledger only.")
    engine, log = host.database.engine, host.tables.log
    insert = f"INSERT INTO {_full(host, log)} (dateTime, action, content) VALUES (NULL, '', '')"  # noqa: S608
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"EXPLAIN {insert}")
            user = account(connection) if engine.dialect.name in MARIADB else ""
    except DBAPIError as error:
        if error_number(error) in DENIED:
            with engine.connect() as connection:
                user = account(connection)
            return Health.failure(
                "The account may not write to OSCAR's log, so no change can be made.",
                f"{_AS_ADMINISTRATOR} GRANT INSERT ON {_full(host, log)} TO {user}; or set audit = ledger to keep the "
                "record in the plugin's own ledger only.",
            )
        return Health.failure(
            "OSCAR's log table does not exist, or has different columns: no change can be made.",
            "Set audit = ledger to keep the record in the plugin's own ledger only.",
        )
    return Health.ok("OSCAR's log can be written.")


def least_rights(host: OscarHost) -> Health:
    """Whether the account may do more in OSCAR's database than it has to."""
    engine = host.database.engine
    if engine.dialect.name not in MARIADB:
        return _NO_ACCOUNTS
    schema = host.tables.metadata.schema
    if schema in (None, engine.url.database):
        return Health.warning(
            "OSCAR's tables and the plugins' are in one database: the account may change all of them.",
            "Alongside a real OSCAR, give the plugins a database of their own and name OSCAR's in CPAR_HOST_SCHEMA.",
        )
    with engine.connect() as connection:
        oscar_grants = [grant for grant in grants(connection) if grant.covers(schema)]
    excess, statements = [], []
    for grant in oscar_grants:
        may = _HARMLESS | {"INSERT"} if grant.table == host.tables.log.name else _HARMLESS
        extra_rights = sorted(grant.rights - may if grant.database != "*" else grant.rights - {"USAGE"})
        if extra_rights:
            excess.append(f"{', '.join(extra_rights)} on {grant.scope}")
            statements.append(f"REVOKE {', '.join(extra_rights)} ON {grant.scope} FROM {grant.grantee};")
    if excess:
        return Health.warning(
            f"The account may do more with OSCAR's tables than read them: {'; '.join(excess)}.",
            "Make sure the account has ALL on its own database and SELECT on OSCAR's, then as an administrator of the "
            f"server: {' '.join(statements)}",
        )
    return Health.ok("The account can only read OSCAR's tables, and at most add to its log.")


def error_number(error: Exception) -> int | None:
    """MariaDB's number of an error."""
    original = getattr(error, "orig", None)
    return original.args[0] if original and original.args else None


def _full(host: OscarHost, table: Table) -> str:
    return str(host.database.engine.dialect.identifier_preparer.format_table(table))


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
