"""Who is asking and what they may do: the port `Identity`, from OSCAR's roles and privileges."""

from collections.abc import Callable
from dataclasses import dataclass

import flask
from sqlalchemy import ColumnElement, Connection, and_, func, not_, or_, select, true

from cpar_plugin.hooks import Actor

from .database import OscarDatabase
from .privileges import PERMISSION_OBJECTS, READ, WRITE, Grant, allows, may_see, object_of, patient_overrides
from .schema import Tables
from .sql import letters

SESSION_KEY = "provider_id"
SYSTEM = Actor(actor_id="-1", display_name="System")

_ADMINISTRATION = "_admin"
_KEPT = "oscar_host.standing"  # in the request itself: flask.g may outlive it


def signed_in_here() -> str | None:
    """The provider id that the embedded EMR's sign-in has put into the session."""
    return flask.session.get(SESSION_KEY) if flask.has_request_context() else None


@dataclass(frozen=True, slots=True)
class _Standing:
    """One provider with all that the privileges say about them."""

    actor: Actor
    grants: tuple[Grant, ...]  # of the provider's own groups only

    def may(self, object_name: str, wanted: str) -> bool:
        return allows(self.grants, object_name, wanted)


class OscarIdentity:
    """One statement a request answers everything: it is kept for the request, never longer."""

    def __init__(
        self, tables: Tables, database: OscarDatabase, signed_in: Callable[[], str | None] = signed_in_here
    ) -> None:
        """`signed_in` tells the provider id of whoever sent the current request, None when nobody is signed in."""
        self._tables = tables
        self._database = database
        self._signed_in = signed_in

    @property
    def system(self) -> Actor:
        """The actor of scheduled work."""
        return SYSTEM

    def current(self) -> Actor | None:
        """The signed-in actor, None when nobody is, or the provider is gone or no longer active."""
        provider_id = self._signed_in()
        if not provider_id or provider_id == SYSTEM.actor_id:
            return None
        standing = self._standing(provider_id)
        return standing.actor if standing else None

    def has(self, actor: Actor, permission: str) -> bool:
        """Whether the actor holds the permission, or is an administrator. The system holds every one."""
        if actor == SYSTEM:
            return True
        standing = self._standing(actor.actor_id)
        if standing is None:
            return False
        return standing.may(_ADMINISTRATION, READ) or standing.may(*object_of(permission))

    def administers(self, actor: Actor, connection: Connection | None = None) -> bool:
        """Whether the actor may change roles and who holds them.

        With a connection, as its transaction sees it at this moment; nothing is kept of that answer.
        """
        standing = self._read(connection, actor.actor_id) if connection else self._standing(actor.actor_id)
        return standing is not None and standing.may(_ADMINISTRATION, WRITE)

    def may_see(self, actor: Actor, patient_id: int) -> bool:
        """Whether the actor may see this patient. The system sees everybody."""
        if actor == SYSTEM:
            return True
        standing = self._standing(actor.actor_id)
        if standing is None:
            return False
        return may_see(standing.grants, patient_id)

    def visible(self, actor: Actor, patient_id: ColumnElement[int]) -> ColumnElement[bool]:
        """The same as `may_see`, as an SQL condition."""
        if actor == SYSTEM:
            return true()
        standing = self._standing(actor.actor_id)
        everybody = standing is not None and standing.may("_demographic", READ)
        overrides = patient_overrides(standing.grants) if standing else {}
        others = [patient for patient, allowed in overrides.items() if allowed != everybody]
        return patient_id.not_in(others) if everybody else patient_id.in_(others)

    def _standing(self, provider_id: str) -> _Standing | None:
        context = flask.has_request_context()
        kept: dict[str, _Standing | None] = flask.request.environ.setdefault(_KEPT, {}) if context else {}
        if provider_id not in kept:
            with self._database.engine.connect() as connection:
                kept[provider_id] = self._read(connection, provider_id)
        return kept[provider_id]

    def _read(self, connection: Connection, provider_id: str) -> _Standing | None:
        provider, right = self._tables.provider, self._tables.object_privilege
        roles = select(letters(self._tables.user_role.c.role_name)).where(
            letters(self._tables.user_role.c.provider_no) == provider_id
        )
        concerning = or_(
            right.c.objectName.in_(
                [_ADMINISTRATION, "_demographic", *(name for name, _ in PERMISSION_OBJECTS.values())]
            ),
            right.c.objectName.startswith("_demographic$", autoescape=True),
            not_(right.c.objectName.startswith("_", autoescape=True)),  # permissions of plugins
        )
        group = letters(right.c.roleUserGroup)
        query = (
            select(
                provider.c.last_name,
                provider.c.first_name,
                right.c.roleUserGroup,
                right.c.objectName,
                right.c.privilege,
                func.coalesce(right.c.priority, 0),
            )
            .select_from(
                provider.outerjoin(right, and_(concerning, or_(group == provider.c.provider_no, group.in_(roles))))
            )
            .where(provider.c.provider_no == provider_id, func.coalesce(provider.c.status, "1") == "1")
        )
        rows = connection.execute(query).all()
        if not rows:
            return None
        grants = tuple(Grant(*row[2:]) for row in rows if row[2] is not None)
        name = " ".join(f"{rows[0].first_name or ''} {rows[0].last_name or ''}".split())
        return _Standing(Actor(actor_id=provider_id, display_name=name or provider_id), grants)
