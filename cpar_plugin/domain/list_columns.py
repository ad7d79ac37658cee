"""What the columns of a list or report mean: proposed from their names and contents, decided by a person."""

import re
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Final

from .exhaustive import exhaustive
from .gender import says_male_or_female
from .identifiers import is_phn
from .list_cells import DateOrder, date_readings, is_serial, iso_day, listed_phn, plain
from .texts import readable

HEADER_WITHIN: Final = 30  # rows from the top: titles, dates of printing and the like stand above
_ENOUGH = 0.8  # of the cells of a column without a name look like this


class Purpose(StrEnum):
    """What a file is uploaded for."""

    IMPORT = "import"  # its patients are put on panels
    REPORT = "report"  # it is an answer of the registry's
    OTHER = "other"  # its patients are put on an affiliation or a caseload


class ColumnField(StrEnum):
    """What a column of a list or report holds."""

    IGNORED = "ignored"
    PHN = "phn"
    FAMILY_NAME = "family-name"
    GIVEN_NAME = "given-name"
    FAMILY_FIRST = "family-first"
    GIVEN_FIRST = "given-first"
    BIRTH_DATE = "birth-date"
    GENDER = "gender"
    PANEL = "panel"
    OTHER_PROVIDER = "other-provider"
    OTHER_CLINIC = "other-clinic"
    REPORTED_ON = "reported-on"
    MISMATCH = "mismatch"
    REGISTRY_VALUE = "registry-value"
    COUNT = "count"
    RECEIVED = "received"
    ATTACHED = "attached"
    SIGNED_ON = "signed-on"


FIELD_LABELS: Final = exhaustive(
    __name__,
    ColumnField,
    {
        ColumnField.IGNORED: "Not used",
        ColumnField.PHN: "PHN",
        ColumnField.FAMILY_NAME: "Family name",
        ColumnField.GIVEN_NAME: "Given name",
        ColumnField.FAMILY_FIRST: "Full name, family name first",
        ColumnField.GIVEN_FIRST: "Full name, given name first",
        ColumnField.BIRTH_DATE: "Date of birth",
        ColumnField.GENDER: "Gender",
        ColumnField.PANEL: "Provider or panel",
        ColumnField.OTHER_PROVIDER: "Other provider",
        ColumnField.OTHER_CLINIC: "Other clinic",
        ColumnField.REPORTED_ON: "Date",
        ColumnField.MISMATCH: "What does not match",
        ColumnField.REGISTRY_VALUE: "The registry's value",
        ColumnField.COUNT: "Count",
        ColumnField.RECEIVED: "Count of patients in the file",
        ColumnField.ATTACHED: "Count of patients attached",
        ColumnField.SIGNED_ON: "Date of the signed form",
    },
)
REPORTED: Final = (
    ColumnField.OTHER_PROVIDER,
    ColumnField.OTHER_CLINIC,
    ColumnField.REPORTED_ON,
    ColumnField.MISMATCH,
    ColumnField.REGISTRY_VALUE,
    ColumnField.COUNT,
    ColumnField.RECEIVED,
    ColumnField.ATTACHED,
)
# What is offered for a column.
FIELDS: Final = exhaustive(
    __name__,
    Purpose,
    {
        Purpose.IMPORT: tuple(field for field in ColumnField if field not in (*REPORTED, ColumnField.SIGNED_ON)),
        Purpose.REPORT: tuple(field for field in ColumnField if field is not ColumnField.SIGNED_ON),
        Purpose.OTHER: tuple(field for field in ColumnField if field not in (*REPORTED, ColumnField.PANEL)),
    },
)

