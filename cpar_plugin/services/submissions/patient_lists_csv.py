"""A submission's list of patients as a CSV file, in the list's order."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from ...domain.csv_columns import PATIENT, CsvColumn, CsvHead
from ...domain.reasons import Reason
from ...domain.wording import wordings
from ...hooks import Host
from .changes import PatientChange
from .patient_lists import Row
from .patients import Exclusion, Sent

FIELDS: Final = {
    "family_name": "Family name",
    "given_names": "Given names",
    "preferred_name": "Preferred name",
    "phn": "PHN",
    "birth_date": "Date of birth",
    "gender": "Gender",
    "since": "On the panel since",
    "confirmed_on": "Last confirmation",
    "confirmed_how": "How confirmed",
    "last_visit_on": "Last visit",
}
# Of patients who were submitted as they were submitted, of all others as the EMR has them now.
HEAD: Final[CsvHead] = (
    *PATIENT,
    CsvColumn.PREFERRED_NAME,
    CsvColumn.GENDER,
    CsvColumn.PANEL_SINCE,
    CsvColumn.LAST_CONFIRMATION,
    CsvColumn.HOW_CONFIRMED,
    CsvColumn.LAST_VISIT,
    CsvColumn.REASONS,
    CsvColumn.HOW_TO_FIX,
    CsvColumn.PANEL_NOW,
    CsvColumn.CHANGE,
)
_OF_SENT = 6  # cells


def export(host: Host, rows: Iterable[Row]) -> Iterator[tuple[object, ...]]:
    """The rows of the file. Columns that say nothing about this list are empty."""
    yield HEAD
    words = wordings(host.roster)

    def reasons(codes: Iterable[Reason]) -> tuple[str, str]:
        reasons = [words[code] for code in codes]
        return "; ".join(one.label for one in reasons), " ".join(one.remedy for one in reasons)

    for row in rows:
        if isinstance(row, Sent):
            sent = row.patient
            yield (
                sent.patient_id,
                sent.family_name,
                sent.given_names,
                sent.birth_date,
                sent.phn,
                sent.preferred_name,
                sent.gender,
                sent.since.astimezone(host.clock.zone).date(),
                sent.confirmed_on,
                sent.confirmed_how,
                sent.last_visit_on,
            )
            continue
        now = row.patient
        patient = (now.patient_id, now.family_name, now.given_name, now.birth_date, now.phn)
        yield (*patient, *[None] * _OF_SENT, *reasons(row.reasons), *_change(host, row))


def _change(host: Host, row: Exclusion | PatientChange) -> tuple[str | None, str]:
    """The panel that a removed patient is on now, and what was submitted before and now."""
    if isinstance(row, Exclusion):
        return None, ""

    def text(value: object) -> str:
        return str(value.astimezone(host.clock.zone).date() if isinstance(value, datetime) else value or "nothing")

    fields = (f"{FIELDS[name]}: {text(old)} -> {text(new)}" for name, old, new in row.fields)
    return row.panel_number, "; ".join(fields)
