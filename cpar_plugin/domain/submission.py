"""The life of a submission: its states, and which of them may follow which."""

from collections.abc import Mapping
from enum import StrEnum

from .exhaustive import exhaustive


class SubmissionState(StrEnum):
    """The status of a submission.

    queued -> due (its night has come) -> preparing (the snapshot is being taken) -> ready (stored, not yet sent) ->
    sending -> delivered or written; or waiting (tried, will be tried again), refused, failed. No one to submit:
    nothing-to-send. It differs too much from the last one (domain.guard): held, which ends it; a release is a request
    of its own. Cancelled: cancelled. The automatic date passed without a run: missed. What is due when a blackout
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
    HELD = "held"
    CANCELLED = "cancelled"
    MISSED = "missed"


NEXT: Mapping[SubmissionState, frozenset[SubmissionState]] = exhaustive(
    __name__,
    SubmissionState,
    {
        SubmissionState.QUEUED: frozenset({SubmissionState.DUE, SubmissionState.CANCELLED}),
        SubmissionState.DUE: frozenset(
            {SubmissionState.PREPARING, SubmissionState.QUEUED, SubmissionState.CANCELLED, SubmissionState.MISSED}
        ),
        SubmissionState.PREPARING: frozenset(
            {SubmissionState.READY, SubmissionState.NOTHING_TO_SEND, SubmissionState.HELD, SubmissionState.FAILED}
        ),
        SubmissionState.READY: frozenset({SubmissionState.SENDING, SubmissionState.FAILED}),
        SubmissionState.SENDING: frozenset(
            {
                SubmissionState.DELIVERED,
                SubmissionState.WRITTEN,
                SubmissionState.WAITING,
                SubmissionState.REFUSED,
                SubmissionState.FAILED,
            }
        ),
        SubmissionState.WAITING: frozenset({SubmissionState.SENDING, SubmissionState.FAILED}),
        SubmissionState.DELIVERED: frozenset(),
        SubmissionState.WRITTEN: frozenset(),
        SubmissionState.REFUSED: frozenset(),
        SubmissionState.FAILED: frozenset(),
        SubmissionState.NOTHING_TO_SEND: frozenset(),
        SubmissionState.HELD: frozenset(),
        SubmissionState.CANCELLED: frozenset(),
        SubmissionState.MISSED: frozenset(),
    },
)

FINAL = frozenset(state for state, following in NEXT.items() if not following)
UNDER_WAY = frozenset(
    {SubmissionState.PREPARING, SubmissionState.READY, SubmissionState.SENDING, SubmissionState.WAITING}
)
RETRIED = frozenset({SubmissionState.FAILED, SubmissionState.REFUSED})  # what a person may try again
LOUD = frozenset(
    {
        SubmissionState.REFUSED,
        SubmissionState.FAILED,
        SubmissionState.MISSED,
        SubmissionState.NOTHING_TO_SEND,
        SubmissionState.HELD,
    }
)
