"""Letters to other clinics about patients who are on both panels: the clinic's own words with fields, or ours."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from .refusals import Refused
from .texts import readable

LONGEST_TEXT: Final = 4000
LONGEST_PARTY: Final = 300
TEXT, LETTERHEAD, RECIPIENT = "text", "letterhead", "recipient"


class LetterDirection(StrEnum):
    """Whose letter it is."""

    SENT = "sent"
    RECEIVED = "received"


class LetterField(StrEnum):
    """What is filled in: the value as it is written in the words, in braces."""

    PATIENT = "patient"
    BIRTH_DATE = "birth_date"
    PHN = "phn"
    PROVIDER = "provider"
    CLINIC = "clinic"
    OTHER_PROVIDER = "other_provider"
    OTHER_CLINIC = "other_clinic"


DEFAULT_TEXT: Final = """Re: {patient}, born {birth_date}, PHN {phn}

According to the Central Patient Attachment Registry, this patient is on a panel of your clinic and on one of ours.
{provider} of {clinic} is the patient's primary provider.

If you agree, please remove the patient from your panel. If you do not, please tell us.
"""
_IN_BRACES: Final = re.compile(r"\{[^{}]*\}|[{}]")


def checked_lines(text: str, field: str, longest: int, label: str) -> str:
    """Several lines as they were entered, without what cannot be seen. Raises Refused (`field`) for too many."""
    lines = "\n".join(readable(line) or "" for line in text.splitlines()).strip()
    if len(lines) > longest:
        raise Refused({field: f"The {label} is too long: at most {longest:,} characters."})
    return lines


def checked_text(text: str) -> str:
    """The words of a letter. Raises Refused (`text`) for none, too many, or a field that there is not."""
    words = checked_lines(text, TEXT, LONGEST_TEXT, "letter")
    if not words:
        raise Refused({TEXT: "Enter the letter."})
    known = {f"{{{field}}}" for field in LetterField}
    for placeholder in _IN_BRACES.findall(words):
        if placeholder not in known:
            raise Refused({TEXT: f"Only {', '.join(sorted(known))} can be used here: remove {placeholder}."})
    return words


def filled(words: str, values: Mapping[LetterField, str]) -> str:
    """The letter with its fields filled in. What is filled in is not read as a field again."""
    return _IN_BRACES.sub(lambda found: values[LetterField(found[0][1:-1])], words)
