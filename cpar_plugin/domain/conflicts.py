"""Conflicts with another clinic: the three ways in which the work on such a line of a report ends."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Final, assert_never

from .bands import months_before
from .check_in import CheckInAnswer
from .dates import date_text
from .exhaustive import exhaustive
from .report_lines import ReportLineState

PERIODS: Final = (12, 24, 36)  # in months, the shortest first


class ConflictEnding(StrEnum):
    """What was decided about a patient who is on another clinic's panel too."""

    OURS = "ours"  # a letter goes to the other clinic
    THEIRS = "theirs"  # the patient was removed from our panel
    ASK = "ask"  # the patient is asked at check-in


STATE_AFTER: Final = exhaustive(
    __name__,
    ConflictEnding,
    dict.fromkeys(ConflictEnding, ReportLineState.WAITING),  # until the registry's next report, or the answer
)


REMOVING_ANSWERS: Final = (CheckInAnswer.OTHER_PROVIDER.value, CheckInAnswer.MOVED_AWAY.value)
ENDING_LABELS: Final = exhaustive(
    __name__,
    ConflictEnding,
    {
        ConflictEnding.OURS: "Ours: a letter to the other clinic",
        ConflictEnding.THEIRS: "Theirs: removed from the panel",
        ConflictEnding.ASK: "Ask the patient",
    },
)


def period_starts(today: date) -> Sequence[date]:
    """The first day of each of PERIODS."""
    return [months_before(today, months) for months in PERIODS]


def state_after_answer(given: CheckInAnswer) -> ReportLineState | None:
    """How far the work is once the patient was asked; None where that changes nothing."""
    match given:
        case CheckInAnswer.CONFIRMED:
            return ReportLineState.OPEN  # the other clinic is still to be written to
        case CheckInAnswer.OTHER_PROVIDER | CheckInAnswer.MOVED_AWAY:
            return ReportLineState.WAITING
        case CheckInAnswer.SKIPPED:
            return None
        case _:
            assert_never(given)


def learned_text(day: date | None) -> str:
    """When a removal reaches the registry, which is told nothing but the next list of the panel.

    None for the last patient of a panel.
    """
    if day is None:
        return (
            "No one else is on this panel, and an empty panel is not submitted: the registry does not learn it from us."
        )
    return f"The registry learns it with the submission of {date_text(day)}."


_ANSWERS: Final = exhaustive(
    __name__,
    CheckInAnswer,
    {
        CheckInAnswer.CONFIRMED: "The patient says: this clinic. Write to the other clinic.",
        CheckInAnswer.OTHER_PROVIDER: "The patient has another provider, and is on no panel here.",
        CheckInAnswer.MOVED_AWAY: "The patient has moved away, and is on no panel here.",
        CheckInAnswer.SKIPPED: "Not asked yet.",
    },
)


def answer_text(given: CheckInAnswer | None) -> str:
    """What came of asking the patient, for people."""
    return _ANSWERS[given or CheckInAnswer.SKIPPED]
