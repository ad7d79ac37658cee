"""The rows of subscriptions as work: claimed by one worker, sent, and what came of it.

A claim is a lease (`operations.lease`), kept for longer than a call may take: so no two workers send for one
subscription at the same time, and its events arrive in order. A worker that dies between a call and its result leaves
both to the next one, which sends the same events again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, or_, select, update
from sqlalchemy.orm import Session

from ...domain.subscription import NUMBERED, SENT, NotificationType, SubscriptionStatus, is_given_up, pause
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ...store.versions import later, number_at, to_the_second
from ..operations import lease
from ..operations.lease import RELEASED

_TABLE, _CLIENT, _CLINIC = tables.subscription, tables.client, tables.clinic
_MARGIN = timedelta(seconds=1)  # that a call may be longer on its way than its deadline
_CANDIDATES = 20


def any_lives(host: Host) -> bool:
    """Whether there is a subscription whose events are numbered. Reads one row."""
    with host.database.engine.connect() as connection:
        query = select(_TABLE.c.subscription_id).where(_TABLE.c.status.in_(NUMBERED)).limit(1)
        return connection.scalar(query) is not None


def take_one(host: Host, settings: Settings) -> Row[Any] | None:
    """Claim a subscription with something to send, the one that has waited longest; None when there is none."""
    now, token = host.clock.now(), str(uuid4())
    with host.database.engine.connect() as connection:
        query = select(_TABLE.c.subscription_id).where(_wants_work(now)).order_by(_TABLE.c.sent_at)
        candidates = connection.scalars(query.limit(_CANDIDATES)).all()
    for subscription_id in candidates:
        with host.database.session() as session:
            of_subscription = _TABLE.c.subscription_id == subscription_id
            values = {"claim": token, "claimed_until": now + claim_time(settings, settings.subscription_seconds)}
            if _changed(session, [of_subscription, _wants_work(now)], values):
                return session.execute(select(_TABLE).where(of_subscription)).one()
    return None


def claimed(connection: Connection, row: Row[Any]) -> Row[Any] | None:
    """The subscription as it is now; None when the claim is lost."""
    return connection.execute(select(_TABLE).where(*_of_claim(row))).one_or_none()


def due(row: Row[Any], now: datetime) -> NotificationType | None:
    """What is to be sent for a claimed subscription; None for nothing."""
    if row.status == SubscriptionStatus.REQUESTED:
        return NotificationType.HANDSHAKE
    if row.status != SubscriptionStatus.ACTIVE:
        return None
    if row.sent_number < row.last_number:
        return NotificationType.EVENTS
    return NotificationType.HEARTBEAT if row.heartbeat_at and row.heartbeat_at <= now else None


def hold(host: Host, settings: Settings, row: Row[Any], seconds: float) -> bool:
    """Keep the claim for a call of so many seconds. False when it is lost: then nothing may be sent."""
    with host.database.session() as session:
        until = host.clock.now() + claim_time(settings, seconds)
        return _changed(session, _of_claim(row), {"claimed_until": until})


def taken(host: Host, row: Row[Any], kind: NotificationType, last: int | None) -> bool:
    """The receiver took it. False when the claim is lost."""
    now = host.clock.now()
    values: dict[str, Any] = {"sent_at": now, "attempts": 0, "failing_since": None, "failure": None}
    values |= {"next_attempt_at": None, "heartbeat_at": None}
    if row.heartbeat_seconds:
        values["heartbeat_at"] = now + timedelta(seconds=row.heartbeat_seconds)
    if last is not None:
        values["sent_number"] = last
    if kind is NotificationType.HANDSHAKE:
        values |= _status(SubscriptionStatus.ACTIVE, now)
    elif row.failure:
        values |= _version(now)
    with host.database.session() as session:
        return _changed(session, _of_claim(row), values)


def failed(host: Host, row: Row[Any], kind: NotificationType, failure: str) -> None:
    """It was not taken. After a handshake, and after a day without success, the subscription is in error."""
    now = host.clock.now()
    failing_since, attempts = row.failing_since or now, row.attempts + 1
    values: dict[str, Any] = {
        "failing_since": failing_since,
        "attempts": attempts,
        "failure": failure,
        "next_attempt_at": now + pause(attempts),
        **RELEASED,
    }
    if kind is NotificationType.HANDSHAKE or is_given_up(failing_since, now):
        values |= _status(SubscriptionStatus.ERROR, now)
    elif failure != row.failure:
        values |= _version(now)
    with host.database.session() as session:
        _changed(session, _of_claim(row), values)


def end(host: Host, row: Row[Any], failure: str) -> None:
    """It cannot be sent as it is, whatever the receiver does."""
    with host.database.session() as session:
        values = {"failure": failure, **_status(SubscriptionStatus.ERROR, host.clock.now()), **RELEASED}
        _changed(session, _of_claim(row), values)


def postpone(host: Host, row: Row[Any]) -> None:
    """Something of ours cannot be used just now: the receiver has not failed."""
    with host.database.session() as session:
        values = {"next_attempt_at": host.clock.now() + pause(4), **RELEASED}
        _changed(session, _of_claim(row), values)


def release(host: Host, row: Row[Any]) -> None:
    """Leave the subscription to any worker."""
    with host.database.session() as session:
        _changed(session, _of_claim(row), dict(RELEASED))


def maintain(host: Host, settings: Settings) -> None:
    """End subscriptions that have expired, and leases that no clock of ours could have given."""
    lease.release_ahead(host, settings, _TABLE, longest=claim_time(settings, settings.subscription_seconds))
    now = host.clock.now()
    expired = [_TABLE.c.ends_at <= now, _TABLE.c.status != SubscriptionStatus.OFF]
    with host.database.engine.connect() as connection:
        if connection.scalar(select(_TABLE.c.subscription_id).where(*expired).limit(1)) is None:
            return
    with host.database.session() as session:
        _changed(session, expired, {**_status(SubscriptionStatus.OFF, now), **RELEASED})


def claim_time(settings: Settings, seconds: float) -> timedelta:
    """How long a claim lasts: never less than the call that is made under it."""
    return max(settings.claim_time, timedelta(seconds=seconds) + _MARGIN)


def _wants_work(now: datetime) -> ColumnElement[bool]:
    may_be_sent = exists().where(
        _CLIENT.c.client_id == _TABLE.c.client_id,
        _CLIENT.c.revoked_at.is_(None),
        _CLIENT.c.held_at.is_(None),
    ) & exists().where(_CLINIC.c.enabled_at.is_not(None))
    something = or_(
        _TABLE.c.status == SubscriptionStatus.REQUESTED,
        _TABLE.c.sent_number < _TABLE.c.last_number,
        _TABLE.c.heartbeat_at <= now,
    )
    is_due = or_(_TABLE.c.next_attempt_at.is_(None), _TABLE.c.next_attempt_at <= now)
    return and_(_TABLE.c.status.in_(SENT), lease.is_free(_TABLE, now), something, is_due, may_be_sent)


def _of_claim(row: Row[Any]) -> list[ColumnElement[bool]]:
    return [_TABLE.c.subscription_id == row.subscription_id, _TABLE.c.claim == row.claim]


def _status(status: SubscriptionStatus, now: datetime) -> dict[str, Any]:
    return {"status": status, **_version(now)}


def _version(now: datetime) -> dict[str, Any]:
    return {"version": later(_TABLE.c.version, number_at(now)), "changed_at": to_the_second(now)}


def _changed(session: Session, conditions: Sequence[ColumnElement[bool]], values: dict[str, Any]) -> bool:
    written = session.execute(update(_TABLE).where(*conditions).values(values))
    return bool(written.rowcount)  # type: ignore[attr-defined]
