"""Sends the notifications of one claimed subscription, one after the other, until nothing is due."""

import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, select

from ...domain.refusals import Refused
from ...domain.scopes import rights
from ...domain.subscription import MOST_EVENTS, NotificationType, PayloadContent, lacking
from ...hooks import Actor, Host
from ...settings import Settings
from ...store import tables
from ...transport.connection import host_of
from ...transport.receivers import NotTaken, post
from ...transport.trust import trusting
from ..clients.caller import Caller
from ..clients.read_log import Interaction, LogUnavailable, Reads
from ..clients.registry import id_of
from . import deliveries
from .contents import Notification, NotificationContents
from .events import panels_of
from .headers import opened

log = logging.getLogger(__name__)

_NO_SCOPE = "The clinic no longer allows this client {scope}. Contact the clinic, then activate the subscription again."


def carry_out(host: Host, settings: Settings, reads: Reads, row: Row[Any], stopping: Callable[[], bool]) -> None:
    """Send what is due for a claimed subscription. What fails is logged without patient data, and tried again later."""
    try:
        current: Row[Any] | None = row
        while current is not None and not stopping():
            kind = deliveries.due(current, host.clock.now())
            if kind is None or not _send(host, settings, reads, current, kind):
                break
            with host.database.engine.connect() as connection:
                current = deliveries.claimed(connection, current)
        deliveries.release(host, row)
    except LogUnavailable:
        deliveries.postpone(host, row)
    except Exception as error:
        # Only the kind of error: its text may hold patient data.
        log.error("subscriptions: %s", type(error).__name__)
        deliveries.postpone(host, row)


def caller_of(connection: Connection, row: Row[Any]) -> Caller:
    """The client as it may read now: what is not yet sent of a panel that was taken from it is not sent."""
    client = connection.execute(select(tables.client).where(tables.client.c.client_id == row.client_id)).one()
    client_id = id_of(client.client_id)
    actor = Actor(actor_id=client_id, display_name=client.name)
    return Caller(actor, client_id, rights(client.scopes), panels_of(connection, row))


def _send(host: Host, settings: Settings, reads: Reads, row: Row[Any], kind: NotificationType) -> bool:
    """One notification. False when it was not taken, or nothing more may be sent."""
    with host.database.engine.connect() as connection:
        caller = caller_of(connection, row)
        scope = lacking(caller.scopes, PayloadContent(row.content))
        if scope:
            deliveries.end(host, row, _NO_SCOPE.format(scope=scope))
            return False
        notification = _next(NotificationContents(connection, host, settings, caller, row), row, kind)
    seconds = min(row.timeout_seconds or settings.subscription_seconds, settings.subscription_seconds)
    try:
        headers = opened(host, row.headers)
        context = trusting(settings.subscription_ca_file, "subscription_ca_file", strict=settings.strict_certificates)
    except Refused as refused:
        deliveries.end(host, row, str(refused))
        return False
    _note(reads, caller, row, notification)
    if not deliveries.hold(host, settings, row, seconds):
        return False
    headers = {**headers, "Content-Type": row.media_type, "User-Agent": "oscar-cpar-plugin"}
    private = settings.subscription_private_networks
    try:
        post(row.endpoint, notification.body, headers, context, private=private, seconds=seconds)
    except NotTaken as failure:
        deliveries.failed(host, row, kind, str(failure))
        return False
    return deliveries.taken(host, row, kind, notification.last)


def _next(contents: NotificationContents, row: Row[Any], kind: NotificationType) -> Notification:
    if kind is not NotificationType.EVENTS:
        return contents.notification(kind)
    events = contents.events(row.sent_number + 1, row.last_number, row.max_count or MOST_EVENTS)
    if events:
        return contents.notification(kind, events)
    # None of them is kept any longer: their numbers are passed over, which the receiver notices by the next.
    passed = contents.notification(NotificationType.HEARTBEAT)
    return Notification(passed.body, row.last_number, ())


def _note(reads: Reads, caller: Caller, row: Row[Any], notification: Notification) -> None:
    """Sent to a client, patients are read by it: the record comes first. Raises LogUnavailable."""
    if notification.patient_ids:
        reads.note(
            caller,
            Interaction.NOTIFICATION,
            "Patient" if row.content == PayloadContent.FULL_RESOURCE else "Group",
            row.resource_id,
            patient_ids=notification.patient_ids,
            address=host_of(row.endpoint),
        )
