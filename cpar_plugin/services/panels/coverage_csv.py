"""The list of coverage as the rows of a file."""

from collections.abc import Iterable, Iterator
from typing import Final

from ...domain.coverage import LABELS
from ...domain.csv_columns import PATIENT, CsvColumn, CsvHead
from .coverage_list import CoverageRow

HEAD: Final[CsvHead] = (
    *PATIENT,
    CsvColumn.PANEL,
    CsvColumn.MRP,
    CsvColumn.COVERAGE,
    CsvColumn.COVERAGE_START,
    CsvColumn.COVERAGE_END,
    CsvColumn.CARD_VERSION,
    CsvColumn.NEXT_APPOINTMENT,
)


def export(rows: Iterable[CoverageRow]) -> Iterator[tuple[object, ...]]:
    """The rows of the file, streamed. Days of coverage are as the EMR has them."""
    yield HEAD
    for row in rows:
        yield (
            row.patient_id,
            row.family_name,
            row.given_name,
            row.birth_date,
            row.phn,
            row.panel_number,
            row.mrp,
            LABELS[row.state],
            row.coverage_start,
            row.coverage_end,
            row.card_version,
            row.next_appointment,
        )
