"""A list of a rehearsal as a CSV file, in the list's order. Patients as the EMR has them now."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from ...domain.csv_columns import PATIENT, CsvColumn, CsvHead
from ...domain.wording import wordings
from ...hooks import Host
from .patient_lists_csv import FIELDS
from .rehearsal import RehearsedPatient

HEAD: Final[CsvHead] = (
    *PATIENT,
    CsvColumn.EVENT,
    CsvColumn.BY,
    CsvColumn.AT,
    CsvColumn.REASONS,
    CsvColumn.HOW_TO_FIX,
    CsvColumn.PANEL_NOW,
    CsvColumn.CHANGE,
)


def export(host: Host, rows: Iterable[RehearsedPatient]) -> Iterator[tuple[object, ...]]:
    """The rows of the file. Columns that say nothing about this list are empty."""
    yield HEAD
    words = wordings(host.roster)

    def text(value: object) -> str:
        return str(value.astimezone(host.clock.zone).date() if isinstance(value, datetime) else value or "nothing")

    for row in rows:
        now, operation = row.patient, next(iter(row.through), None)
        reasons = [words[reason] for reason in row.reasons]
        yield (
            *(now.patient_id, now.family_name, now.given_name, now.birth_date, now.phn),
            "; ".join(one.text for one in row.through),
            operation.by if operation else None,
            operation.at.astimezone(host.clock.zone).replace(tzinfo=None) if operation and operation.at else None,
            "; ".join(one.label for one in reasons),
            " ".join(one.remedy for one in reasons),
            row.panel_number,
            "; ".join(f"{FIELDS[name]}: {text(old)} -> {text(new)}" for name, old, new in row.fields),
        )