# By the words of a column's name, in plain letters; the first that fits. Providers come first: `Doctor last name`.
_NAMED: Final = (
    (ColumnField.IGNORED, r"middle|prefer|maiden|alias|nick ?name|mother|guardian|emergency|user ?name|file ?name"),
    (ColumnField.PANEL, r"\b(panel|provider|physician|doctor|dr|mrp|pcp|practitioner|medecin)\b"),
    (
        ColumnField.PHN,
        r"\b(phn|uli|hin|hcn|ahc|ahcip|ab hc|health (care )?(card|number|no|num|id|ins|insurance)|"
        r"healthcare (card|number|no|num)|personal health|care card)\b",
    ),
    (ColumnField.BIRTH_DATE, r"\b(dob|d o b|birth|birthdate|birthday|born|naissance)\b|birth ?dt\b"),
    (ColumnField.GENDER, r"\b(sex|gender|sexe|genre)\b"),
    (ColumnField.FAMILY_NAME, r"\b(last|family|sur|lst) ?(name|nm)\b|^(last|surname|family|lname|nom|nom de famille)$"),
    (ColumnField.GIVEN_NAME, r"\b(first|given|fore|fst) ?(names?|nm)\b|^(first|given|fname|prenoms?)$"),
    (
        ColumnField.FAMILY_FIRST,
        r"^(full |patient |client |member |patients? full )?(name|names)$|^(patient|patients|client)$",
    ),
)

# Of reports alone: no layout is known, these are words that anyone may use. The first come before those above.
_FIRST_IN_REPORTS: Final = (
    (ColumnField.OTHER_PROVIDER, r"\b(other|autre) .*\b(provider|physician|doctor|practitioner|panel|medecin)\b"),
    (ColumnField.OTHER_CLINIC, r"\b(other|autre) .*\b(clinic|facility|site|clinique)\b"),
    (ColumnField.REGISTRY_VALUE, r"\b(registry|registre)\b"),
    (ColumnField.MISMATCH, r"\b(mismatch|discrepancy|difference|ecart)\b"),
)
_LAST_IN_REPORTS: Final = (
    (ColumnField.REPORTED_ON, r"\bdate\b"),
    (ColumnField.ATTACHED, r"\b(attached|attachments?)\b"),
    (ColumnField.RECEIVED, r"\b(received|in (the )?file)\b"),
    (ColumnField.COUNT, r"\b(count|total|nombre)\b"),
)

# Of lists for affiliations alone, likewise.
_FIRST_IN_OTHERS: Final = ((ColumnField.SIGNED_ON, r"\b(signed|signature|affiliat\w*|enrol\w*)\b"),)
_LAST_IN_OTHERS: Final = ((ColumnField.SIGNED_ON, r"^date$"),)
_NAMES: Final = exhaustive(
    __name__,
    Purpose,
    {
        Purpose.IMPORT: _NAMED,
        Purpose.REPORT: (*_FIRST_IN_REPORTS, *_NAMED, *_LAST_IN_REPORTS),
        Purpose.OTHER: (*_FIRST_IN_OTHERS, *_NAMED, *_LAST_IN_OTHERS),
    },
)


def fingerprint(header: Sequence[str]) -> str:
    """Of a row of column names, by which a layout is recognized; '' for a row without any."""
    names = [plain(name) for name in header]
    while names and not names[-1]:
        names.pop()
    return sha256("\n".join(names).encode()).hexdigest() if any(names) else ""


def named_field(name: str, purpose: Purpose = Purpose.IMPORT) -> ColumnField | None:
    """What a column of this name holds; None for a name that says nothing."""
    text = plain(name)
    return next((field for field, words in _NAMES[purpose] if text and re.search(words, text)), None)


def header_row(rows: Sequence[Sequence[str]], purpose: Purpose = Purpose.IMPORT) -> int | None:
    """The place of the row with the names of the columns among the first rows of a list; None where there is none."""
    best, most = None, 0
    for place, row in enumerate(rows[:HEADER_WITHIN]):
        fields = {field for name in row if (field := named_field(name, purpose)) and field is not ColumnField.IGNORED}
        # One alone may be a title: `Panel of Dr. Okafor`.
        names = len(fields) > 1 or fields == {ColumnField.PHN}
        if names and len(fields) > most and not any(is_phn(listed_phn(cell)) for cell in row):
            best, most = place, len(fields)
    return best


