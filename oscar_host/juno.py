"""Roles as newer Junos keep them: a level each for reading, updating, creating and deleting, and roles that inherit."""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Subquery, column, literal, select, table, true

from cpar_plugin.host_kit.names import folded
from cpar_plugin.host_kit.sql import letters

from .present import Present
from .privileges import READ, RECORDS, patient_of

_MARK = "permission_read"
_MOST_ANCESTORS = 20  # a circle of roles must end
_LEVELS = ("r", "u", "w", "d")  # in the order of the columns below


class JunoRight(NamedTuple):
    """One row of secObjPrivilege, reached from the role `held` over so many ancestors."""

    held: int
    ancestors: int
    object_name: str
    inclusive: bool
    read: bool
    update: bool
    create: bool
    delete: bool


@dataclass(frozen=True)
class Levels:
    """Privileges by object, its name folded: the letters that the roles give. None holds another one.

    `closed` are the patients whose records are closed by other means.
    """

    of_objects: Mapping[str, frozenset[str]]
    closed_otherwise: Set[int]

    def may(self, object_name: str, level: str) -> bool:
        """Whether one of the roles gives exactly this letter."""
        return level in self.of_objects.get(folded(object_name), ())

    def may_see(self, patient_id: int) -> bool:
        """Whether this patient's record may be read."""
        return self.may(RECORDS, READ) and patient_id not in self.closed

    @cached_property
    def closed(self) -> Set[int]:
        """The patients with a row of their own, whatever it gives, and those closed otherwise."""
        patients = map(patient_of, self.of_objects)
        return self.closed_otherwise | {patient for patient in patients if patient is not None}


def levels(rights: Iterable[JunoRight], closed_otherwise: Set[int]) -> Levels:
    """What the rows come to. For each object a role's own row goes before its parent's; one that is not inclusive
    takes away what the parent gives.
    """
    nearest: dict[tuple[int, str], JunoRight] = {}
    for right in rights:
        key = (right.held, folded(right.object_name))
        if key not in nearest or right.ancestors < nearest[key].ancestors:
            nearest[key] = right
    of_objects: dict[str, frozenset[str]] = {}
    for (_, name), right in nearest.items():
        own_letters = frozenset(
            letter for letter, flag in zip(_LEVELS, right[4:], strict=True) if flag and right.inclusive
        )
        of_objects[name] = of_objects.get(name, frozenset()) | own_letters
    return Levels(of_objects, closed_otherwise)


def is_newer(present: Present) -> bool:
    """Whether these are the tables of a newer Juno."""
    return _MARK in present.types.get("secObjPrivilege", ())


def rights(
    schema: str | None,
    present: Present,
    provider_id: str,
    concerning: Callable[[ColumnElement[str]], ColumnElement[bool]],
) -> Subquery:
    """The rows for the objects concerned that the provider's roles and their ancestors have, as `Right` has them.

    What is deleted does not count. OSCAR's mark of an inactive assignment is never consulted.
    """
    user_role = table("secUserRole", column("provider_no"), column("sec_role_id"), schema=schema)
    role = table("secRole", column("role_no"), column("parent_sec_role_id"), column("deleted_at"), schema=schema)
    names = ("permission_read", "permission_update", "permission_create", "permission_delete")
    columns = ("secRoleId", "objectName", "inclusive", "deleted_at")
    right = table("secObjPrivilege", *(column(name) for name in (*columns, *names)), schema=schema)

    def live(rows: Any) -> ColumnElement[bool]:
        return rows.c.deleted_at.is_(None) if "deleted_at" in present.types.get(rows.name, ()) else true()

    reached = (
        select(
            user_role.c.sec_role_id.label("held"),
            user_role.c.sec_role_id.label("role_no"),
            literal(0).label("ancestors"),
        )
        .where(letters(user_role.c.provider_no) == provider_id)
        .cte("reached", recursive=True)
    )
    roles = present.types.get("secRole", ())  # none for an account that may not read them: nothing is inherited then
    if "parent_sec_role_id" in roles:
        parents = select(reached.c.held, role.c.parent_sec_role_id, reached.c.ancestors + 1).where(
            role.c.role_no == reached.c.role_no,
            role.c.parent_sec_role_id.is_not(None),
            reached.c.ancestors < _MOST_ANCESTORS,
        )
        reached = reached.union_all(parents)
    query = (
        select(
            reached.c.held,
            reached.c.ancestors,
            right.c.objectName,
            right.c.inclusive if "inclusive" in present.types["secObjPrivilege"] else true().label("inclusive"),
            *(right.c[name] for name in names),
        )
        .join_from(reached, right, right.c.secRoleId == reached.c.role_no)
        .where(concerning(right.c.objectName), live(right))
    )
    if roles:
        query = query.join(role, role.c.role_no == reached.c.role_no).where(live(role))
    return query.subquery("rights")
