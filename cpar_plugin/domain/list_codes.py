"""Columns of a report that hold codes: what each text in them means is said once, by a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .gender import GENDER_LABELS, LETTERS, Gender, named_gender
from .list_columns import FIELD_LABELS, ColumnField, named_field
from .reports import MISMATCH_LABELS, Mismatch
from .texts import readable

Meanings = Mapping[ColumnField, Mapping[str, str]]  # by column of codes and text: one of the values of its `labels`


@dataclass(frozen=True, slots=True)
class CodeColumn:
    """A column of codes. `request` says what is to be selected for each text, `labels` what may be."""

    title: str
    request: str
    labels: Mapping[str, str]


CODES: Final = {
    ColumnField.MISMATCH: CodeColumn(
        FIELD_LABELS[ColumnField.MISMATCH],
        "Select the field",
        {mismatch.value: label for mismatch, label in MISMATCH_LABELS.items()},
    ),
    ColumnField.GENDER: CodeColumn(
        FIELD_LABELS[ColumnField.GENDER],
        "Select the gender",
        {gender.value: label for gender, label in GENDER_LABELS.items()},
    ),
}


def is_known(field: ColumnField, text: str) -> bool:
    """Whether a text in a column of codes means the same to anyone, so that no one is asked."""
    return field is ColumnField.GENDER and named_gender(text) is not None


def proposed_meaning(field: ColumnField, text: str) -> str:
    """What a text may mean, by its words, for a person to decide; '' for nothing."""
    named = named_field(text) if field is ColumnField.MISMATCH else None
    return named.value if named and named.value in CODES[field].labels else ""


def mismatch_of(text: str, meanings: Meanings) -> Mismatch | None:
    """The field that does not match; None where no one has said what the text means."""
    meaning = meanings.get(ColumnField.MISMATCH, {}).get(text)
    return Mismatch(meaning) if meaning else None


def gender_of(text: str, meanings: Meanings) -> Gender | None:
    """The same of the gender, and without a person where the text is a word or letter for it."""
    gender = named_gender(text)
    if gender is not None or not text:
        return gender
    meaning = meanings.get(ColumnField.GENDER, {}).get(readable(text) or "")
    return Gender(meaning) if meaning else None


def listed_gender(text: str, meanings: Meanings) -> str:
    """As rows keep it (domain.gender.LETTERS): '' also for a text without a meaning."""
    gender = gender_of(text, meanings)
    return LETTERS[gender] if gender else ""