def proposed_fields(
    header: Sequence[str], rows: Sequence[Sequence[str]], purpose: Purpose = Purpose.IMPORT
) -> tuple[ColumnField, ...]:
    """A field for each column, by its name, else by what most of its cells look like. No field but one is used twice.

    `header` is empty for a list without column names, `rows` are the first rows below it.
    """
    width = max(map(len, (header, *rows)), default=0)
    columns = [[cell for row in rows if place < len(row) and (cell := row[place])] for place in range(width)]
    fields: list[ColumnField] = []
    for place, cells in enumerate(columns):
        name = header[place] if place < len(header) else ""
        field = named_field(name, purpose) or (ColumnField.IGNORED if plain(name) else _field_by_contents(cells))
        if field is ColumnField.FAMILY_FIRST and cells and not any("," in cell for cell in cells):
            field = ColumnField.GIVEN_FIRST
        fields.append(ColumnField.IGNORED if field in fields else field)
    if {ColumnField.FAMILY_NAME, ColumnField.GIVEN_NAME} <= set(fields):
        full = (ColumnField.FAMILY_FIRST, ColumnField.GIVEN_FIRST)
        fields = [ColumnField.IGNORED if field in full else field for field in fields]
    return tuple(fields)


def _field_by_contents(cells: Sequence[str]) -> ColumnField:
    if not cells:
        return ColumnField.IGNORED

    def most(fits: int) -> bool:
        return fits >= _ENOUGH * len(cells)

    if most(sum(bool(date_readings(cell)) and not cell.isdigit() for cell in cells)):
        return ColumnField.BIRTH_DATE
    if most(sum(is_phn(listed_phn(cell)) for cell in cells)):
        return ColumnField.PHN
    if most(sum(map(says_male_or_female, cells))):
        return ColumnField.GENDER
    if most(sum("," in cell and not any(map(str.isdigit, cell)) for cell in cells)):
        return ColumnField.FAMILY_FIRST
    return ColumnField.IGNORED


def doubled_columns(fields: Collection[ColumnField]) -> str:
    """Which field two columns are set to, and what to do; '' for none."""
    doubled = next(
        (field for field in ColumnField if field is not ColumnField.IGNORED and [*fields].count(field) > 1), None
    )
    return f"Two columns are set to {FIELD_LABELS[doubled]}: change one of them." if doubled else ""


def missing_columns(fields: Collection[ColumnField]) -> str:
    """What keeps patients from being found by these columns, and what to do; '' when nothing does."""
    if doubled := doubled_columns(fields):
        return doubled
    named = {ColumnField.FAMILY_NAME, ColumnField.GIVEN_NAME} <= set(fields) or bool(
        {ColumnField.FAMILY_FIRST, ColumnField.GIVEN_FIRST} & set(fields)
    )
    if ColumnField.PHN in fields or (named and ColumnField.BIRTH_DATE in fields):
        return ""
    return "Select the column with the PHN, or those with the name and the date of birth."


def date_orders(cells: Iterable[str]) -> tuple[DateOrder, ...]:
    """The orders in which the dates of a column can be read: those that read the most of them, more than one if they
    would read some of them differently, and none if there is nothing to decide.
    """
    readings = [reading for cell in cells if not iso_day(cell) and (reading := date_readings(cell))]
    unequal = [reading for reading in readings if len(set(reading.values())) > 1 or len(reading) < len(DateOrder)]
    if not unequal:
        return ()
    counts = {order: sum(order in reading for reading in unequal) for order in DateOrder}
    return tuple(order for order in DateOrder if counts[order] == max(counts.values()))


def shown_cell(text: str, length: int = 40) -> str:
    """A cell for people to look at."""
    text = readable(text) or ""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def holds_serials(cells: Sequence[str]) -> bool:
    """Whether a column of dates holds days that a spreadsheet keeps as numbers."""
    return any(is_serial(cell) for cell in cells)
