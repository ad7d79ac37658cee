"""Who may do what: roles with their rights and how many people have each. No one is named."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import ColumnClause, ColumnElement, Connection, TableClause, column, func, select, table

from cpar_plugin.host_kit.names import folded
from cpar_plugin.host_kit.sql import letters
from cpar_plugin.services.privacy.document import Grid, PackSection, StatementSource

from .. import juno
from ..granted import not_locked_out
from ..host import OscarHost
from ..privileges import ADMINISTRATION, OF_ONE_PATIENT, RECORDS

_SINGLE: Final = "(single users, by themselves)"
_LEVELS: Final = {"r": "read", "u": "update", "w": "write", "d": "delete", "x": "all", "o": "none: closed"}
Row = tuple[str, str, str]  # role, object, rights


def section(connection: Connection, host: OscarHost) -> PackSection:
    """The rights that count here, as the EMR's tables have them."""
    newer = juno.is_newer(host.identity.tables_present())
    rights = _newer(connection, host) if newer else _rights(connection, host)
    held = dict(_held_by_id(connection, host) if newer else _held(connection, host))
    by_role: dict[str, dict[str, str]] = defaultdict(dict)
    for role, object_name, privilege in rights:
        by_role[role][object_name] = privilege
    objects = (RECORDS, host.identity.cpar_object, ADMINISTRATION)
    rows = [
        (role, *(rights.get(folded(name), "-") for name in objects), str(held[role]) if role in held else "-")
        for role, rights in sorted(by_role.items())
    ]
    return PackSection(
        "Accounts and roles",
        StatementSource.SYSTEM,
        [
            Grid("Roles", ("Role", *objects, "Users"), rows),
            Grid("Numbers", ("What", "Number"), list(_numbers(connection, host))),
        ],
        f"{RECORDS}: read opens records of patients, with the panel box. {host.identity.cpar_object}: write is panel "
        f"management. {ADMINISTRATION}: read is panel management and FHIR clients, write is changing roles. Users are "
        "active providers of the EMR. A higher right includes the lower ones.",
    )


def _numbers(connection: Connection, host: OscarHost) -> Iterator[tuple[str, str]]:
    provider, right = host.tables.provider, host.tables.object_privilege
    active = select(func.count()).select_from(provider).where(not_locked_out(host.tables))
    yield "Active users of the EMR", str(connection.scalar(active))
    closed = select(func.count()).select_from(right).where(_begins(right.c.objectName))
    yield "Rules that close the record of one patient to someone", str(connection.scalar(closed))
    yield "How people sign in", _sign_in(host)


def _sign_in(host: OscarHost) -> str:
    if "oscar_url" not in host.settings and host.settings.get("sign_in") != "password":
        return "to the embedded EMR, with name and password"
    if host.settings.get("sign_in") == "password":
        return "to the plugin, with the EMR's names, passwords and PINs"
    return "in OSCAR: it is asked whose session it is"


def _begins(name: ColumnElement[str]) -> ColumnElement[bool]:
    return name.startswith(OF_ONE_PATIENT, autoescape=True)


def _concerned(host: OscarHost, name: ColumnElement[str]) -> ColumnElement[bool]:
    objects = (RECORDS, host.identity.cpar_object, ADMINISTRATION)
    return func.lower(func.rtrim(name)).in_([folded(object_name) for object_name in objects])


def _rights(connection: Connection, host: OscarHost) -> Iterator[Row]:
    """A group that no one has as a role is a single user: these are not named."""
    right, user_role, provider = host.tables.object_privilege, host.tables.user_role, host.tables.provider
    users = set(connection.scalars(select(letters(provider.c.provider_no))))
    roles = set(connection.scalars(select(letters(user_role.c.role_name)).distinct()))
    query = select(letters(right.c.roleUserGroup), letters(right.c.objectName), right.c.privilege)
    for group, name, privilege in connection.execute(query.where(_concerned(host, right.c.objectName))):
        yield _SINGLE if group in users - roles else group, folded(name), _words(privilege.split("|"))


def _held(connection: Connection, host: OscarHost) -> Iterator[tuple[str, int]]:
    user_role, provider = host.tables.user_role, host.tables.provider
    query = (
        select(letters(user_role.c.role_name), func.count(provider.c.provider_no.distinct()))
        .join_from(user_role, provider, letters(user_role.c.provider_no) == letters(provider.c.provider_no))
        .where(not_locked_out(host.tables))
        .group_by(letters(user_role.c.role_name))
    )
    yield from ((role, count) for role, count in connection.execute(query))


def _newer(connection: Connection, host: OscarHost) -> Iterator[Row]:
    """Of a newer Juno: a level each, by the role's number. What was deleted is not there."""
    levels = ("permission_read", "permission_update", "permission_create", "permission_delete")
    columns: list[ColumnClause[Any]] = [column(name) for name in ("secRoleId", "objectName", "deleted_at", *levels)]
    right = table("secObjPrivilege", *columns, schema=host.tables.metadata.schema)
    query = select(right.c.secRoleId, right.c.objectName, *(right.c[name] for name in levels))
    query = query.where(_concerned(host, right.c.objectName), *_live(host, right))
    names = _names_by_id(connection, host)
    for role_id, name, *flags in connection.execute(query):
        words = _words(level for level, flag in zip("ruwd", flags, strict=True) if flag)
        yield names.get(role_id, f"role {role_id}"), folded(name), words


def _held_by_id(connection: Connection, host: OscarHost) -> Iterator[tuple[str, int]]:
    user_role = table("secUserRole", column("provider_no"), column("sec_role_id"), schema=host.tables.metadata.schema)
    provider, names = host.tables.provider, _names_by_id(connection, host)
    query = (
        select(user_role.c.sec_role_id, func.count(provider.c.provider_no.distinct()))
        .join_from(user_role, provider, letters(user_role.c.provider_no) == letters(provider.c.provider_no))
        .where(not_locked_out(host.tables))
        .group_by(user_role.c.sec_role_id)
    )
    yield from ((names.get(role_id, f"role {role_id}"), count) for role_id, count in connection.execute(query))


def _names_by_id(connection: Connection, host: OscarHost) -> dict[int, str]:
    """Empty where the account may not read the roles."""
    role = host.tables.role
    if not host.identity.tables_present().has(role):
        return {}
    return {row.role_no: row.role_name for row in connection.execute(select(role.c.role_no, role.c.role_name))}


def _live(host: OscarHost, rows: TableClause) -> Iterator[ColumnElement[bool]]:
    if "deleted_at" in host.identity.tables_present().types[rows.name]:
        yield rows.c.deleted_at.is_(None)


def _words(levels: Iterable[str]) -> str:
    return ", ".join(_LEVELS.get(level.strip(), level.strip()) for level in levels if level.strip()) or "-"
