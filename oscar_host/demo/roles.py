"""Roles and what they may do, as OSCAR's own tables have them: `secRole`, `secUserRole`, `secObjPrivilege`."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, and_, distinct, func, not_, select

from cpar_plugin.hooks import Permission
from cpar_plugin.host_kit.sql import letters

from ..privileges import READ, Grant, Grants, object_of
from ..schema import Tables

# Besides an object a role needs others: without this one OSCAR shows no link to its administration at all.
BESIDES = {"_admin.cpar": (("_admin.resource", "r"),)}
_ADMINISTRATOR = "admin"  # OSCAR itself knows this role by its name
_LONGEST_OBJECT = 100  # characters of secObjPrivilege.objectName


@dataclass(frozen=True, slots=True)
class OfferedRight:
    """A permission that can be put into a role: an object of OSCAR, and the letter that a holder needs on it."""

    name: str
    description: str
    object_name: str
    level: str


@dataclass(frozen=True, slots=True)
class Role:
    """A role. `rights` are those of the offered ones that it gives; `others` counts its rows for anything else."""

    role_no: int
    name: str
    description: str
    rights: tuple[str, ...]
    others: int
    holders: int  # providers, active or not

    @property
    def mark(self) -> str:
        """What a form sends back, to see whether someone has changed the role in the meantime."""
        return hashlib.sha256(repr((self.name, self.description, self.rights)).encode()).hexdigest()

    @property
    def fixed(self) -> bool:
        """Whether it can be neither changed nor deleted."""
        return self.name == _ADMINISTRATOR


def offered(permissions: Sequence[Permission]) -> dict[str, OfferedRight]:
    """What can be put into a role, by name: what plugins ask for, and the objects that this EMR itself heeds."""
    of_plugins = (
        OfferedRight(permission.name, permission.description, *object_of(permission.name)) for permission in permissions
    )
    of_emr = (
        OfferedRight("_admin", "Full administration, including roles and panel management", "_admin", READ),
        OfferedRight("_demographic", "Search for patients and open their records", "_demographic", READ),
    )
    return {right.name: right for right in (*of_plugins, *of_emr) if len(right.object_name) <= _LONGEST_OBJECT}


def roles(
    connection: Connection, tables: Tables, rights: Mapping[str, OfferedRight], role_no: int | None = None
) -> list[Role]:
    """All roles by name, or the one with this number: in four statements, whatever their number."""
    role, object_privilege = tables.role, tables.object_privilege
    offered_objects = {right.object_name for right in rights.values()} | {
        name for companions in BESIDES.values() for name, _ in companions
    }
    is_offered = object_privilege.c.objectName.in_(offered_objects)
    has_role = letters(object_privilege.c.roleUserGroup).in_(select(letters(role.c.role_name)))
    grants: dict[str, list[Grant]] = {}
    for row in connection.execute(select(object_privilege).where(is_offered, has_role)):
        grant = Grant(row.roleUserGroup, row.objectName, row.privilege, row.priority or 0)
        grants.setdefault(row.roleUserGroup, []).append(grant)
    group = letters(object_privilege.c.roleUserGroup)
    others = _counts(connection, select(group, func.count()).where(and_(not_(is_offered), has_role)).group_by(group))
    holders = _counts(connection, _holders(tables))
    query = select(role).order_by(func.lower(role.c.role_name), role.c.role_no)
    return [
        Role(
            role_no=row.role_no,
            name=row.role_name,
            description=row.description or "",
            rights=tuple(
                name
                for name, right in rights.items()
                if Grants(tuple(grants.get(row.role_name, ()))).may(right.object_name, right.level)
            ),
            others=others.get(row.role_name, 0),
            holders=holders.get(row.role_name, 0),
        )
        for row in connection.execute(query if role_no is None else query.where(role.c.role_no == role_no))
    ]


def _holders(tables: Tables) -> Select[str, int]:
    """How many providers hold each role; rows of providers who are gone do not count."""
    user_role = tables.user_role
    name = letters(user_role.c.role_name)
    exists = user_role.c.provider_no.in_(select(tables.provider.c.provider_no))
    return select(name, func.count(distinct(user_role.c.provider_no))).where(exists).group_by(name)


def _counts(connection: Connection, query: Select[str, int]) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(query)}
