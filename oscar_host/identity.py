"""Who is asking and what they may do: the port `Identity`, from OSCAR's roles and privileges."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, false, true

from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.database import HostDatabase
from cpar_plugin.host_kit.time_limits import in_request

from . import granted
from .present import Present
from .privileges import ADMINISTRATION, CPAR, READ, RECORDS, WRITE, Privileges, object_of
from .schema import Tables

SYSTEM = Actor(actor_id="-1", display_name="System")

_KEPT = "oscar_host.rights"  # in the request itself: flask.g may outlive it


def no_provider() -> None:
    """Who is signed in where there is no application with a sign-in."""


@dataclass(frozen=True, slots=True)
class _ProviderRights:
    """One provider with all that the privileges say about them."""

    actor: Actor
    privileges: Privileges

    def may(self, object_name: str, level: str) -> bool:
        return self.privileges.may(object_name, level)


@dataclass(frozen=True)
class OscarIdentity:
    """One statement a request answers everything: it is kept for the request, never longer.

    `tables_present` says which of the tables exist, `signed_in` the provider id of the sender of the current request
    (None when no one is signed in), `cpar_object` on which object managing panels is a right. `override` asks another
    source what the sender of the current request may do, and is handed what the tables say; others have the rights of
    the tables.
    """

    tables: Tables
    database: HostDatabase
    tables_present: Callable[[], Present]
    signed_in: Callable[[], str | None] = no_provider
    cpar_object: str = CPAR
    override: Callable[[Privileges], Privileges] | None = None

    @property
    def system(self) -> Actor:
        """The actor of scheduled work."""
        return SYSTEM

    def current(self) -> Actor | None:
        """The signed-in actor, None when no one is, or the provider is gone or shut out."""
        provider_id = self.signed_in()
        if not provider_id or provider_id == SYSTEM.actor_id:
            return None
        rights = self._rights(provider_id)
        return rights.actor if rights else None

    def has(self, actor: Actor, permission: str) -> bool:
        """Whether the actor holds the permission, or is an administrator. The system holds every one."""
        if actor == SYSTEM:
            return True
        rights = self._rights(actor.actor_id)
        if rights is None:
            return False
        return rights.may(ADMINISTRATION, READ) or rights.may(*object_of(permission, self.cpar_object))

    def administers(self, actor: Actor, connection: Connection | None = None) -> bool:
        """Whether the actor may change roles and who holds them.

        With a connection, as its transaction sees it at this moment; nothing is kept of that answer.
        """
        rights = self._read(connection, actor.actor_id) if connection else self._rights(actor.actor_id)
        return rights is not None and rights.may(ADMINISTRATION, WRITE)

    def may_change_records(self, actor: Actor) -> bool:
        """Whether the actor may change records of patients, of those that they may see."""
        rights = self._rights(actor.actor_id)
        return rights is not None and rights.may(RECORDS, WRITE)

    def may_see(self, actor: Actor, patient_id: int) -> bool:
        """Whether the actor may see this patient. The system sees everyone."""
        if actor == SYSTEM:
            return True
        rights = self._rights(actor.actor_id)
        return rights is not None and rights.privileges.may_see(patient_id)

    def visible(self, actor: Actor, patient_id: ColumnElement[int]) -> ColumnElement[bool]:
        """The same as `may_see`, as an SQL condition."""
        if actor == SYSTEM:
            return true()
        rights = self._rights(actor.actor_id)
        if rights is None or not rights.may(RECORDS, READ):
            return false()
        return patient_id.not_in(rights.privileges.closed)

    def _rights(self, provider_id: str) -> _ProviderRights | None:
        context, known = in_request(), _known_in_request()
        if provider_id not in known:
            with self.database.engine.connect() as connection:
                rights = self._read(connection, provider_id)
            if rights and self.override and context and provider_id == self.signed_in():
                rights = replace(rights, privileges=self.override(rights.privileges))
            known[provider_id] = rights
        return known[provider_id]

    def _read(self, connection: Connection, provider_id: str) -> _ProviderRights | None:
        holder = granted.read(connection, self.tables, self.tables_present, provider_id, self.cpar_object)
        if holder is None:
            return None
        actor = Actor(actor_id=provider_id, display_name=holder.name, role=holder.roles)
        return _ProviderRights(actor, holder.privileges)


def _known_in_request() -> dict[str, _ProviderRights | None]:
    """What this request knows already; nothing outside of one."""
    if not in_request():
        return {}
    from flask import request

    known: dict[str, _ProviderRights | None] = request.environ.setdefault(_KEPT, {})
    return known
