"""What a list of patients is searched by, as SQL."""

from typing import Any

from sqlalchemy import ColumnElement, or_

from ...domain.patient_search import digits_of
from ...store.types import KEYS


def matches(columns: Any, word: str) -> ColumnElement[bool]:
    """Whether a word of `domain.patient_search.words` is in a name, or is the PHN, record number or date of birth."""
    digits = digits_of(word)
    if not digits:
        return or_(*(columns[name].icontains(word, autoescape=True) for name in ("family_name", "given_name")))
    number = int(digits) if int(digits) in KEYS else 0
    return or_(columns.phn == digits, columns.birth_date == word, columns.patient_id == number)
