"""Patients as a host stores them, where that is quicker to read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause


def _no_index(_letters: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPatients:
    """The patients of `Roster.patients` as the host stores them, and how those are made of it.

    `rows` has a row for each patient: patient_id, and the columns named by `texts`. `columns` are those of
    `Roster.patients` made of columns of `rows` in SQL. `record` makes the same of the texts of a row in Python: phn,
    phn_jurisdiction, family_name, given_name, middle_names, preferred_name, birth_date, gender, status.

    `family_begins` takes letters from a to z. It returns a condition on columns of `rows` that an index answers: true
    for every patient whose family_name begins with these letters, whatever their case and accents, and perhaps for
    some others. None where there is no such index: then the family_name of each patient is compared.

    .. versionadded:: 1.0
    """

    rows: FromClause
    texts: Sequence[str]
    columns: Mapping[str, ColumnElement[Any]]
    record: Callable[[Sequence[str | None]], Sequence[str | None]]
    family_begins: Callable[[str], ColumnElement[bool] | None] = _no_index
