"""What reception says to a patient who checks in: the clinic's own words, or ours."""

import re
from enum import StrEnum
from typing import NamedTuple

from .exhaustive import exhaustive
from .identifiers import issued_text
from .refusals import Refused

LONGEST = 300
PROVIDER = "{provider}"
SOME_PROVIDER = "a provider of this clinic"  # where the patient has no MRP
_IN_BRACES = re.compile(r"\{[^{}]*\}|[{}]")


class CheckInQuestion(StrEnum):
    """What is asked. The value is the name of its field."""

    PANELED = "question"
    NOT_PANELED = "question_not_paneled"
    CONFLICT = "question_conflict"


class CheckInWording(NamedTuple):
    """Whom a question is for, our words for it, and what is filled in where it is asked."""

    label: str
    default: str
    placeholders: tuple[str, ...]


WORDING = exhaustive(
    __name__,
    CheckInQuestion,
    {
        CheckInQuestion.PANELED: CheckInWording(
            "Question for a patient on a panel", f"Is {PROVIDER} your regular family provider?", (PROVIDER,)
        ),
        CheckInQuestion.NOT_PANELED: CheckInWording(
            "Question for a patient on no panel", "Who is your regular family provider?", ()
        ),
        CheckInQuestion.CONFLICT: CheckInWording(
            "Question for a patient who is on another clinic's panel too",
            f"Another clinic has you as its patient too. Is {PROVIDER} your regular family provider?",
            (PROVIDER,),
        ),
    },
)
DEFAULTS = {question: WORDING[question].default for question in CheckInQuestion}


def checked(question: CheckInQuestion, text: str) -> str:
    """The words as they were entered, trimmed.

    Raises Refused (the question's field) for none, too many, or a placeholder that this question does not have.
    """
    words = issued_text(text, question, "question", LONGEST)
    known = WORDING[question].placeholders
    for placeholder in _IN_BRACES.findall(words):
        if placeholder not in known:
            only = f"Only {' and '.join(known)} can be used here" if known else "No placeholder can be used here"
            raise Refused({question: f"{only}: remove {placeholder}."})
    return words


def spoken(words: str, provider: str) -> str:
    """The question as it is asked; `provider` is the name of the patient's MRP, '' for none."""
    return words.replace(PROVIDER, provider or SOME_PROVIDER)
