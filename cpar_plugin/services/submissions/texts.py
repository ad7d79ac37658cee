"""What people read about submissions. No patient data: these sentences are shown, logged and mailed."""

from datetime import date, datetime
from enum import StrEnum

from ...domain.calendar import Calendar
from ...domain.submission import FINAL, State


def spoken(day: date) -> str:
    """A date as people write it: `1 December 2026`."""
    return f"{day.day} {day:%B %Y}"


def spoken_moment(moment: datetime, calendar: Calendar) -> str:
    """A moment in the clinic's time: `1 December 2026, 03:15`."""
    local = moment.astimezone(calendar.zone)
    return f"{spoken(local.date())}, {local:%H:%M}"


STATE = {
    State.QUEUED: "Queued",
    State.DUE: "About to be prepared",
    State.PREPARING: "Being prepared",
    State.READY: "Ready to be sent",
    State.SENDING: "Being sent",
    State.WAITING: "Waiting to be tried again",
    State.DELIVERED: "Delivered",
    State.WRITTEN: "Written to the folder",
    State.REFUSED: "Refused by the registry",
    State.FAILED: "Failed",
    State.NOTHING_TO_SEND: "Nothing to send",
    State.CANCELLED: "Cancelled",
    State.MISSED: "Missed",
}


class Stage(StrEnum):
    """The states as people look for them. The value is what such submissions are called."""

    OPEN = "Queued or under way"
    DELIVERED = "Delivered or written"
    FAILED = "Failed, refused or missed"
    NOTHING_TO_SEND = "Nothing to send"
    CANCELLED = "Cancelled"

    @property
    def states(self) -> frozenset[State]:
        """The states that it stands for: each state belongs to exactly one."""
        return _STATES[self]


_STATES = {
    Stage.OPEN: frozenset(State) - FINAL,
    Stage.DELIVERED: frozenset({State.DELIVERED, State.WRITTEN}),
    Stage.FAILED: frozenset({State.FAILED, State.REFUSED, State.MISSED}),
    Stage.NOTHING_TO_SEND: frozenset({State.NOTHING_TO_SEND}),
    Stage.CANCELLED: frozenset({State.CANCELLED}),
}

RETRY = "Press Retry to submit the panel as it is now."
BLACKOUT_BEGAN = f"The blackout began before this submission could be sent. {RETRY}"
BROKE_OFF_SENDING = "The work on it broke off."
REPLACED = "Not confirmed before the next automatic submission, which took its place."
TURNED_OFF = "The CPAR integration was turned off before this submission was done."
RESTORED = (
    "The tables were put back from a backup: whether this was submitted after the backup is not known. Compare with "
    "what the registry has."
)
DELETED = "The panel was deleted before its submission was prepared."
EMPTY = "The panel has no members."
NOBODY_VALID = "No member of the panel can be sent. The reasons tell what to mend; then submit the panel again."
BROKE_OFF = f"The preparation broke off several times. Tell whoever looks after the EMR, then: {RETRY}"


def missed(automatic: date, calendar: Calendar, now: datetime) -> str:
    """Why an automatic date was missed, and what to do."""
    return (
        f"The automatic submission of {spoken(automatic)} did not take place: no night run could be made from that "
        f"day until the blackout. Submit the panel by hand: it then goes on {spoken(calendar.goes_on(now))}."
    )


def gave_up(message: str, attempts: int, in_doubt_since: datetime | None) -> str:
    """Why nothing more is tried after attempts without a clear answer, of which that of then may have arrived."""
    times = "once" if attempts == 1 else f"{attempts} times"
    doubt = "; whether it arrived is not known" if in_doubt_since else ""
    return f"{message} It was tried {times}{doubt}. {RETRY}"
