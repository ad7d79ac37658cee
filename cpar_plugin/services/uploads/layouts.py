"""How a list is read: proposed from what is in it, or as a list with the same column names was read before."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, assert_never

from pydantic import BaseModel, ConfigDict, field_validator
from sqlalchemy import Connection, delete, insert, select

from ...domain.list_cells import DateOrder, SerialsFrom, listed_date, listed_phn, plain, split_name
from ...domain.list_codes import CODES, Meanings, listed_gender, mismatch_of
from ...domain.list_columns import (
    FIELD_LABELS,
    HEADER_WITHIN,
    REPORTED,
    ColumnField,
    Purpose,
    date_orders,
    fingerprint,
    header_row,
    missing_columns,
    proposed_fields,
)
from ...domain.refusals import Refused
from ...domain.reports import Mismatch, ReportKind
from ...domain.texts import readable
from ...hooks import Actor, Host
from ...store import tables
from .reading import ListFile, Row

MOST_TEXTS: Final = 100  # of a column that has few
_SHEETS: Final = 10  # that are looked at for a header


class ListReading(BaseModel):
    """How the rows of a list are read. The place in `fields` is that of the column."""

    model_config = ConfigDict(frozen=True)

    sheet: int = 0
    encoding: str = ""  # of a text, a key of text_file.ENCODINGS; '': what it looks like
    header: int = 0  # the number of the row with the column names, 0 for none: patients begin below it
    fields: tuple[ColumnField, ...] = ()
    date_order: DateOrder | None = None  # None: no date needs it
    serials_from: SerialsFrom = SerialsFrom.WINDOWS
    panels: Mapping[str, int] = {}  # the panel for each text in the column of panels; 0 for none
    purpose: Purpose = Purpose.IMPORT
    kind: ReportKind | None = None  # of a report
    codes: Meanings = {}  # of a report: what the texts in columns of codes mean

    @field_validator("codes")
    @classmethod
    def _may_be_meant(cls, codes: Meanings) -> Meanings:
        for field, meanings in codes.items():
            if field not in CODES or not set(meanings.values()) <= CODES[field].labels.keys():
                raise ValueError(f"{field.value}: no column of codes, or no meaning in it")
        return codes

    def column(self, field: ColumnField) -> int | None:
        """The place of the column that holds this."""
        return self.fields.index(field) if field in self.fields else None


class UnderstoodRow(NamedTuple):
    """A row of a list, as it is understood. Texts are '' where there is nothing."""

    row_number: int
    phn: str
    family_name: str
    given_name: str
    birth_date: str  # ISO; as it is where it names no day
    gender: str  # domain.gender.LETTERS
    panel_text: str
    details: Mapping[ColumnField, str] = {}  # those fields of domain.list_columns.REPORTED, and SIGNED_ON, that it has


class Proposal(NamedTuple):
    """How a list may be read. `remembered`: as one with the same column names was."""

    reading: ListReading
    remembered: bool


def propose(connection: Connection, file: ListFile, purpose: Purpose = Purpose.IMPORT) -> Proposal:
    """How to read a file: as remembered for the column names of a sheet of it, else by what it looks like."""
    guesses: list[tuple[int, list[Row]]] = []
    for sheet in range(len(file.sheets[:_SHEETS]) or 1):
        rows = file.first_rows(sheet=sheet)
        known = _remembered(connection, purpose, rows)
        if known:
            number, reading = known
            kept = {"sheet": sheet, "header": number, "encoding": reading.encoding if file.is_text else ""}
            return Proposal(reading.model_copy(update=kept), remembered=True)
        guesses.append((sheet, rows))
    sheet, rows = next((guess for guess in guesses if header_row(_texts(guess[1]), purpose) is not None), guesses[0])
    place = header_row(_texts(rows), purpose)
    header = rows[place][0] if place is not None else 0
    return Proposal(proposed(file, ListReading(sheet=sheet, header=header, purpose=purpose)), remembered=False)


def proposed(file: ListFile, reading: ListReading) -> ListReading:
    """The reading with fields, and with the order of dates where they decide it, for its sheet, letters and header."""
    rows = file.first_rows(sheet=reading.sheet, encoding=reading.encoding)
    below = [cells for number, cells in rows if number > reading.header]
    fields = proposed_fields(header_of(rows, reading), below, reading.purpose)
    reading = reading.model_copy(update={"fields": fields, "serials_from": file.serials_from})
    orders = orders_of_dates(file, reading)
    return reading.model_copy(update={"date_order": orders[0] if len(orders) == 1 else None})


def header_of(rows: Sequence[Row], reading: ListReading) -> list[str]:
    """The names of the columns; none for a list without."""
    return next((cells for number, cells in rows if number == reading.header), [])


def orders_of_dates(file: ListFile, reading: ListReading) -> tuple[DateOrder, ...]:
    """The orders in which the dates can be read, see domain.list_columns.date_orders. Reads the whole list."""
    columns = (
        reading.column(field) for field in (ColumnField.BIRTH_DATE, ColumnField.REPORTED_ON, ColumnField.SIGNED_ON)
    )
    places = [place for place in columns if place is not None]
    if not places:
        return ()
    rows = patient_rows(file, reading)
    return date_orders(cells[place] for _, cells in rows for place in places if place < len(cells))


def patient_rows(file: ListFile, reading: ListReading) -> Iterator[Row]:
    """The rows below the header, without those that repeat it, as printed lists do on each page."""
    header: list[str] = []
    place, name = 0, ""  # its first name tells most rows from it without a look at the other cells
    for number, cells in file.rows(sheet=reading.sheet, encoding=reading.encoding):
        if number == reading.header:
            header = cells
            place, name = next(((place, name) for place, cell in enumerate(cells) if (name := plain(cell))), (0, ""))
        elif number > reading.header:
            may_repeat = bool(header) and place < len(cells) and plain(cells[place]) == name
            if not may_repeat or fingerprint(cells) != fingerprint(header):
                yield number, cells


def patients(file: ListFile, reading: ListReading) -> Iterator[UnderstoodRow]:
    """Every row as it is understood, streamed."""
    for number, cells in patient_rows(file, reading):
        yield understood(number, cells, reading)


def understood(number: int, cells: Sequence[str], reading: ListReading) -> UnderstoodRow:
    """One row of `patient_rows` as it is understood."""
    values = {field: cells[place] for place, field in enumerate(reading.fields) if place < len(cells)}
    family, given = _names(values)
    born = readable(values.get(ColumnField.BIRTH_DATE)) or ""
    day = listed_date(born, reading.date_order, reading.serials_from)
    return UnderstoodRow(
        row_number=number,
        phn=listed_phn(values.get(ColumnField.PHN, "")),
        family_name=family,
        given_name=given,
        birth_date=day.isoformat() if day else born,
        gender=listed_gender(values.get(ColumnField.GENDER, ""), reading.codes),
        panel_text=readable(values.get(ColumnField.PANEL)) or "",
        details=_details(values, reading),
    )


def _details(values: Mapping[ColumnField, str], reading: ListReading) -> Mapping[ColumnField, str]:
    details = {field: readable(values[field]) or "" for field in (*REPORTED, ColumnField.SIGNED_ON) if field in values}
    if not details:
        return {}
    if day := listed_date(details.get(ColumnField.SIGNED_ON, ""), reading.date_order, reading.serials_from):
        details[ColumnField.SIGNED_ON] = day.isoformat()
    if day := listed_date(details.get(ColumnField.REPORTED_ON, ""), reading.date_order, reading.serials_from):
        details[ColumnField.REPORTED_ON] = day.isoformat()
    if mismatch := mismatch_of(details.get(ColumnField.MISMATCH, ""), reading.codes):
        details[ColumnField.MISMATCH] = mismatch.value
        if value := details.get(ColumnField.REGISTRY_VALUE):
            details[ColumnField.REGISTRY_VALUE] = _as_in_records(value, mismatch, reading)
    return details


def _as_in_records(value: str, mismatch: Mismatch, reading: ListReading) -> str:
    """The registry's value of a field as records have it, as far as it can be read."""
    match mismatch:
        case Mismatch.PHN:
            return listed_phn(value)
        case Mismatch.BIRTH_DATE:
            day = listed_date(value, reading.date_order, reading.serials_from)
            return day.isoformat() if day else value
        case Mismatch.GENDER:
            return listed_gender(value, reading.codes) or value.upper()
        case Mismatch.FAMILY_NAME | Mismatch.GIVEN_NAME | Mismatch.OTHER:
            return value
        case _:
            assert_never(mismatch)


