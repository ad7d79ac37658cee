"""Create, change and delete roles: written to OSCAR's tables and its log as OSCAR's own pages do."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import ColumnElement, and_, delete, insert, select, union, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.domain.texts import readable
from cpar_plugin.hooks import Actor, AuditEvent
from cpar_plugin.host_kit.database import not_allowed
from cpar_plugin.host_kit.names import folded
from cpar_plugin.host_kit.sql import letters, may_be_stored

from ..host import OscarHost
from .roles import BESIDES, OfferedRight, Role, roles

NAME_LENGTH = 30  # characters of secUserRole and secObjPrivilege; secRole itself would take more
DESCRIPTION_LENGTH = 60
GONE = "This role no longer exists: someone deleted it. Here is the current list of roles."
_ALL = "x"

_TAKEN = "OSCAR already uses this name, as a role or as a provider number. Choose another name."
_CHANGED = "Someone else changed this role in the meantime. Review it, then enter your change again."
FIXED = "The admin role belongs to OSCAR and cannot be changed. Create your own role instead."
_HELD = "This role is assigned. Remove it from all providers under Assign Role to Provider first."
_NO_LONGER = "You are no longer an administrator, so nothing was changed. Ask another administrator."
_LAST = "This would remove your own administrator access. Ask another administrator to do it."
_OSCARS_OWN = "Roles are read-only here. Change them in OSCAR: Administration > User Management."
_NO_RIGHT = "Select at least one permission under Available Permissions, then click the Left Arrow."
_UNKNOWN = "Select permissions from the list: one of those submitted is not in it."
_NO_EMOJI = "Use letters, digits and ordinary symbols: OSCAR cannot store emoji."


@contextmanager
def changing(host: OscarHost, actor: Actor) -> Iterator[Session]:
    """A transaction for one change of rights; such changes wait for each other.

    Raises Refused, and nothing has changed, for an actor who is no administrator, or would be none afterwards, so that
    an administrator always remains. The same where the database's account may only read roles.
    """
    right = host.tables.object_privilege
    try:
        with host.database.session() as session:
            # Every administrator has one of these rows, so that everyone who changes anything waits here.
            session.execute(select(right.c.roleUserGroup).where(right.c.objectName == "_admin").with_for_update())
            if not host.identity.administers(actor, session.connection()):
                raise Refused(_NO_LONGER)
            yield session
            if not host.identity.administers(actor, session.connection()):
                raise Refused(_LAST)
    except OperationalError as error:
        if not not_allowed(error):
            raise
        raise Refused(_OSCARS_OWN) from None


def create(
    host: OscarHost,
    actor: Actor,
    rights: Mapping[str, OfferedRight],
    name: str,
    description: str,
    selected: Collection[str],
) -> str:
    """Create a role with the selected rights of those offered; returns its name as it is stored.

    Raises Refused with a message for each field: `name`, `description`, `permissions`.
    """
    name = " ".join((readable(name) or "").split())
    messages = _about_name(name) | _about_description(description) | _about_rights(rights, selected)
    if not selected:
        messages["permissions"] = _NO_RIGHT
    if messages:
        raise Refused(messages)
    try:
        with changing(host, actor) as session:
            if folded(name) in map(folded, _role_names(session, host)):
                raise Refused({"name": _TAKEN})
            session.execute(insert(host.tables.role).values(role_name=name, description=_line(description)))
            record(host, session, actor, "add", "role", name)
            _grant(host, session, actor, name, [right for right in rights.values() if right.name in selected])
    except IntegrityError:  # a name that only the database itself takes for the same
        raise Refused({"name": _TAKEN}) from None
    return name


def change(
    host: OscarHost,
    actor: Actor,
    rights: Mapping[str, OfferedRight],
    role_no: int,
    mark: str,
    description: str,
    selected: Collection[str],
) -> str:
    """Give a role another description and exactly the selected rights of those offered; its other rows stay.

    Returns its name. Raises Refused with a message for each field, Stale when the role is no longer as `mark` says, and
    NotFound.
    """
    messages = _about_description(description) | _about_rights(rights, selected)
    if messages:
        raise Refused(messages)
    with changing(host, actor) as session:
        role = _current(host, session, rights, role_no, mark)
        if _line(description) != role.description:
            table = host.tables.role
            session.execute(update(table).where(table.c.role_no == role_no).values(description=_line(description)))
            record(host, session, actor, "update", "role", role.name)
        _revoke(host, session, actor, role.name, [rights[name] for name in role.rights if name not in selected])
        _grant(
            host, session, actor, role.name, [rights[name] for name in rights if name in {*selected} - {*role.rights}]
        )
    return role.name


def remove(host: OscarHost, actor: Actor, rights: Mapping[str, OfferedRight], role_no: int, mark: str) -> str:
    """Delete a role that no one holds, with all that it gives; returns its name.

    Raises Refused while someone holds it, Stale when it is no longer as `mark` says, and NotFound.
    """
    role, object_privilege, user_role = host.tables.role, host.tables.object_privilege, host.tables.user_role
    with changing(host, actor) as session:
        current = _current(host, session, rights, role_no, mark)
        if current.holders:
            raise Refused(_HELD)
        session.execute(delete(object_privilege).where(letters(object_privilege.c.roleUserGroup) == current.name))
        session.execute(
            delete(user_role).where(letters(user_role.c.role_name) == current.name)
        )  # of providers who are gone
        session.execute(delete(role).where(role.c.role_no == role_no))
        record(host, session, actor, "delete", "role", current.name)
    return current.name


def record(host: OscarHost, session: Session, actor: Actor, action: str, noun: str, *key: str) -> None:
    """One row in OSCAR's log; its key as OSCAR writes it, with bars between."""
    host.audit.record(session, AuditEvent(actor=actor, action=action, noun=noun, key="|".join(key)))


