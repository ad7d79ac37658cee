"""Import of a list, second page: what its columns mean, with the first patients as they are understood."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Final

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.exhaustive import exhaustive
from ..domain.list_cells import DateOrder, SerialsFrom
from ..domain.list_columns import FIELD_LABELS, ColumnField, holds_serials, missing_columns, shown_cell
from ..domain.list_panels import NamedPanel, NamedProvider, proposed_panel
from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.bulk import list_patients
from ..services.operations import access
from ..services.panels import listing
from ..services.panels.listing import Panel
from ..services.uploads import kept, layouts, text_file
from ..services.uploads.kept import Purpose, Upload
from ..services.uploads.layouts import ListReading, UnderstoodRow
from ..services.uploads.reading import LOOK_ROWS, ListFile
from . import looks
from .import_list import TITLE
from .inputs import INCOMPLETE, number, number_or_none
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import Needs, Route

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
_MOST_COLUMNS: Final = 200


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column for people to decide on."""

    name: str
    samples: Sequence[str]
    field: ColumnField


@shows_entries
def import_columns(host: Host, actor: Actor) -> ResponseReturnValue:
    """The columns of the actor's list, and reading it so. Another sheet, other letters or another header are proposed
    for again; nothing is stored before Continue.
    """
    access.require_configured(host)
    with host.database.engine.connect() as connection:
        if request.method == "GET":
            upload = kept.current(connection, host, actor, Purpose.IMPORT)
            if upload is None:
                return redirect(url_for("cpar.import_list"), HTTPStatus.SEE_OTHER)
        else:
            upload_id = request.form.get("upload_id", "")
            upload = kept.required(connection, host, actor, Purpose.IMPORT, upload_id)
        file = kept.file_of(connection, upload.upload_id)
        panels = listing.live_panels(connection, host)
        reading = upload.reading or layouts.propose(connection, file).reading
    if request.method == "GET":
        return _form(host, actor, upload, file, panels, reading)
    reading, seen = _entered(file, reading)
    if request.form.get("step") != "continue" or not seen:
        return _form(host, actor, upload, file, panels, reading)
    try:
        check_entries()
        _check(upload, file, panels, reading)
        list_patients.read(host, actor, upload.upload_id, reading)
    except Refused as refused:
        return _form(host, actor, upload, file, panels, reading, refused.messages)
    rows = file.first_rows(sheet=reading.sheet, encoding=reading.encoding)
    layouts.remember(host, actor, layouts.header_of(rows, reading), reading)
    return redirect(url_for("cpar.import_review"), HTTPStatus.SEE_OTHER)


def _entered(file: ListFile, before: ListReading) -> tuple[ListReading, bool]:
    """The reading of the form, and whether the form showed it: with another sheet, other letters or another header
    fields are proposed again.
    """
    form = request.form
    sheet = number(form.get("sheet", "0"), "sheet", "Select a sheet from the list.")
    encoding = form.get("encoding", "")
    header = number(form.get("header", "0"), "header", "Select a row from the list.")
    if sheet >= max(len(file.sheets), 1) or encoding not in ("", *text_file.ENCODINGS) or header > 10**6:
        raise Refused(INCOMPLETE)
    shown = _look(sheet, encoding, header)
    look = {"sheet": sheet, "encoding": "" if encoding == file.detected_encoding else encoding, "header": header}
    if form.get("shown") != shown:
        return layouts.proposed(file, before.model_copy(update={**look, "panels": {}})), False
    try:
        fields = tuple(ColumnField(text) for text in form.getlist("field")[:_MOST_COLUMNS])
        order = DateOrder(form["date_order"]) if form.get("date_order") else None
        serials = SerialsFrom(int(form["serials_from"])) if form.get("serials_from") else before.serials_from
    except ValueError:
        raise Refused(INCOMPLETE) from None
    chosen = zip(form.getlist("panel_text"), form.getlist("panel_choice"), strict=False)
    panels = {
        text: panel_id
        for text, choice in chosen
        if (panel_id := number_or_none(choice, "panels", "Select a panel from the list.")) is not None
    }
    entered = {"fields": fields, "date_order": order, "serials_from": serials, "panels": panels}
    return ListReading(**look, **entered), True


