"""The registry's list and ours as the rows of a file: what the record says, and what the list says."""

from collections.abc import Iterable, Iterator
from typing import Final

from ...domain.csv_columns import PATIENT, CsvColumn, CsvHead
from ...domain.heaps import HEAP_LABELS
from ...domain.list_columns import FIELD_LABELS, ColumnField
from ...hooks import Host
from .heaps import HeapRow

_LISTED: Final = {
    CsvColumn.LISTED_FAMILY_NAME: ColumnField.FAMILY_NAME,
    CsvColumn.LISTED_GIVEN_NAME: ColumnField.GIVEN_NAME,
    CsvColumn.LISTED_BIRTH_DATE: ColumnField.BIRTH_DATE,
    CsvColumn.LISTED_GENDER: ColumnField.GENDER,
    CsvColumn.LISTED_PHN: ColumnField.PHN,
}
_OWN: Final = (
    ColumnField.FAMILY_NAME,
    ColumnField.GIVEN_NAME,
    ColumnField.BIRTH_DATE,
    ColumnField.PHN,
    ColumnField.GENDER,
)
HEAD: Final[CsvHead] = (
    *PATIENT,
    CsvColumn.GENDER,
    CsvColumn.PANEL_NOW,
    CsvColumn.PANEL_SINCE,
    CsvColumn.RESULT,
    CsvColumn.DIFFERENT_FIELDS,
    CsvColumn.LISTED_ROW,
    *_LISTED,
)


def export(host: Host, rows: Iterable[HeapRow]) -> Iterator[tuple[object, ...]]:
    """The rows of the file, streamed."""
    yield HEAD
    for row in rows:
        yield (
            row.patient_id,
            *(row.own[field] for field in _OWN),
            row.panel_number,
            row.since.astimezone(host.clock.zone).date() if row.since else None,
            HEAP_LABELS[row.heap],
            "; ".join(FIELD_LABELS[field] for field in row.differing),
            row.row_number,
            *(row.listed[field] for field in _LISTED.values()),
        )
