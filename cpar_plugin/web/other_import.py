"""Import of a list onto an affiliation or a caseload: upload it, look at what it would do, carry it out."""

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
from ..services.uploads import kept, limits
from . import looks
from .bulk import form_key_of
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import ID, Needs, Route

_FORM_BYTES: Final = 64 * 1024  # the fields around the file


@shows_entries
@receives_files(limits.FILE_BYTES + _FORM_BYTES)
def other_import(host: Host, actor: Actor, other_id: int) -> ResponseReturnValue:
    """The form to upload a list, and what becomes of it."""
    access.require_configured(host)
    messages: dict[str, str] = {}
    with host.database.engine.connect() as connection:
        panel = listing.get(connection, host, other_id)
    if request.method == "POST":
        storage = request.files.get("file") or FileStorage()
        try:
            check_entries()
            name = PurePath(storage.filename or "").name
            listed.read(host, actor, storage.read(limits.FILE_BYTES + 1), name, other_id)
            return redirect(url_for("cpar.other_import_review"), HTTPStatus.SEE_OTHER)
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
    Route("/panels/other/import/review", other_import_review, Needs.MANAGEMENT, ("GET", "POST")),
)