def _current(host: OscarHost, session: Session, rights: Mapping[str, OfferedRight], role_no: int, mark: str) -> Role:
    matches = roles(session.connection(), host.tables, rights, role_no)
    if not matches:
        raise NotFound(GONE)
    if matches[0].fixed:
        raise Refused(FIXED)
    if matches[0].mark != mark:
        raise Stale(_CHANGED)
    return matches[0]


def _grant(host: OscarHost, session: Session, actor: Actor, name: str, rights: Iterable[OfferedRight]) -> None:
    objects, object_privilege = host.tables.object_name, host.tables.object_privilege
    for right in rights:
        if session.scalar(select(objects.c.objectName).where(objects.c.objectName == right.object_name)) is None:
            session.execute(insert(objects).values(objectName=right.object_name, description=right.name[:60]))
        for object_name, privilege in ((right.object_name, _ALL), *BESIDES.get(right.object_name, ())):
            own = _privilege_of_role(host, name, object_name)
            existing = session.scalar(select(object_privilege.c.privilege).where(own))
            if existing is None:
                row = {"roleUserGroup": name, "objectName": object_name, "privilege": privilege, "priority": 0}
                session.execute(insert(object_privilege).values(row | {"provider_no": actor.actor_id}))
            elif privilege == _ALL:
                session.execute(
                    update(object_privilege).where(own).values(privilege=privilege, provider_no=actor.actor_id)
                )
            else:
                continue  # what the role has already is as much or more
            record(host, session, actor, "add", "privilege", name, object_name, privilege)


def _revoke(host: OscarHost, session: Session, actor: Actor, name: str, rights: Iterable[OfferedRight]) -> None:
    object_privilege = host.tables.object_privilege
    for right in rights:
        session.execute(delete(object_privilege).where(_privilege_of_role(host, name, right.object_name)))
        for object_name, privilege in BESIDES.get(right.object_name, ()):
            session.execute(
                delete(object_privilege).where(
                    _privilege_of_role(host, name, object_name), object_privilege.c.privilege == privilege
                )
            )
        record(host, session, actor, "delete", "privilege", name, right.object_name)


def _privilege_of_role(host: OscarHost, role_name: str, object_name: str) -> ColumnElement[bool]:
    object_privilege = host.tables.object_privilege
    return and_(letters(object_privilege.c.roleUserGroup) == role_name, object_privilege.c.objectName == object_name)


def _about_name(name: str) -> dict[str, str]:
    if not name:
        return {"name": "Enter a role name, such as CPAR Admin."}
    if len(name) > NAME_LENGTH:
        return {"name": f"Shorten the role name to {NAME_LENGTH} characters: OSCAR cannot store more."}
    if "," in name:
        return {"name": "Remove the comma from the role name: OSCAR separates a provider's roles with commas."}
    if not may_be_stored(name):
        return {"name": _NO_EMOJI}
    if not any(character.isalpha() for character in name):
        return {"name": "Include a letter in the role name: a number alone would be read as a provider number."}
    return {}


def _about_description(description: str) -> dict[str, str]:
    if len(_line(description)) > DESCRIPTION_LENGTH:
        return {"description": f"Shorten the description to {DESCRIPTION_LENGTH} characters: OSCAR cannot store more."}
    if not may_be_stored(description):
        return {"description": _NO_EMOJI}
    return {}


def _about_rights(rights: Mapping[str, OfferedRight], selected: Collection[str]) -> dict[str, str]:
    return {} if set(selected) <= set(rights) else {"permissions": _UNKNOWN}


def _line(text: str) -> str:
    return " ".join((readable(text) or "").split())


def _role_names(session: Session, host: OscarHost) -> Iterable[str]:
    """Every name that a privilege or a role could already use."""
    tables = host.tables
    names = (
        tables.role.c.role_name,
        tables.user_role.c.role_name,
        tables.object_privilege.c.roleUserGroup,
        tables.provider.c.provider_no,
    )
    return session.scalars(union(*(select(letters(name)) for name in names)))
