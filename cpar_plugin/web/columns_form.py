"""The part of a page about columns that lists and reports share: how a file is read, and what it looks like then."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from flask import request
from sqlalchemy import Connection

from ..domain.exhaustive import exhaustive
from ..domain.list_cells import DateOrder, SerialsFrom
from ..domain.list_columns import FIELD_LABELS, FIELDS, REPORTED, ColumnField, Purpose, holds_serials, shown_cell
from ..domain.refusals import Refused
from ..domain.reports import detail_text
from ..hooks import Actor, Host
from ..services.uploads import kept, layouts, limits, text_file
from ..services.uploads.kept import Upload
from ..services.uploads.layouts import ListReading, UnderstoodRow
from ..services.uploads.reading import LOOK_ROWS, ListFile
from .inputs import INCOMPLETE, number

ORDER_LABELS: Final = exhaustive(
    __name__,
    DateOrder,
    {
        DateOrder.DAY_FIRST: "Day, month, year: 03/02/1980 is February 3",
        DateOrder.MONTH_FIRST: "Month, day, year: 03/02/1980 is March 2",
        DateOrder.YEAR_FIRST: "Year, month, day: 80-02-03 is February 3",
    },
)
SERIAL_LABELS: Final = exhaustive(
    __name__,
    SerialsFrom,
    {SerialsFrom.WINDOWS: "1900 (usual)", SerialsFrom.MAC: "1904 (Excel for older Macs)"},
)
_SHOWN: Final = 5
_SAMPLES: Final = 3
_HEADERS: Final = 30  # rows that are offered as that with the column names


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column for people to decide on."""

    name: str
    samples: Sequence[str]
    field: ColumnField


def uploaded(
    connection: Connection, host: Host, actor: Actor, purpose: Purpose
) -> tuple[Upload, ListFile, ListReading] | None:
    """The file that the page or its form is about, and how it was read, or may be; None for a page without a file.

    Raises NotFound and Stale for a form whose file is no longer there.
    """
    if request.method == "GET":
        upload = kept.current(connection, host, actor, purpose)
    else:
        upload = kept.required(connection, host, actor, purpose, request.form.get("upload_id", ""))
    if upload is None:
        return None
    file = kept.file_of(connection, upload.upload_id)
    return upload, file, upload.reading or layouts.propose(connection, file, purpose).reading


def entered(file: ListFile, before: ListReading) -> tuple[ListReading, bool]:
    """The reading of the form, and whether the form showed it: with another sheet, other letters or another header
    fields are proposed again. Without what the columns' texts mean.
    """
    form = request.form
    sheet = number(form.get("sheet", "0"), "sheet", "Select a sheet from the list.")
    encoding = form.get("encoding", "")
    header = number(form.get("header", "0"), "header", "Select a row from the list.")
    if sheet >= max(len(file.sheets), 1) or encoding not in ("", *text_file.ENCODINGS) or header > 10**6:
        raise Refused(INCOMPLETE)
    look = {"sheet": sheet, "encoding": "" if encoding == file.detected_encoding else encoding, "header": header}
    before = before.model_copy(update={**look, "panels": {}, "codes": {}})
    if form.get("shown") != _look(sheet, encoding, header):
        return layouts.proposed(file, before), False
    try:
        fields = tuple(ColumnField(text) for text in form.getlist("field")[: limits.COLUMNS])
        order = DateOrder(form["date_order"]) if form.get("date_order") else None
        serials = SerialsFrom(int(form["serials_from"])) if form.get("serials_from") else before.serials_from
    except ValueError:
        raise Refused(INCOMPLETE) from None
    if not set(fields) <= set(FIELDS[before.purpose]):
        raise Refused(INCOMPLETE)
    return before.model_copy(update={"fields": fields, "date_order": order, "serials_from": serials}), True


def context(file: ListFile, reading: ListReading, *, ask_order: bool) -> dict[str, Any]:
    """What `columns_parts.html` shows. `ask_order`: the order of the dates in any case."""
    rows = file.first_rows(sheet=reading.sheet, encoding=reading.encoding)
    header, encoding = layouts.header_of(rows, reading), reading.encoding or file.detected_encoding
    below = [cells for row_number, cells in rows if row_number > reading.header]
    born = reading.column(ColumnField.BIRTH_DATE)
    birth_dates = [cells[born] for cells in below if born is not None and born < len(cells)]
    patients, accented = _understood(file, reading)
    return {
        "reading": reading,
        "look": _look(reading.sheet, encoding, reading.header),
        "sheets": file.sheets,
        "encodings": text_file.ENCODINGS if file.is_text else {},
        "encoding": encoding,
        "headers": [
            (row_number, shown_cell(" | ".join(filter(None, cells)), 80)) for row_number, cells in rows[:_HEADERS]
        ],
        "columns": _columns(header, below, reading),
        "kinds": ColumnField,
        "reported": (*REPORTED, ColumnField.SIGNED_ON),
        "reported_text": detail_text,
        "fields": {field: FIELD_LABELS[field] for field in FIELDS[reading.purpose]},
        "orders": ORDER_LABELS if ask_order or layouts.orders_of_dates(file, reading) else {},
        "serials": SERIAL_LABELS if holds_serials(birth_dates) else {},
        "patients": patients,
        "accented": accented,
    }


def _look(sheet: int, encoding: str, header: int) -> str:
    """What fields are proposed for: another one makes another proposal."""
    return f"{sheet} {encoding} {header}"


def _columns(header: Sequence[str], below: Sequence[Sequence[str]], reading: ListReading) -> list[ShownColumn]:
    width = max(map(len, (header, *below)), default=0)

    def samples(place: int) -> list[str]:
        cells = (cells[place] for cells in below if place < len(cells) and cells[place])
        return [shown_cell(cell) for cell in islice(cells, _SAMPLES)]

    fields = (*reading.fields, *(ColumnField.IGNORED for _ in range(width)))
    return [
        ShownColumn(shown_cell(header[place]) if place < len(header) else "", samples(place), fields[place])
        for place in range(width)
    ]


def _understood(file: ListFile, reading: ListReading) -> tuple[list[UnderstoodRow], list[UnderstoodRow]]:
    """The first patients, and of the first rows those whose names hold more than plain letters."""
    rows = list(islice(layouts.patients(file, reading), LOOK_ROWS * 20))
    accented = [row for row in rows if not (row.family_name + row.given_name).isascii()]
    return rows[:_SHOWN], accented[:_SHOWN]
