"""Reports of the registry: their kinds, what has to be in them, and by what a line of one is known in the next.

How the registry's files look is not public: a person says what the columns of each layout mean.
"""

from collections.abc import Collection, Mapping
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Final, assert_never

from .dates import birth_date_text
from .exhaustive import exhaustive
from .list_cells import iso_day
from .list_columns import FIELD_LABELS, REPORTED, ColumnField, doubled_columns


class ReportKind(StrEnum):
    """What a report is about."""

    CONFLICT = "conflict"  # patients who are on another provider's panel too
    MISMATCH = "mismatch"  # patients whose data are not the registry's
    REGISTRY_LIST = "registry-list"  # the registry's own list of a panel
    METRICS = "metrics"  # how many were submitted, attached, and so on
    OTHER = "other"


KIND_LABELS: Final = exhaustive(
    __name__,
    ReportKind,
    {
        ReportKind.CONFLICT: "Conflicts: patients on another panel too",
        ReportKind.MISMATCH: "Demographic mismatches",
        ReportKind.REGISTRY_LIST: "The registry's list of a panel",
        ReportKind.METRICS: "Submission metrics",
        ReportKind.OTHER: "Other report",
    },
)

# The columns of metrics: how many patients were in the file, how many are attached, or anything else.
COUNTS: Final = frozenset({ColumnField.COUNT, ColumnField.RECEIVED, ColumnField.ATTACHED})


class Mismatch(StrEnum):
    """The field of a patient that does not match."""

    PHN = "phn"
    FAMILY_NAME = "family-name"
    GIVEN_NAME = "given-name"
    BIRTH_DATE = "birth-date"
    GENDER = "gender"
    OTHER = "other"


MISMATCH_LABELS: Final = exhaustive(
    __name__,
    Mismatch,
    {
        Mismatch.PHN: "PHN",
        Mismatch.FAMILY_NAME: "Family name",
        Mismatch.GIVEN_NAME: "Given name",
        Mismatch.BIRTH_DATE: "Date of birth",
        Mismatch.GENDER: "Gender",
        Mismatch.OTHER: "Something else",
    },
)


def missing_in(kind: ReportKind, fields: Collection[ColumnField]) -> str:
    """What keeps a report of this kind from being read by these columns, and what to do; '' when nothing does."""
    if doubled := doubled_columns(fields):
        return doubled
    match kind:
        case ReportKind.METRICS:
            return "" if COUNTS & set(fields) else "Select the column with the count."
        case ReportKind.CONFLICT | ReportKind.MISMATCH | ReportKind.REGISTRY_LIST | ReportKind.OTHER:
            family = {ColumnField.FAMILY_NAME, ColumnField.FAMILY_FIRST, ColumnField.GIVEN_FIRST} & set(fields)
            if ColumnField.PHN in fields or (family and ColumnField.BIRTH_DATE in fields):
                return ""
            return "Select the column with the PHN, or those with the family name and the date of birth."
        case _:
            assert_never(kind)


def line_key(kind: ReportKind, identity: tuple[str, ...], details: Mapping[ColumnField, str], row_number: int) -> str:
    """By what a line is known in the next report of its kind: the same patient, and the same other panel or field.

    '' for a row that is about no one, such as a total. `identity` is empty for it. The rows of metrics are all kept.
    """
    apart: tuple[ColumnField, ...]
    match kind:
        case ReportKind.METRICS:
            return _digest(str(row_number))
        case ReportKind.CONFLICT:
            apart = (ColumnField.OTHER_PROVIDER, ColumnField.OTHER_CLINIC)
        case ReportKind.MISMATCH:
            apart = (ColumnField.MISMATCH,)
        case ReportKind.REGISTRY_LIST:
            apart = ()
        case ReportKind.OTHER:
            apart = REPORTED
        case _:
            assert_never(kind)
    return _digest(*identity, "", *(details.get(field, "").casefold() for field in apart)) if identity else ""


def day_of_report(earliest: str, latest: str, received: date) -> date | None:
    """The report's own day by the earliest and latest text in its column of dates: the latest, of dates of one month.

    None where they say none: a row may also have the day of what it is about, long before the report.
    """
    first, last = iso_day(earliest), iso_day(latest)
    of_one_month = first is not None and last is not None and first.replace(day=1) == last.replace(day=1)
    return last if of_one_month and last is not None and last <= received else None


_DATES = (ColumnField.REPORTED_ON, ColumnField.REGISTRY_VALUE, ColumnField.SIGNED_ON)


def detail_text(field: ColumnField, text: str) -> str:
    """What a report says beside the patient, in a field of REPORTED, for people."""
    if field is ColumnField.MISMATCH and text in list(Mismatch):
        return MISMATCH_LABELS[Mismatch(text)]
    return birth_date_text(text) if field in _DATES else text


def details_text(details: Mapping[ColumnField, str]) -> str:
    """All of it, on one line."""
    return "; ".join(f"{FIELD_LABELS[field]}: {detail_text(field, text)}" for field, text in details.items() if text)


def compared_text(details: Mapping[ColumnField, str], own_value: str | None) -> str:
    """The same with what the record has in the field that does not match; None where that is not known."""
    if own_value is None:
        return details_text(details)
    others: dict[ColumnField, str] = dict(details)
    others.pop(ColumnField.REGISTRY_VALUE, None)
    own, registry = (
        birth_date_text(text) or "nothing" for text in (own_value, details.get(ColumnField.REGISTRY_VALUE))
    )
    return "; ".join(filter(None, (details_text(others), f"ours: {own} | the registry's: {registry}")))


def _digest(*texts: str) -> str:
    return sha256("\n".join(texts).encode()).hexdigest()
