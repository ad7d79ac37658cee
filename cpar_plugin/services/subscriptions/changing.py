"""Clients make, change and remove their subscriptions; the clinic turns them off."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.orm import Session

from ...domain.refusals import NotFound, Refused
from ...domain.subscription import MOST_SUBSCRIPTIONS, SubscriptionStatus, lacking
from ...hooks import Actor, AuditEvent, Host
from ...settings import Settings
from ...store import tables
from ...store.versions import later, number_at, to_the_second
from ..clients.caller import Caller
from ..clients.registry import number_of
from ..fhir.subscriptions import SubscriptionSource
from ..operations import clinic
from ..operations.lease import RELEASED
from .events import last_locked
from .headers import checked_headers, opened, sealed
from .request import SubscriptionDraft

_TABLE = tables.subscription
_NOUN = "cparFhirSubscription"


class NotPermitted(Exception):
    """The caller's scopes do not allow such a subscription. The message is the scope."""


@dataclass(frozen=True, slots=True)
class Subscribing:
    """A client that changes its subscriptions at the interface's address `base`."""

    host: Host
    settings: Settings
    caller: Caller
    base: str

    def create(self, draft: SubscriptionDraft) -> str:
        """Store a subscription, whose receiver is asked next; returns its id. Raises Refused and NotPermitted."""
        now, resource_id = self.host.clock.now(), str(uuid4())
        client_no = number_of(self.caller.client_id or "")
        assert client_no is not None  # a person has no scope to create
        if draft.status is SubscriptionStatus.OFF:
            raise Refused("status: send requested for a new subscription.")
        with self.host.database.session() as session:
            clinic.lock(session)
            self._check(session.connection(), draft, making=True)
            count = select(func.count()).select_from(_TABLE).where(_TABLE.c.client_id == client_no)
            if (session.scalar(count) or 0) >= MOST_SUBSCRIPTIONS:
                raise Refused(f"A client can have at most {MOST_SUBSCRIPTIONS} subscriptions. Delete one first.")
            values = {
                **self._values(draft, {}),
                "resource_id": resource_id,
                "client_id": client_no,
                "base": self.base,
                "created_at": now,
                "version": number_at(now),
                "changed_at": to_the_second(now),
                "collected_to": last_locked(session),
            }
            session.execute(insert(_TABLE).values(values))
            _record(session, self.host, self.caller.actor, "add", resource_id)
        return resource_id

    def change(self, resource_id: str, draft: SubscriptionDraft) -> None:
        """Replace what a subscription asks for. Unless it is to be off, its receiver is asked again, and events go on
        at the next number: those of memberships also for the time that it was off, for they are in the ledger.

        Raises NotFound, Refused and NotPermitted.
        """
        now = self.host.clock.now()
        with self.host.database.session() as session:
            clinic.lock(session)
            row = self._locked(session, resource_id)
            if row.turned_off_by:
                raise Refused(row.failure or "The clinic has turned this subscription off. Contact the clinic.")
            self._check(session.connection(), draft, making=False)
            kept = opened(self.host, row.headers) if any(line.endswith("***") for line in draft.headers) else {}
            values = {**self._values(draft, kept), **_begun(), **_moved(now), "base": self.base}
            _update(session, row.subscription_id, values)
            _record(session, self.host, self.caller.actor, "update", resource_id)

    def remove(self, resource_id: str) -> None:
        """Remove a subscription with its events. Raises NotFound."""
        with self.host.database.session() as session:
            row = self._locked(session, resource_id)
            session.execute(delete(_TABLE).where(_TABLE.c.subscription_id == row.subscription_id))
            _record(session, self.host, self.caller.actor, "delete", resource_id)

    def _locked(self, session: Session, resource_id: str) -> Row[Any]:
        of_caller = SubscriptionSource(self.settings, self.caller).select()
        row = session.execute(of_caller.where(_TABLE.c.resource_id == resource_id).with_for_update()).one_or_none()
        if row is None:
            raise NotFound("Subscription not found. A client has only its own.")
        return row

    def _check(self, connection: Connection, draft: SubscriptionDraft, *, making: bool) -> None:
        scope = lacking(self.caller.scopes, draft.content, making=making)
        if scope:
            raise NotPermitted(scope)
        if draft.panels is None:
            return
        live = tables.panel.c
        found = set(
            connection.scalars(select(live.panel_id).where(live.panel_id.in_(draft.panels), live.deleted_at.is_(None)))
        )
        if set(draft.panels) - found or (self.caller.panels is not None and set(draft.panels) - self.caller.panels):
            raise Refused("criteria: one of the panels does not exist, or you may not read it.")

    def _values(self, draft: SubscriptionDraft, kept: dict[str, str]) -> dict[str, Any]:
        headers = checked_headers(draft.headers, kept)
        return {
            "status": draft.status,
            "reason": draft.reason,
            "endpoint": draft.endpoint,
            "headers": sealed(self.host, headers),
            "header_names": orjson.dumps(list(headers)).decode(),
            "media_type": draft.media_type,
            "content": draft.content,
            "panels": None if draft.panels is None else orjson.dumps(draft.panels).decode(),
            "heartbeat_seconds": draft.heartbeat_seconds,
            "timeout_seconds": draft.timeout_seconds,
            "max_count": draft.max_count,
            "ends_at": draft.ends_at,
        }


def turn_off(host: Host, actor: Actor, subscription_id: int) -> str:
    """Turn a subscription off for good: its client cannot activate it again. Returns its id. Raises NotFound."""
    with host.database.session() as session:
        of_number = select(_TABLE).where(_TABLE.c.subscription_id == subscription_id)
        row = session.execute(of_number.with_for_update()).one_or_none()
        if row is None:
            raise NotFound("Subscription not found. Its client may have removed it.")
        values = {"status": SubscriptionStatus.OFF, "turned_off_by": actor.actor_id}
        _update(session, subscription_id, {**values, **_begun(), **_moved(host.clock.now())})
        _record(session, host, actor, "update", row.resource_id)
    return str(row.resource_id)


def _begun() -> dict[str, Any]:
    """Nothing has failed, and no one works on it: who did notices."""
    return {"attempts": 0, "failing_since": None, "failure": None, "next_attempt_at": None, **RELEASED}


def _moved(now: datetime) -> dict[str, Any]:
    return {"version": later(_TABLE.c.version, number_at(now)), "changed_at": to_the_second(now)}


def _update(session: Session, subscription_id: int, values: dict[str, Any]) -> None:
    session.execute(update(_TABLE).where(_TABLE.c.subscription_id == subscription_id).values(values))


def _record(session: Session, host: Host, actor: Actor, action: str, resource_id: str) -> None:
    host.audit.record(
        session, AuditEvent(actor=actor, action=action, noun=_NOUN, key=resource_id, detail=f"{action} a subscription")
    )
