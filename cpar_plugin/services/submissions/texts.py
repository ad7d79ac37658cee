"""What people read about submissions. No patient data: these sentences are shown, logged and mailed."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import assert_never

from ...domain.dates import date_text
from ...domain.exhaustive import exhaustive
from ...domain.guard import REMEDY, GuardLimits, Hold, HoldCause, SentBefore, SubmissionOutlook
from ...domain.submission import FINAL, SubmissionState

_NAMED = 5

STATE = exhaustive(
    __name__,
    SubmissionState,
    {
        SubmissionState.QUEUED: "Queued",
        SubmissionState.DUE: "Starting",
        SubmissionState.PREPARING: "Preparing",
        SubmissionState.READY: "Ready to send",
        SubmissionState.SENDING: "Sending",
        SubmissionState.WAITING: "Retry scheduled",
        SubmissionState.DELIVERED: "Delivered",
        SubmissionState.WRITTEN: "Written to folder",
        SubmissionState.REFUSED: "Rejected by the registry",
        SubmissionState.FAILED: "Failed",
        SubmissionState.NOTHING_TO_SEND: "Nothing to submit",
        SubmissionState.HELD: "Held",
        SubmissionState.CANCELLED: "Cancelled",
        SubmissionState.MISSED: "Missed",
    },
)


class Stage(StrEnum):
    """The states as people look for them. The value is what such submissions are called."""

    OPEN = "Queued or in progress"
    DELIVERED = "Delivered or written to folder"
    HELD = "Held"
    FAILED = "Failed, rejected or missed"
    NOTHING_TO_SEND = "Nothing to submit"
    CANCELLED = "Cancelled"

    @property
    def states(self) -> frozenset[SubmissionState]:
        """The states that it includes: each state belongs to exactly one."""
        return _STATES[self]

    @classmethod
    def of(cls, state: SubmissionState) -> "Stage":
        """The one that a state belongs to."""
        return next(stage for stage in cls if state in stage.states)


_STATES = exhaustive(
    __name__,
    Stage,
    {
        Stage.OPEN: frozenset(SubmissionState) - FINAL,
        Stage.DELIVERED: frozenset({SubmissionState.DELIVERED, SubmissionState.WRITTEN}),
        Stage.HELD: frozenset({SubmissionState.HELD}),
        Stage.FAILED: frozenset({SubmissionState.FAILED, SubmissionState.REFUSED, SubmissionState.MISSED}),
        Stage.NOTHING_TO_SEND: frozenset({SubmissionState.NOTHING_TO_SEND}),
        Stage.CANCELLED: frozenset({SubmissionState.CANCELLED}),
    },
)

# Not a stage: what people have to look at, of several stages. Its name is that in the address of the list.
ATTENTION = "ATTENTION"
ATTENTION_LABEL = "Needs attention"

BLACKOUT_BEGAN = "The Blackout Period began before this submission could be sent."
BROKE_OFF_SENDING = "Processing was interrupted."
REPLACED = "Nothing was sent before the next automatic submission, which replaced it."
REPLACED_IN_DOUBT = "Delivery was not confirmed before the next automatic submission, which replaced it."
TURNED_OFF = "The CPAR integration was turned off before this submission was completed."
RESTORED = (
    "The tables were restored from a backup, so it is not known whether this was submitted after the backup. Check "
    "what the registry has on file."
)
DELETED = "The panel was deleted before its submission was prepared."
EMPTY = "The panel has no patients."
NO_ONE_VALID = "No patient on the panel can be submitted."
UNREADABLE = "The EMR's patients could not be read, in several attempts. Contact your EMR administrator."
NOT_REHEARSED = "The rehearsal was interrupted: the EMR's patients could not be read. Contact your EMR administrator."
BROKE_OFF = "Preparation was interrupted several times. Contact your EMR administrator."
REQUESTED = "Its release was requested: someone else with the admin role has to release it."
_RETRY = "Press Retry to submit the panel as it is now."


def advice(state: SubmissionState) -> str:
    """What to do about a panel's latest submission, "" where there is nothing to do."""
    match state:
        case SubmissionState.FAILED:
            return _RETRY
        case SubmissionState.REFUSED:
            return f"Once this is fixed: {_RETRY}"
        case SubmissionState.MISSED:
            return "Submit the panel manually on the Panels tab."
        case SubmissionState.NOTHING_TO_SEND:
            return "Fix the reasons for exclusion, then submit the panel again."
        case SubmissionState.HELD:
            return "Correct what is wrong, then release the submission."
        case (
            SubmissionState.QUEUED
            | SubmissionState.DUE
            | SubmissionState.PREPARING
            | SubmissionState.READY
            | SubmissionState.SENDING
            | SubmissionState.WAITING
            | SubmissionState.DELIVERED
            | SubmissionState.WRITTEN
            | SubmissionState.CANCELLED
        ):
            return ""
        case _:
            assert_never(state)


def panels_text(numbers: Sequence[str]) -> str:
    """Panels by their numbers, the first few of many. There is at least one."""
    if len(numbers) == 1:
        return f"Panel {numbers[0]}"
    named, more = numbers[:_NAMED], len(numbers) - _NAMED
    if more > 0:
        return f"Panels {', '.join(named)} and {more} more"
    return f"Panels {', '.join(named[:-1])} and {named[-1]}"


def held(hold: Hold, before: SentBefore, now: SubmissionOutlook, limits: GuardLimits) -> str:
    """Why a submission is held."""
    match hold.cause:
        case HoldCause.NONE_LEFT:
            why = f"None of the panel's {now.members:,} patients would be submitted; last time {before.sent:,} were."
        case HoldCause.DIFFERS:
            why = (
                f"{now.added:,} patients would be added and {now.removed:,} removed since the last submission of "
                f"{before.sent:,}: more than {limits.differing_percent:g}%."
            )
        case HoldCause.REASON_JUMPED:
            label = hold.reason.label if hold.reason else ""
            why = f"{hold.more:,} more patients than last time would be excluded for this reason: {label}."
        case _:
            assert_never(hold.cause)
    return f"{why} {REMEDY[hold.cause]}"


def sent_all_the_same(why: str) -> str:
    """What is said of a submission that was to be held, and was sent since the window had ended."""
    return f"Sent without a release, in the last night run before the Blackout Period. {why}"


def would_be_held(why: str, automatic: date) -> str:
    """What is said of a panel after its number, days before its automatic submission."""
    return (
        f"would be held in the night run of {date_text(automatic)}. {why} Correct what is wrong before then; what is "
        "right is released once it is held."
    )


def missed(automatic: date) -> str:
    """Why an automatic date was missed."""
    return (
        f"The automatic submission of {date_text(automatic)} was missed: no night run took place from that day "
        "until the Blackout Period."
    )


def gave_up(message: str, in_doubt_since: datetime | None) -> str:
    """Why nothing more is tried after a day without a clear answer, where an attempt of then may have arrived."""
    doubt = ". It is not known whether it was delivered" if in_doubt_since else ""
    return f"{message} All attempts within a day failed{doubt}."
