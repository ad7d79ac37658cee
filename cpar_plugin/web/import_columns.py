"""Import of a list, second page: what its columns mean, with the first patients as they are understood."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.list_columns import FIELD_LABELS, ColumnField, Purpose
from ..domain.list_panels import NamedPanel, NamedProvider, proposed_panel
from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.bulk import list_patients
from ..services.operations import access
from ..services.panels import listing
from ..services.panels.listing import Panel
from ..services.uploads import layouts
from ..services.uploads.kept import Upload
from ..services.uploads.layouts import ListReading
from ..services.uploads.reading import ListFile
from . import columns_form, looks
from .import_list import TITLE
from .inputs import number_or_none
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import Needs, Route


@shows_entries
def import_columns(host: Host, actor: Actor) -> ResponseReturnValue:
    """The columns of the actor's list, and reading it so. Another sheet, other letters or another header are proposed
    for again; nothing is stored before Continue.
    """
    access.require_configured(host)
    with host.database.engine.connect() as connection:
        uploaded = columns_form.uploaded(connection, host, actor, Purpose.IMPORT)
        if uploaded is None:
            return redirect(url_for("cpar.import_list"), HTTPStatus.SEE_OTHER)
        upload, file, reading = uploaded
        panels = listing.open_panels(connection, host)
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
    layouts.remember_columns(host, actor, file, reading)
    return redirect(url_for("cpar.import_review"), HTTPStatus.SEE_OTHER)


def _entered(file: ListFile, before: ListReading) -> tuple[ListReading, bool]:
    """The reading of the form, and whether the form showed it."""
    reading, seen = columns_form.entered(file, before)
    if not seen:
        return reading, False
    chosen = zip(request.form.getlist("panel_text"), request.form.getlist("panel_choice"), strict=False)
    panels = {
        text: panel_id
        for text, choice in chosen
        if (panel_id := number_or_none(choice, "panels", "Select a panel from the list.")) is not None
    }
    return reading.model_copy(update={"panels": panels}), True


def _check(upload: Upload, file: ListFile, panels: Sequence[Panel], reading: ListReading) -> None:
    """Raises Refused for everything that is still to be decided."""
    messages = layouts.undecided(file, reading)
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
    messages = dict(messages or {})
    texts: Mapping[str, int] = {}
    if upload.panel_id is None:
        try:
            texts = layouts.panel_texts(file, reading)
        except Refused as refused:
            messages |= refused.messages
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
        target=f"panel {target}" if target else "",
        here=url_for("cpar.import_columns"),
        back=url_for("cpar.import_list"),
        **columns_form.context(file, reading, ask_order="date_order" in messages),
        texts=texts,
        panels=panels,
        panel_of=_panels_for(texts, panels, reading),
    )


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
