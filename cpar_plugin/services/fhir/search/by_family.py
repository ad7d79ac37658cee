"""Patients by the index of names that a host may have, where few patients could be meant.

A common name is looked for among the members in their order, as a page has enough of them soon: all with that name
would have to be sorted. For a name of few all members would be read.
"""

import re
from typing import Final

from sqlalchemy import ColumnElement, func, select

from ....store.folding import folded_text
from ..patient_rows import stored_patients
from .answers import Rows

_FEW: Final = 300
_LETTERS: Final = re.compile("[A-Za-z]+")


def by_index(rows: Rows, value: str, modifier: str | None) -> ColumnElement[bool] | None:
    """A condition that is true for whoever fits a family name, and few others. At most one statement.

    None where the host has none, or too many patients could be meant.
    """
    letters = _LETTERS.match(value if modifier == "exact" else folded_text(value))
    if letters is None or modifier == "contains":
        return None
    stored = stored_patients(rows.host.roster)  # type: ignore[arg-type]
    possible = stored.family_begins(letters[0].lower())
    if possible is None:
        return None
    some = select(stored.rows.c.patient_id).where(possible).limit(_FEW + 1).subquery()
    number = rows.connection.scalar(select(func.count()).select_from(some)) or 0
    return possible if number <= _FEW else None