def _look(sheet: int, encoding: str, header: int) -> str:
    """What fields are proposed for: another one makes another proposal."""
    return f"{sheet} {encoding} {header}"


def _check(upload: Upload, file: ListFile, panels: Sequence[Panel], reading: ListReading) -> None:
    """Raises Refused for everything that is still to be decided."""
    messages: dict[str, str] = {}
    if problem := missing_columns(reading.fields):
        messages["fields"] = problem
    elif (orders := layouts.orders_of_dates(file, reading)) and reading.date_order not in orders:
        messages["date_order"] = "Select the order of the dates in this list: they can be read in more than one."
    if upload.panel_id is None and not messages:
        texts = layouts.panel_texts(file, reading)
        live = {panel.panel_id for panel in panels} | {0}
        if not texts:
            messages["fields"] = (
                f"Select the column {FIELD_LABELS[ColumnField.PANEL]}, or upload the list again and select one panel "
                "for all its patients."
            )
        elif any(reading.panels.get(text) not in live for text in texts):
            messages["panels"] = "Select a panel for each, or Ignore these rows."
    if messages:
        raise Refused(messages)


def _form(
    host: Host,
    actor: Actor,
    upload: Upload,
    file: ListFile,
    panels: Sequence[Panel],
    reading: ListReading,
    messages: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    rows = file.first_rows(sheet=reading.sheet, encoding=reading.encoding)
    header, encoding = layouts.header_of(rows, reading), reading.encoding or file.detected_encoding
    below = [cells for row_number, cells in rows if row_number > reading.header]
    messages = dict(messages or {})
    texts: Mapping[str, int] = {}
    if upload.panel_id is None:
        try:
            texts = layouts.panel_texts(file, reading)
        except Refused as refused:
            messages |= refused.messages
    born = reading.column(ColumnField.BIRTH_DATE)
    birth_dates = [cells[born] for cells in below if born is not None and born < len(cells)]
    patients, accented = _understood(file, reading)
    looks.note(None)  # these rows are not matched with records yet
    target = next((panel.label for panel in panels if panel.panel_id == upload.panel_id), "")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK
    return page(
        host,
        f"{TITLE}: columns",
        "import_columns.html",
        status,
        messages=messages,
        upload=upload,
        target=target,
        reading=reading,
        look=_look(reading.sheet, encoding, reading.header),
        sheets=file.sheets,
        encodings=text_file.ENCODINGS if file.is_text else {},
        encoding=encoding,
        headers=[(row_number, shown_cell(" | ".join(filter(None, cells)), 80)) for row_number, cells in rows[:30]],
        columns=_columns(header, below, reading),
        kinds=ColumnField,
        fields=FIELD_LABELS,
        orders=ORDER_LABELS if layouts.orders_of_dates(file, reading) or messages.get("date_order") else {},
        serials=SERIAL_LABELS if holds_serials(birth_dates) else {},
        texts=texts,
        panels=panels,
        panel_of=_panels_for(texts, panels, reading),
        patients=patients,
        accented=accented,
    )


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


def _panels_for(texts: Mapping[str, int], panels: Sequence[Panel], reading: ListReading) -> dict[str, int | None]:
    named = [
        NamedPanel(
            panel.panel_id,
            panel.number,
            [NamedProvider(one.name, one.provider_id, one.practitioner_id) for one in panel.providers],
        )
        for panel in panels
    ]
    return {text: reading.panels.get(text, proposed_panel(text, named)) for text in texts}


ROUTES = (Route("/import/columns", import_columns, Needs.MANAGEMENT, ("GET", "POST")),)
