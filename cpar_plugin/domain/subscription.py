"""Subscriptions of clients: their states, what is an event, and how often a receiver is tried.

R5's topic-based subscriptions as the backport for R4 has them:
https://hl7.org/fhir/uv/subscriptions-backport/ (version 1.1).
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from .scopes import CREATE, READ, Right, allows

GIVEN_UP_AFTER: Final = timedelta(hours=24)
MOST_EVENTS: Final = 100  # in a notification, and the number where a client names none
MOST_SUBSCRIPTIONS: Final = 20  # of a client
SHORTEST_HEARTBEAT: Final = 60  # seconds
_LONGEST_PAUSE: Final = timedelta(minutes=5)


class SubscriptionStatus(StrEnum):
    """R4's. Events are numbered in all but the last; only of an active one are they sent."""

    REQUESTED = "requested"
    ACTIVE = "active"
    ERROR = "error"
    OFF = "off"


NUMBERED: Final = (SubscriptionStatus.REQUESTED, SubscriptionStatus.ACTIVE, SubscriptionStatus.ERROR)
SENT: Final = (SubscriptionStatus.REQUESTED, SubscriptionStatus.ACTIVE)


class PayloadContent(StrEnum):
    """How much a notification says: numbers alone, references, or whole resources."""

    EMPTY = "empty"
    ID_ONLY = "id-only"
    FULL_RESOURCE = "full-resource"


class PanelEventKind(StrEnum):
    """What happened to a patient, as far as the subscriber's panels go.

    A move to a panel that it does not see is a removal for it, and one from there an addition.
    """

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    CONFIRMED = "confirmed"  # or its confirmation withdrawn
    CHANGED = "changed"  # the patient's own data


class NotificationType(StrEnum):
    """R5's types of notifications."""

    HANDSHAKE = "handshake"
    HEARTBEAT = "heartbeat"
    EVENTS = "event-notification"
    STATUS = "query-status"
    QUERY = "query-event"


def pause(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts in a row: from a second on, twice as long each time."""
    return min(timedelta(seconds=2 ** min(attempts - 1, 20)), _LONGEST_PAUSE)


def is_given_up(failing_since: datetime, now: datetime) -> bool:
    """Whether nothing has been taken for so long that the subscription ends in error."""
    return now - failing_since >= GIVEN_UP_AFTER


def lacking(rights: Collection[Right], content: PayloadContent, *, making: bool = True) -> str:
    """The first scope that a client needs for such notifications and does not have; "" for none.

    Who is on a panel is what a Group says; whole patients are what Patient is read for.
    """
    held = frozenset(rights)
    needed = [("Subscription", CREATE)] if making else []
    needed.append(("Group", READ))
    if content is PayloadContent.FULL_RESOURCE:
        needed.append(("Patient", READ))
    missing = [f"system/{kind}.{interaction[0]}" for kind, interaction in needed if not allows(held, kind, interaction)]
    return missing[0] if missing else ""