def _names(values: Mapping[ColumnField, str]) -> tuple[str, str]:
    for field, family_first in ((ColumnField.FAMILY_FIRST, True), (ColumnField.GIVEN_FIRST, False)):
        if field in values:
            return split_name(values[field], family_first=family_first)
    family, given = values.get(ColumnField.FAMILY_NAME), values.get(ColumnField.GIVEN_NAME)
    return readable(family) or "", readable(given) or ""


def panel_texts(file: ListFile, reading: ListReading) -> Mapping[str, int]:
    """The texts in the column of panels, each with its number of rows, the most frequent first; none without a column.

    Raises Refused for so many that it cannot be that column. Reads the whole list.
    """
    place = reading.column(ColumnField.PANEL)
    if place is None:
        return {}
    cells = (readable(cells[place]) for _, cells in patient_rows(file, reading) if place < len(cells))
    return most_frequent(ColumnField.PANEL, Counter(text for text in cells if text))


def most_frequent(field: ColumnField, texts: Counter[str]) -> Mapping[str, int]:
    """The texts in a column with their numbers of rows, the most frequent first. Raises Refused for too many."""
    if len(texts) > MOST_TEXTS:
        message = f"{FIELD_LABELS[field]}: more than {MOST_TEXTS} different texts: select another column."
        raise Refused({"fields": message})
    return dict(texts.most_common())


