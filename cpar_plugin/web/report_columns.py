"""An uploaded report whose columns are not known: what it is about, and what its columns mean."""

from collections.abc import Mapping
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.list_columns import Purpose, named_field
from ..domain.refusals import Refused
from ..domain.reports import KIND_LABELS, MISMATCH_LABELS, Mismatch, ReportKind
from ..hooks import Actor, Host
from ..services.operations import access
from ..services.reports import receiving
from ..services.uploads import kept, layouts
from ..services.uploads.kept import Upload
from ..services.uploads.layouts import ListReading
from ..services.uploads.reading import ListFile
from . import columns_form, looks
from .inputs import INCOMPLETE
from .interrupted import check_entries, shows_entries
from .rendering import page
from .reports import TITLE, open_questions
from .serving import Needs, Route


@shows_entries
def report_columns(host: Host, actor: Actor) -> ResponseReturnValue:
    """The columns of the actor's uploaded report, and taking it in so; nothing is stored before Continue."""
    access.require_configured(host)
    with host.database.engine.connect() as connection:
        if request.method == "GET":
            upload = kept.current(connection, host, actor, Purpose.REPORT)
            if upload is None:
                return redirect(url_for("cpar.reports"), HTTPStatus.SEE_OTHER)
        else:
            upload_id = request.form.get("upload_id", "")
            upload = kept.required(connection, host, actor, Purpose.REPORT, upload_id)
        file = kept.file_of(connection, upload.upload_id)
        reading = layouts.propose(connection, file, Purpose.REPORT).reading
    if request.method == "GET":
        return _form(host, upload, file, reading)
    reading, seen = _entered(file, reading)
    if request.form.get("step") != "continue" or not seen:
        return _form(host, upload, file, reading)
    try:
        check_entries()
        if messages := open_questions(file, reading):
            raise Refused(messages)
        report_id = receiving.receive(host, actor, upload.upload_id, file, reading)
    except Refused as refused:
        return _form(host, upload, file, reading, refused.messages)
    rows = file.first_rows(sheet=reading.sheet, encoding=reading.encoding)
    layouts.remember(host, actor, layouts.header_of(rows, reading), reading)
    flash("The next report with the same column names will be read in the same way.", "cpar")
    return redirect(url_for("cpar.report", report_id=report_id), HTTPStatus.SEE_OTHER)


def _entered(file: ListFile, before: ListReading) -> tuple[ListReading, bool]:
    form = request.form
    chosen = list(zip(form.getlist("mismatch_text"), form.getlist("mismatch_choice"), strict=False))
    try:
        kind = ReportKind(form["kind"]) if form.get("kind") else None
        mismatches = {text: Mismatch(choice) for text, choice in chosen if choice}
    except ValueError:
        raise Refused(INCOMPLETE) from None
    reading, seen = columns_form.entered(file, before)
    return reading.model_copy(update={"kind": kind, "mismatches": mismatches if seen else {}}), seen


def _form(
    host: Host, upload: Upload, file: ListFile, reading: ListReading, messages: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    messages = dict(messages or {})
    texts: Mapping[str, int] = {}
    try:
        texts = layouts.mismatch_texts(file, reading)
    except Refused as refused:
        messages |= refused.messages
    looks.note(None)  # these rows are not matched with records yet
    return page(
        host,
        f"{TITLE}: columns",
        "report_columns.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        messages=messages,
        upload=upload,
        **columns_form.context(file, reading, ask_order="date_order" in messages),
        report_kinds=KIND_LABELS,
        texts=texts,
        mismatches=MISMATCH_LABELS,
        mismatch_of={text: reading.mismatches.get(text, _proposed(text)) for text in texts},
    )


def _proposed(text: str) -> Mismatch | None:
    field = named_field(text)
    return Mismatch(field.value) if field and field.value in list(Mismatch) else None


ROUTES = (Route("/reports/columns", report_columns, Needs.MANAGEMENT, ("GET", "POST")),)
