"""Who is asking and what they may do: the port `Identity`, from OSCAR's roles and privileges."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import flask
from sqlalchemy import ColumnElement, Connection, false, true

from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.database import HostDatabase

from . import granted
from .privileges import ADMINISTRATION, CPAR, READ, RECORDS, WRITE, Privileges, object_of
from .schema import Present, Tables

SYSTEM = Actor(actor_id="-1", display_name="System")

_KEPT = "oscar_host.standing"  # in the request itself: flask.g may outlive it


def nobody() -> None:
    """Who is signed in where there is no application with a sign-in."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """One provider with all that the privileges say about them."""

    actor: Actor
    privileges: Privileges

    def may(self, object_name: str, wanted: str) -> bool:
        return self.privileges.may(object_name, wanted)


@dataclass(frozen=True)
class OscarIdentity:
    """One statement a request answers everything: it is kept for the request, never longer.

    `look` tells what is there of the tables, `signed_in` the provider id of whoever sent the current request (None when
    nobody is signed in), `cpar_object` on which object managing panels is a right. `told` asks somebody else what the
    sender of the current request may do, and is handed what the tables say; everybody else's rights are the tables'.
    """

    tables: Tables
    database: HostDatabase
    look: Callable[[], Present]
    signed_in: Callable[[], str | None] = nobody
    cpar_object: str = CPAR
    told: Callable[[Privileges], Privileges] | None = None

    @property
    def system(self) -> Actor:
        """The actor of scheduled work."""
        return SYSTEM

    def current(self) -> Actor | None:
        """The signed-in actor, None when nobody is, or the provider is gone or shut out."""
        provider_id = self.signed_in()
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
        return standing.may(ADMINISTRATION, READ) or standing.may(*object_of(permission, self.cpar_object))

    def administers(self, actor: Actor, connection: Connection | None = None) -> bool:
        """Whether the actor may change roles and who holds them.

        With a connection, as its transaction sees it at this moment; nothing is kept of that answer.
        """
        standing = self._read(connection, actor.actor_id) if connection else self._standing(actor.actor_id)
        return standing is not None and standing.may(ADMINISTRATION, WRITE)

    def may_see(self, actor: Actor, patient_id: int) -> bool:
        """Whether the actor may see this patient. The system sees everybody."""
        if actor == SYSTEM:
            return True
        standing = self._standing(actor.actor_id)
        return standing is not None and standing.privileges.may_see(patient_id)

    def visible(self, actor: Actor, patient_id: ColumnElement[int]) -> ColumnElement[bool]:
        """The same as `may_see`, as an SQL condition."""
        if actor == SYSTEM:
            return true()
        standing = self._standing(actor.actor_id)
        if standing is None or not standing.may(RECORDS, READ):
            return false()
        return patient_id.not_in(standing.privileges.closed)

    def _standing(self, provider_id: str) -> _Standing | None:
        context = flask.has_request_context()
        kept: dict[str, _Standing | None] = flask.request.environ.setdefault(_KEPT, {}) if context else {}
        if provider_id not in kept:
            with self.database.engine.connect() as connection:
                found = self._read(connection, provider_id)
            if found and self.told and context and provider_id == self.signed_in():
                found = replace(found, privileges=self.told(found.privileges))
            kept[provider_id] = found
        return kept[provider_id]

    def _read(self, connection: Connection, provider_id: str) -> _Standing | None:
        holder = granted.read(connection, self.tables, self.look, provider_id, self.cpar_object)
        if holder is None:
            return None
        return _Standing(Actor(actor_id=provider_id, display_name=holder.name), holder.privileges)
