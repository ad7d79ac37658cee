"""What reception does about a patient who checks in: what is asked, and the four keys that answer it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from .exhaustive import exhaustive
from .reasons import Reason
from .to_do import ToDo


class CheckInAnswer(StrEnum):
    """What came of asking a patient."""

    CONFIRMED = "asked"
    OTHER_PROVIDER = "other-provider"
    MOVED_AWAY = "moved-away"
    SKIPPED = "not-asked"


class Key(NamedTuple):
    """The key of an answer, what its button says, and what the list says once it is pressed."""

    key: str
    label: str
    result: str


KEYS = exhaustive(
    __name__,
    CheckInAnswer,
    {
        CheckInAnswer.CONFIRMED: Key("1", "Confirmed, asked", "Confirmed: asked at check-in."),
        CheckInAnswer.OTHER_PROVIDER: Key("2", "Has another provider", "Has another provider: on no panel here."),
        CheckInAnswer.MOVED_AWAY: Key("3", "Moved away", "Moved away: on no panel here."),
        CheckInAnswer.SKIPPED: Key("4", "Not asked", "Not asked today."),
    },
)


def offered(*, paneled: bool, in_conflict: bool) -> tuple[CheckInAnswer, ...]:
    """The answers for a patient. Who is on no panel cannot be confirmed or removed, but is asked about a conflict."""
    return tuple(CheckInAnswer) if paneled or in_conflict else (CheckInAnswer.SKIPPED,)


def label_of(answer: CheckInAnswer, *, paneled: bool) -> str:
    """What its button says."""
    return KEYS[answer].label if paneled or answer is not CheckInAnswer.CONFIRMED else "This clinic"


def result_text(answer: CheckInAnswer, *, paneled: bool) -> str:
    """What came of it. `paneled`: whether the patient is on a panel afterwards."""
    is_answer_alone = answer is CheckInAnswer.CONFIRMED and not paneled
    return "This clinic, the patient says: not on a panel yet." if is_answer_alone else KEYS[answer].result


def patient_can_help(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """The reasons for exclusion that are fixed with the patient at the desk: by the card, or by asking."""
    return tuple(
        reason
        for reason in reasons
        if reason is Reason.NO_CONFIRMATION or any(field != "status" for field in reason.about)
    )


def is_due(to_do: Iterable[ToDo], *, in_conflict: bool) -> bool:
    """Whether the patient is on the list. `in_conflict`: a user wants to know because of another clinic's panel."""
    return in_conflict or any(to_do)


def at_check_in(to_do: Iterable[ToDo], reasons: Iterable[Reason]) -> tuple[ToDo, ...]:
    """What there is to do when the patient checks in, of what there is to do at all."""
    return tuple(due for due in to_do if due is not ToDo.EXCLUDED or patient_can_help(reasons))
