"""The list of exclusions as work: a line for each reason of an excluded patient, and how far the work on it is."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from .exhaustive import exhaustive
from .refusals import Refused
from .texts import readable

LONGEST_NOTE: Final = 500  # characters


class LineState(StrEnum):
    """How far the work on an open line is, in the order in which states are shown."""

    OPEN = "open"
    WITH_PATIENT = "with-patient"
    WAITING = "waiting"
    NOT_FIXABLE = "not-fixable"


class Closing(StrEnum):
    """Why a line was closed: it closes by itself, never by a user."""

    REASON_GONE = "reason-gone"
    NOT_ON_PANEL = "not-on-panel"


STATE_LABELS: Mapping[LineState, str] = exhaustive(
    __name__,
    LineState,
    {
        LineState.OPEN: "Open",
        LineState.WITH_PATIENT: "Asked the patient",
        LineState.WAITING: "Waiting",
        LineState.NOT_FIXABLE: "Not fixable",
    },
)
CLOSING_LABELS: Mapping[Closing, str] = exhaustive(
    __name__,
    Closing,
    {Closing.REASON_GONE: "Reason gone", Closing.NOT_ON_PANEL: "No longer on a panel"},
)


def age_in_days(opened_at: datetime, now: datetime, zone: ZoneInfo) -> int:
    """For how many of the clinic's days the patient has been excluded for this reason: 0 on the first."""
    return max(0, (now.astimezone(zone).date() - opened_at.astimezone(zone).date()).days)


def note_text(text: str) -> str:
    """A note on one line, without what cannot be seen; '' for none. Raises Refused (`note`) where it is too long."""
    note = readable(text) or ""
    if len(note) > LONGEST_NOTE:
        raise Refused({"note": f"Enter at most {LONGEST_NOTE} characters as the note."})
    return note