def undecided(file: ListFile, reading: ListReading) -> dict[str, str]:
    """What a person has to decide before patients can be found by these columns, by field of the form."""
    if problem := missing_columns(reading.fields):
        return {"fields": problem}
    if (orders := orders_of_dates(file, reading)) and reading.date_order not in orders:
        return {"date_order": "Select the order of the dates in this list: they can be read in more than one."}
    return {}


def remember_columns(host: Host, actor: Actor, file: ListFile, reading: ListReading) -> None:
    """Read lists with the column names of this one in this way from now on."""
    rows = file.first_rows(sheet=reading.sheet, encoding=reading.encoding)
    remember(host, actor, header_of(rows, reading), reading)


def remember(host: Host, actor: Actor, header: Sequence[str], reading: ListReading) -> None:
    """Read lists with these column names in this way from now on. Nothing is remembered of a list without any."""
    mark, layout = fingerprint(header), tables.list_layout
    if not mark:
        return
    with host.database.session() as session:
        known = (layout.c.purpose == reading.purpose, layout.c.fingerprint == mark)
        session.execute(delete(layout).where(*known))
        saved = {"saved_at": host.clock.now(), "saved_by": actor.actor_id}
        row = {"purpose": reading.purpose, "fingerprint": mark, "reading": reading.model_dump_json()}
        session.execute(insert(layout).values(**row, **saved))


def _remembered(connection: Connection, purpose: Purpose, rows: Sequence[Row]) -> tuple[int, ListReading] | None:
    marks = {mark: number for number, cells in reversed(rows[:HEADER_WITHIN]) if (mark := fingerprint(cells))}
    layout = tables.list_layout.c
    query = select(layout.fingerprint, layout.reading).where(layout.purpose == purpose, layout.fingerprint.in_(marks))
    texts = [(marks[mark], text) for mark, text in connection.execute(query)]
    if not texts:
        return None
    number, text = min(texts)
    return number, ListReading.model_validate_json(text)


def _texts(rows: Sequence[Row]) -> list[list[str]]:
    return [cells for _, cells in rows]
