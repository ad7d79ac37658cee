"""What a clinic says when a provider leaves: the letter to patients, and what is to be done with the registry."""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Final, assert_never

from .dates import date_text
from .letters import LONGEST_TEXT, checked_lines
from .refusals import Refused

LETTER: Final = "letter_text"


class DepartureField(StrEnum):
    """What is filled in: the value as it is written in the words, in braces."""

    PATIENT = "patient"
    PROVIDER = "provider"
    NEW_PROVIDER = "new_provider"
    LEAVES_ON = "leaves_on"
    AFFILIATION = "affiliation"  # a sentence, '' for who has none that changes
    CLINIC = "clinic"


DEFAULT_LETTER: Final = """Dear {patient}

{provider} leaves {clinic} on {leaves_on}.

Your primary provider at our clinic will then be {new_provider}.

{affiliation}

You do not need to do anything if you agree. If you would like another provider, please call us.

{clinic}
"""
_EMPTY_LINE: Final = re.compile(r"^\{affiliation\}[ \t]*(?:\n[ \t]*)?(?:\n|\Z)", re.MULTILINE)
_IN_BRACES: Final = re.compile(r"\{[^{}]*\}|[{}]")


class RegistryTask(StrEnum):
    """What the clinic does outside of the EMR, in the order in which it is listed."""

    INFORM_PROGRAM = "inform-program"
    ADMINISTRATOR = "administrator"
    PANELS_OF_COLLEAGUES = "panels-of-colleagues"
    LETTERS = "letters"

    @property
    def text(self) -> str:
        """What is to be done."""
        match self:
            case RegistryTask.INFORM_PROGRAM:
                return (
                    "Inform the eHealth Services Provider Support Team that the provider leaves, with the panel number "
                    "and the day. The EMR does not inform the registry."
                )
            case RegistryTask.ADMINISTRATOR:
                return (
                    "Decide who remains as panel administrator, and ask the Support Team what has to change at the "
                    "registry for it: this is not done in the EMR."
                )
            case RegistryTask.PANELS_OF_COLLEAGUES:
                return "Check that the next submission of each colleague's panel was delivered with its new patients."
            case RegistryTask.LETTERS:
                return "Send the letters to the patients."
            case _:
                assert_never(self)


def checked_letter(text: str) -> str:
    """The words of the letter. Raises Refused (`letter_text`) for none, too many, or a field that there is not."""
    words = checked_lines(text, LETTER, LONGEST_TEXT, "letter")
    if not words:
        raise Refused({LETTER: "Enter the letter."})
    known = [f"{{{field}}}" for field in DepartureField]
    for placeholder in _IN_BRACES.findall(words):
        if placeholder not in known:
            raise Refused({LETTER: f"Only {', '.join(known)} can be used here: remove {placeholder}."})
    return words


def example_letter(words: str, clinic: str, letterhead: str) -> str:
    """A letter in these words to an invented patient."""
    values = {
        DepartureField.PATIENT: "Ada Okafor",
        DepartureField.PROVIDER: "Pat Example",
        DepartureField.NEW_PROVIDER: "Sam Other",
        DepartureField.LEAVES_ON: "Jan 31, 2027",
        DepartureField.AFFILIATION: affiliation_moves("Sam Other"),
        DepartureField.CLINIC: clinic,
    }
    return "\n".join(filter(None, (clinic, letterhead))) + "\n\n" + filled_letter(words, values)


def affiliation_moves(to: str) -> str:
    """What a letter says of an affiliation that goes to a provider, or to a list by its name."""
    return f"Your Blended Capitation affiliation will then be with {to}."


def affiliation_ends(leaves_on: date) -> str:
    """What it says of one that ends."""
    return f"Your Blended Capitation affiliation ends on {date_text(leaves_on)}."


def filled_letter(words: str, values: Mapping[DepartureField, str]) -> str:
    """The letter with its fields filled in. What is filled in is not read as a field again.

    A line of its own for an affiliation is dropped where there is nothing to say of one.
    """
    if not values[DepartureField.AFFILIATION]:
        words = _EMPTY_LINE.sub("", words)
    return _IN_BRACES.sub(lambda found: values[DepartureField(found[0][1:-1])], words)
