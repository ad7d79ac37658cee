"""What goes out and what comes back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class DeliveryOutcome(StrEnum):
    """What is known after an attempt. Only `not-sent` and `unclear` are worth trying again."""

    DELIVERED = "delivered"  # the registry says that it took every entry
    WRITTEN = "written"  # the file is in the folder; its arrival is not confirmed
    REFUSED = "refused"  # sending the same again would be refused again
    NOT_SENT = "not-sent"  # nothing has left, or nothing was taken: no connection, no sign-in, refused in the handshake
    UNCLEAR = "unclear"  # it may or may not have arrived


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A stored snapshot, ready to leave. `open_body` begins a new reading of the body, uncompressed, at each call."""

    snapshot_id: str
    panel_number: str
    taken_at: datetime  # aware
    sha256: str  # of the body, lower-case hexadecimal
    body_bytes: int
    entries: int  # of the Bundle
    open_body: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, kw_only=True)
class DeliveryResult:
    """What became of one attempt.

    `message` is a sentence of ours for people. It never holds words of the other side: log it, mail it, show it.
    `detail` is what the other side said, shortened. It may name a patient: show it (escaped) only to those who manage
    panels; it belongs neither in a log nor in a mail.
    """

    outcome: DeliveryOutcome
    message: str
    status: int | None = None  # of HTTP
    answer_id: str | None = None  # the id of the Bundle that the registry returned
    detail: str = field(default="", repr=False)


def not_sent(reason: str, status: int | None = None) -> DeliveryResult:
    """The answer for an attempt of which nothing was sent. `status` is that of the server that refused it."""
    return DeliveryResult(outcome=DeliveryOutcome.NOT_SENT, message=f"{reason} Nothing was sent.", status=status)


class Transport(Protocol):
    """One way out. Make one for a whole run: it keeps the registry's access token between sends."""

    def send(self, envelope: Envelope) -> DeliveryResult:
        """Try once; trying again is the caller's. What the network or the server does is in the answer.

        Raises only what `envelope.open_body` raises.
        """
