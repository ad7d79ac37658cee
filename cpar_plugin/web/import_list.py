"""Import of a list, first page: upload it. It belongs to the person who uploads it, one at a time."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import PurePath
from typing import Final

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from ..domain.list_columns import Purpose
from ..domain.refusals import NotFound, Refused
from ..hooks import Actor, Host, receives_files
from ..services.bulk import list_patients
from ..services.operations import access
from ..services.panels import listing
from ..services.uploads import kept, layouts, limits
from ..services.uploads.reading import ListFile
from .inputs import INCOMPLETE, number_or_none
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import Needs, Route

TITLE: Final = "Import a list"
_FORM_BYTES: Final = 64 * 1024  # the fields around the file


@shows_entries
@receives_files(limits.FILE_BYTES + _FORM_BYTES)
def import_list(host: Host, actor: Actor) -> ResponseReturnValue:
    """The form to upload a list, and what becomes of it: it is read as the last one with these columns was, if any."""
    access.require_configured(host)
    if request.method == "GET":
        return _form(host, actor)
    match request.form.get("step", "upload"):
        case "upload":
            try:
                check_entries()
                return _upload(host, actor)
            except Refused as refused:
                return _form(host, actor, refused.messages)
        case "discard":
            return discard(host, actor)
        case _:
            raise Refused(INCOMPLETE)


def discard(host: Host, actor: Actor) -> ResponseReturnValue:
    """Remove the actor's list, if it is still the one of the form."""
    try:
        with host.database.engine.connect() as connection:
            upload = kept.required(connection, host, actor, Purpose.IMPORT, request.form.get("upload_id", ""))
    except NotFound:
        pass  # so it is gone
    else:
        kept.remove(host, upload.upload_id)
    flash("The list was discarded. No patient was changed.", "cpar")
    return redirect(url_for("cpar.import_list"), HTTPStatus.SEE_OTHER)


def _upload(host: Host, actor: Actor) -> ResponseReturnValue:
    panel_id = number_or_none(request.form.get("panel_id", ""), "panel_id", "Select a panel from the list.")
    if panel_id is not None:
        with host.database.engine.connect() as connection:
            listing.live_number(connection, panel_id)
    storage = request.files.get("file") or FileStorage()
    file = ListFile(storage.read(limits.FILE_BYTES + 1))
    with host.database.engine.connect() as connection:
        proposal = layouts.propose(connection, file)
    upload_id = kept.keep(host, actor, Purpose.IMPORT, file, PurePath(storage.filename or "").name, panel_id)
    if not proposal.remembered or _open_questions(host, file, proposal.reading, panel_id):
        return redirect(url_for("cpar.import_columns"), HTTPStatus.SEE_OTHER)
    list_patients.read(host, actor, upload_id, proposal.reading)
    flash("The columns were read as in the last list with these column names.", "cpar")
    return redirect(url_for("cpar.import_review"), HTTPStatus.SEE_OTHER)


def _open_questions(host: Host, file: ListFile, reading: layouts.ListReading, panel_id: int | None) -> bool:
    """Whether there is something in this list that the remembered reading does not answer."""
    if layouts.undecided(file, reading):
        return True
    if panel_id is not None:
        return False
    with host.database.engine.connect() as connection:
        live = {panel.panel_id for panel in listing.open_panels(connection, host)} | {0}
    texts = layouts.panel_texts(file, reading)
    return not texts or any(reading.panels.get(text) not in live for text in texts)


def _form(host: Host, actor: Actor, messages: Mapping[str, str] | None = None) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        panels = listing.open_panels(connection, host)
        upload = kept.current(connection, host, actor, Purpose.IMPORT)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK
    return page(
        host,
        TITLE,
        "import_list.html",
        status,
        messages=messages or {},
        panels=panels,
        panel_id=request.form.get("panel_id", ""),
        upload=upload,
        largest=limits.FILE_BYTES // limits.MEGABYTE,
        rows=limits.ROWS,
        hours=int(kept.time_kept(host).total_seconds()) // 3600,
    )


ROUTES = (Route("/import", import_list, Needs.MANAGEMENT, ("GET", "POST")),)
