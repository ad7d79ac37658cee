"""Who holds which role: `secUserRole`. OSCAR never consults the mark `activeyn` there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.sql import letters, may_be_stored

from ..granted import not_locked_out
from ..host import OscarHost
from ..identity import SYSTEM
from ..schema import Tables
from .role_changes import GONE, changing, record

_NO_PROVIDER = "This provider is no longer active. Here is the current list."


@dataclass(frozen=True, slots=True)
class RoleHolder:
    """A provider with the names of all roles held. One who is not active cannot sign in, whatever they are."""

    provider_id: str
    name: str
    kind: str  # of work, in OSCAR's words
    active: bool
    roles: tuple[str, ...]


def holders(connection: Connection, tables: Tables, family: str, limit: int, offset: int) -> Sequence[RoleHolder]:
    """Providers by name whose family name begins with `family`: the active ones, and others who still hold a role.

    At most `limit` from `offset` on, in two statements.
    """
    if not may_be_stored(family):
        return []
    provider, user_role = tables.provider, tables.user_role
    active = not_locked_out(tables)
    query = (
        select(provider, active.label("active"))
        .where(provider.c.provider_no != SYSTEM.actor_id, provider.c.last_name.startswith(family, autoescape=True))
        .where(or_(active, provider.c.provider_no.in_(select(user_role.c.provider_no))))
        .order_by(func.lower(provider.c.last_name), func.lower(provider.c.first_name), provider.c.provider_no)
        .limit(limit)
        .offset(offset)
    )
    rows = connection.execute(query).all()
    roles: dict[str, list[str]] = {row.provider_no: [] for row in rows}
    names = (
        select(letters(user_role.c.provider_no), user_role.c.role_name)
        .where(user_role.c.provider_no.in_(roles))
        .distinct()
    )
    for provider_id, name in connection.execute(names.order_by(user_role.c.role_name)):
        roles.get(provider_id, []).append(name)
    return [
        RoleHolder(
            provider_id=row.provider_no,
            name=_full_name(row),
            kind=row.provider_type,
            active=bool(row.active),
            roles=tuple(roles[row.provider_no]),
        )
        for row in rows
    ]


def role_names(connection: Connection, tables: Tables) -> list[str]:
    """The names of all roles, as a list shows them."""
    return list(connection.scalars(select(tables.role.c.role_name).order_by(func.lower(tables.role.c.role_name))))


def assign(host: OscarHost, actor: Actor, provider_id: str, role_name: str) -> str:
    """Give the provider the role; returns the provider's name.

    Raises NotFound where the provider or the role is gone, Stale for one who has it already.
    """
    if not role_name:
        raise Refused("Select a role in the provider's dropdown first, then click Add.")
    role, user_role = host.tables.role, host.tables.user_role
    with changing(host, actor) as session:
        name = _name(host, session, provider_id, active=True)
        if session.scalar(select(role.c.role_no).where(letters(role.c.role_name) == role_name)) is None:
            raise NotFound(GONE)
        if _holds(host, session, provider_id, role_name):
            raise Stale(f"{name} already has the role {role_name}: someone else added it.")
        now = host.clock.now().astimezone(host.clock.zone).replace(tzinfo=None, microsecond=0)
        row = {"provider_no": provider_id, "role_name": role_name, "activeyn": 1, "lastUpdateDate": now}
        session.execute(insert(user_role).values(row))
        record(host, session, actor, "add", "role", provider_id, role_name)
    return name


def withdraw(host: OscarHost, actor: Actor, provider_id: str, role_name: str) -> str:
    """Take the role from the provider; returns the provider's name. Raises Stale for one who does not hold it."""
    user_role = host.tables.user_role
    with changing(host, actor) as session:
        name = _name(host, session, provider_id)
        if not _holds(host, session, provider_id, role_name):
            raise Stale(f"{name} no longer has this role: someone else removed it.")
        session.execute(delete(user_role).where(_role_of_provider(host, provider_id, role_name)))
        record(host, session, actor, "delete", "role", provider_id, role_name)
    return name


def _name(host: OscarHost, session: Session, provider_id: str, *, active: bool = False) -> str:
    provider = host.tables.provider
    query = select(provider).where(letters(provider.c.provider_no) == provider_id)
    row = session.execute(query.where(not_locked_out(host.tables)) if active else query).one_or_none()
    if row is None:
        raise NotFound(_NO_PROVIDER)
    return _full_name(row)


def _full_name(row: Row[*tuple[Any, ...]]) -> str:
    return ", ".join(part for part in (row.last_name, row.first_name) if part) or row.provider_no


def _holds(host: OscarHost, session: Session, provider_id: str, role_name: str) -> bool:
    count = (
        select(func.count()).select_from(host.tables.user_role).where(_role_of_provider(host, provider_id, role_name))
    )
    return bool(session.scalar(count))


def _role_of_provider(host: OscarHost, provider_id: str, role_name: str) -> ColumnElement[bool]:
    user_role = host.tables.user_role
    return and_(letters(user_role.c.provider_no) == provider_id, letters(user_role.c.role_name) == role_name)
