"""The texts in a report's columns of codes: a person says what they mean, where that is not the same to anyone."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ...domain.list_codes import CODES, is_known, mismatch_of
from ...domain.list_columns import ColumnField
from ...domain.reports import Mismatch
from ...domain.texts import readable
from .layouts import ListReading, UnderstoodRow, most_frequent, patient_rows, understood
from .reading import ListFile, Row

CodeTexts = Mapping[ColumnField, Mapping[str, int]]
_IN_RECORDS: Final = (ColumnField.MISMATCH, ColumnField.REGISTRY_VALUE)


def texts(file: ListFile, reading: ListReading) -> CodeTexts:
    """By column of codes its texts that are to be decided or were, each with its number of rows: of rows about someone.

    The gender that the registry has where that does not match is among those of genders. Reads the whole list, once.
    Raises Refused for so many that it cannot be such a column.
    """
    found: dict[ColumnField, Counter[str]] = {field: Counter() for field in CODES}
    places = {field: place for field in (*CODES, *_IN_RECORDS) if (place := reading.column(field)) is not None}
    if not places.keys() & CODES.keys():
        return {}
    for row in patient_rows(file, reading):
        for field, text in _codes(row[1], places, reading):
            if text in found[field] or _counts(row, field, text, reading):
                found[field][text] += 1
    return {field: most_frequent(field, counter) for field, counter in found.items() if counter}


def undecided(file: ListFile, reading: ListReading) -> CodeTexts:
    """Those of them without a meaning; a column without any is not among them."""
    return {
        field: without
        for field, counts in texts(file, reading).items()
        if (without := {text: count for text, count in counts.items() if not _has_meaning(field, text, reading)})
    }


def _codes(
    cells: Sequence[str], places: Mapping[ColumnField, int], reading: ListReading
) -> Iterator[tuple[ColumnField, str]]:
    values = {field: readable(cells[place]) or "" for field, place in places.items() if place < len(cells)}
    for field in CODES:
        if text := values.get(field):
            yield field, text
    value = values.get(ColumnField.REGISTRY_VALUE)
    if value and mismatch_of(values.get(ColumnField.MISMATCH, ""), reading.codes) is Mismatch.GENDER:
        yield ColumnField.GENDER, value


def _counts(row: Row, field: ColumnField, text: str, reading: ListReading) -> bool:
    """Whether a text is one to decide. What is in the same column of a row about no one, such as a total, is not."""
    return bool(text) and not is_known(field, text) and _is_about_someone(understood(*row, reading))


def _is_about_someone(row: UnderstoodRow) -> bool:
    return any(map(str.isdigit, row.phn)) or bool(row.family_name and row.birth_date)


def _has_meaning(field: ColumnField, text: str, reading: ListReading) -> bool:
    return text in reading.codes.get(field, {})
