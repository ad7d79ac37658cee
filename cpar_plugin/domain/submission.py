"""The life of a submission: its states, and which of them may follow which."""

from collections.abc import Mapping
from enum import StrEnum

from .exhaustive import exhaustive


class State(StrEnum):
    """Where a submission stands.

    queued -> due (its night has come) -> preparing (the snapshot is being taken) -> ready (stored, not yet sent) ->
    sending -> delivered or written; or waiting (tried, will be tried again), refused, failed. Nobody to send:
    nothing-to-send. Called off: cancelled. The automatic date passed without a run: missed. What is due when a blackout
    begins goes back into the queue, or is missed where only the automatic date asked for it.
    """

    QUEUED = "queued"
    DUE = "due"
    PREPARING = "preparing"
    READY = "ready"
    SENDING = "sending"
    WAITING = "waiting"
    DELIVERED = "delivered"
    WRITTEN = "written"
    REFUSED = "refused"
    FAILED = "failed"
    NOTHING_TO_SEND = "nothing-to-send"
    CANCELLED = "cancelled"
    MISSED = "missed"


NEXT: Mapping[State, frozenset[State]] = exhaustive(
    __name__,
    State,
    {
        State.QUEUED: frozenset({State.DUE, State.CANCELLED}),
        State.DUE: frozenset({State.PREPARING, State.QUEUED, State.CANCELLED, State.MISSED}),
        State.PREPARING: frozenset({State.READY, State.NOTHING_TO_SEND, State.FAILED}),
        State.READY: frozenset({State.SENDING, State.FAILED}),
        State.SENDING: frozenset({State.DELIVERED, State.WRITTEN, State.WAITING, State.REFUSED, State.FAILED}),
        State.WAITING: frozenset({State.SENDING, State.FAILED}),
        State.DELIVERED: frozenset(),
        State.WRITTEN: frozenset(),
        State.REFUSED: frozenset(),
        State.FAILED: frozenset(),
        State.NOTHING_TO_SEND: frozenset(),
        State.CANCELLED: frozenset(),
        State.MISSED: frozenset(),
    },
)

FINAL = frozenset(state for state, following in NEXT.items() if not following)
UNDER_WAY = frozenset({State.PREPARING, State.READY, State.SENDING, State.WAITING})
LOUD = frozenset({State.REFUSED, State.FAILED, State.MISSED, State.NOTHING_TO_SEND})
