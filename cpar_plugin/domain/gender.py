"""Gender: the codes of EMRs, and the words and letters of lists and reports."""

from enum import StrEnum
from functools import lru_cache
from typing import Final

from .exhaustive import exhaustive
from .list_cells import plain
from .texts import readable_name


class Gender(StrEnum):
    """FHIR's AdministrativeGender."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


GENDER_LABELS: Final = exhaustive(
    __name__,
    Gender,
    {Gender.MALE: "Male", Gender.FEMALE: "Female", Gender.OTHER: "Another gender", Gender.UNKNOWN: "Unknown"},
)
OTHER_CODES: Final = ("X", "O", "T")  # of EMRs: another gender
KNOWN: Final = ("M", "F", *OTHER_CODES)  # any other is sent as unknown

# How the rows of lists and reports keep it: unknown is as an empty cell, which says nothing.
OTHER_LETTER: Final = "O"
LETTERS: Final = exhaustive(
    __name__, Gender, {Gender.MALE: "M", Gender.FEMALE: "F", Gender.OTHER: OTHER_LETTER, Gender.UNKNOWN: ""}
)
_NAMED: Final = {
    **dict.fromkeys(("m", "male", "man", "boy", "homme", "masculin", "h"), Gender.MALE),
    **dict.fromkeys(("f", "female", "woman", "girl", "femme", "feminin"), Gender.FEMALE),
    **dict.fromkeys(("o", "x", "other", "another", "autre", "non binary"), Gender.OTHER),
    **dict.fromkeys(("u", "unk", "unknown", "undisclosed", "inconnu", "inconnue"), Gender.UNKNOWN),
}


@lru_cache(256)
def gender_code(text: str | None) -> str | None:
    """The host's code in capital letters: `f` is the same as `F`. None when there is nothing to be read."""
    code = readable_name(text)
    return code.upper() if code else None


def named_gender(text: str) -> Gender | None:
    """What a cell of a list or report says; None for what says nothing by itself, such as `1`."""
    return _NAMED.get(plain(text))


def says_male_or_female(text: str) -> bool:
    """Whether a cell can hardly be of another column than that of genders."""
    return named_gender(text) in (Gender.MALE, Gender.FEMALE)
