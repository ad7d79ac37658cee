"""Reports of the registry: those that are kept, and the form to upload one."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import PurePath
from typing import Final

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from ..domain.list_codes import CODES
from ..domain.list_columns import Purpose
from ..domain.refusals import NotFound, Refused
from ..domain.reports import KIND_LABELS, ReportKind, missing_in
from ..hooks import Actor, Host, receives_files
from ..services.operations import access
from ..services.panels import listing as panels
from ..services.reports import listing as service
from ..services.reports import receiving
from ..services.uploads import codes, kept, layouts, limits
from ..services.uploads.reading import ListFile
from ..settings import load
from .inputs import INCOMPLETE, number_or_none
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import Needs, Route

TITLE: Final = "Reports of the registry"
_AS_BEFORE: Final = "The columns were read as in the last report with these column names."
_FORM_BYTES: Final = 64 * 1024  # the fields around the file


@shows_entries
@receives_files(limits.FILE_BYTES + _FORM_BYTES)
def reports(host: Host, actor: Actor) -> ResponseReturnValue:
    """The list of reports; uploading one, which is taken in at once where its columns are known."""
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
            return _discard(host, actor)
        case _:
            raise Refused(INCOMPLETE)


def _upload(host: Host, actor: Actor) -> ResponseReturnValue:
    panel_id = number_or_none(request.form.get("panel_id", ""), "panel_id", "Select a panel from the list.")
    storage = request.files.get("file") or FileStorage()
    file = ListFile(storage.read(limits.FILE_BYTES + 1))
    with host.database.engine.connect() as connection:
        if panel_id is not None:
            panels.live_number(connection, panel_id)
        receiving.require_new(connection, host, file)
        proposal = layouts.propose(connection, file, Purpose.REPORT)
    upload_id = kept.keep(host, actor, Purpose.REPORT, file, PurePath(storage.filename or "").name, panel_id)
    questions = open_questions(file, proposal.reading)
    if not proposal.remembered or request.form.get("ask") or questions:
        if proposal.remembered and questions and questions.keys() <= set(CODES):
            flash(f"{_AS_BEFORE} Some texts are new in this one.", "cpar")
        return redirect(url_for("cpar.report_columns"), HTTPStatus.SEE_OTHER)
    report_id = receiving.receive(host, actor, upload_id, file, proposal.reading)
    flash(_AS_BEFORE, "cpar")
    return redirect(url_for("cpar.report", report_id=report_id), HTTPStatus.SEE_OTHER)


def open_questions(file: ListFile, reading: layouts.ListReading) -> dict[str, str]:
    """What is still to be decided about a report, by field of the form."""
    if reading.kind is None:
        return {"kind": "Select what the report is about."}
    if problem := missing_in(reading.kind, reading.fields):
        return {"fields": problem}
    if (orders := layouts.orders_of_dates(file, reading)) and reading.date_order not in orders:
        return {"date_order": "Select the order of the dates in this report: they can be read in more than one."}
    return {field.value: f"{CODES[field].request} for each text." for field in codes.undecided(file, reading)}


def _discard(host: Host, actor: Actor) -> ResponseReturnValue:
    try:
        with host.database.engine.connect() as connection:
            upload = kept.required(connection, host, actor, Purpose.REPORT, request.form.get("upload_id", ""))
    except NotFound:
        pass  # so it is gone
    else:
        kept.remove(host, upload.upload_id)
    flash("The uploaded file was discarded.", "cpar")
    return redirect(url_for("cpar.reports"), HTTPStatus.SEE_OTHER)


def _form(host: Host, actor: Actor, messages: Mapping[str, str] | None = None) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        found = service.reports(connection, host)
        live_panels = panels.live_panels(connection, host)
        upload = kept.current(connection, host, actor, Purpose.REPORT)
    return page(
        host,
        TITLE,
        "reports.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        messages=messages or {},
        reports=found,
        kinds=ReportKind,
        kind_labels=KIND_LABELS,
        upload=upload,
        panels=live_panels,
        panel_id=request.form.get("panel_id", ""),
        ask=bool(request.form.get("ask")),
        largest=limits.FILE_BYTES // limits.MEGABYTE,
        rows=limits.ROWS,
        days=load(host.settings).report_keep_days,
    )


ROUTES = (Route("/reports", reports, Needs.MANAGEMENT, ("GET", "POST")),)
