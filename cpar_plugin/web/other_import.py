"""Import of a list onto an affiliation or a caseload: upload it, name its columns, review it."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import PurePath
from typing import Final
from uuid import uuid4

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from ..domain.list_columns import Purpose
from ..domain.refusals import NotFound, Refused
from ..hooks import Actor, Host, receives_files
from ..services.operations import access
from ..services.other_panels import listed, listing
from ..services.other_panels.listing import OtherPanel
from ..services.uploads import kept, layouts, limits
from ..services.uploads.kept import Upload
from ..services.uploads.layouts import ListReading
from ..services.uploads.reading import ListFile
from . import columns_form, looks
from .bulk import form_key_of
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import ID, Needs, Route

_FORM_BYTES: Final = 64 * 1024  # the fields around the file


@shows_entries
@receives_files(limits.FILE_BYTES + _FORM_BYTES)
def other_import(host: Host, actor: Actor, other_id: int) -> ResponseReturnValue:
    """The form to upload a list, and what becomes of it: it is read as the last one with these columns was, if any."""
    access.require_configured(host)
    messages: dict[str, str] = {}
    with host.database.engine.connect() as connection:
        panel = listing.get(connection, host, other_id)
    if request.method == "POST":
        try:
            check_entries()
            return _upload(host, actor, panel)
        except Refused as refused:
            messages = refused.messages
    return page(
        host,
        f"Import a list: {panel.kind.noun} {panel.name}",
        "other_import.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        panel=panel,
        messages=messages,
        largest=limits.FILE_BYTES // limits.MEGABYTE,
        rows=limits.ROWS,
        hours=int(kept.time_kept(host).total_seconds()) // 3600,
    )


def _upload(host: Host, actor: Actor, panel: OtherPanel) -> ResponseReturnValue:
    listed.require_open(panel)
    storage = request.files.get("file") or FileStorage()
    file = ListFile(storage.read(limits.FILE_BYTES + 1))
    with host.database.engine.connect() as connection:
        proposal = layouts.propose(connection, file, Purpose.OTHER)
    name = PurePath(storage.filename or "").name
    upload_id = kept.keep(host, actor, Purpose.OTHER, file, name, panel.other_panel_id)
    if not proposal.remembered or layouts.undecided(file, proposal.reading):
        return redirect(url_for("cpar.other_import_columns"), HTTPStatus.SEE_OTHER)
    listed.read(host, actor, upload_id, proposal.reading)
    flash("The columns were read as in the last list with these column names.", "cpar")
    return redirect(url_for("cpar.other_import_review"), HTTPStatus.SEE_OTHER)


@shows_entries
def other_import_columns(host: Host, actor: Actor) -> ResponseReturnValue:
    """The columns of the actor's list, and reading it so; nothing is stored before Continue."""
    access.require_configured(host)
    with host.database.engine.connect() as connection:
        uploaded = columns_form.uploaded(connection, host, actor, Purpose.OTHER)
        if uploaded is None:
            return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)
        upload, file, reading = uploaded
        panel = listing.get(connection, host, upload.panel_id or 0)
    if request.method == "GET":
        return _columns(upload, file, panel, reading, host)
    reading, seen = columns_form.entered(file, reading)
    if request.form.get("step") != "continue" or not seen:
        return _columns(upload, file, panel, reading, host)
    try:
        check_entries()
        if messages := layouts.undecided(file, reading):
            raise Refused(messages)
        listed.read(host, actor, upload.upload_id, reading)
    except Refused as refused:
        return _columns(upload, file, panel, reading, host, refused.messages)
    layouts.remember_columns(host, actor, file, reading)
    return redirect(url_for("cpar.other_import_review"), HTTPStatus.SEE_OTHER)


def _columns(
    upload: Upload,
    file: ListFile,
    panel: OtherPanel,
    reading: ListReading,
    host: Host,
    messages: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    looks.note(None)  # these rows are not matched with records yet
    return page(
        host,
        f"Import a list: columns for {panel.kind.noun} {panel.name}",
        "import_columns.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        messages=messages or {},
        upload=upload,
        target=f"{panel.kind.noun} {panel.name}",
        here=url_for("cpar.other_import_columns"),
        back=url_for("cpar.other_import", other_id=panel.other_panel_id),
        keeps_dates=panel.kind.is_signed,
        **columns_form.context(file, reading, ask_order="date_order" in (messages or {})),
    )


def other_import_review(host: Host, actor: Actor) -> ResponseReturnValue:
    """What the list would do; carrying it out, or discarding it."""
    access.require_configured(host)
    if request.method == "POST":
        upload_id = request.form.get("upload_id", "")
        if request.form.get("step") == "discard":
            _discard(host, actor, upload_id)
            flash("The list was discarded. No patient was changed.", "cpar")
            return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)
        operation_id = listed.carry_out(host, actor, upload_id, form_key_of(request.form))
        if operation_id:
            where = url_for("cpar.other_bulk_result", other_operation_id=operation_id)
            return redirect(where, HTTPStatus.SEE_OTHER)
        flash("No patients were left to change. Nothing was done.", "cpar")
        return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)
    found = listed.preview(host, actor)
    if found is None:
        return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)
    upload, panel, preview = found
    if preview.rows:
        looks.note(None)  # rows of a list, which are matched with no record
    return page(
        host,
        f"Import a list: review for {panel.kind.noun} {panel.name}",
        "other_import_review.html",
        upload=upload,
        panel=panel,
        preview=preview,
        problems=listed.PROBLEMS,
        shown=listed.SHOWN,
        form_key=uuid4().hex,
    )


def _discard(host: Host, actor: Actor, upload_id: str) -> None:
    try:
        with host.database.engine.connect() as connection:
            upload = kept.required(connection, host, actor, Purpose.OTHER, upload_id)
    except NotFound:
        return  # so it is gone
    kept.remove(host, upload.upload_id)


ROUTES = (
    Route(f"/panels/other/<{ID}:other_id>/import", other_import, Needs.MANAGEMENT, ("GET", "POST")),
    Route("/panels/other/import/columns", other_import_columns, Needs.MANAGEMENT, ("GET", "POST")),
    Route("/panels/other/import/review", other_import_review, Needs.MANAGEMENT, ("GET", "POST")),
)
