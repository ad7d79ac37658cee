"""An uploaded report whose columns are not known: what it is about, and what its columns mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.list_codes import CODES, CodeColumn, Meanings, proposed_meaning
from ..domain.list_columns import ColumnField, Purpose
from ..domain.refusals import Refused
from ..domain.reports import KIND_LABELS, ReportKind
from ..hooks import Actor, Host
from ..services.operations import access
from ..services.reports import receiving
from ..services.uploads import codes, layouts
from ..services.uploads.kept import Upload
from ..services.uploads.layouts import ListReading
from ..services.uploads.reading import ListFile
from . import columns_form, looks
from .inputs import INCOMPLETE
from .interrupted import check_entries, shows_entries
from .rendering import page
from .reports import TITLE, open_questions
from .serving import Needs, Route


@dataclass(frozen=True, slots=True)
class ShownCodes:
    """A column of codes. `choices`: its texts, their numbers of rows and what they mean, those to decide first."""

    field: ColumnField
    column: CodeColumn
    choices: Sequence[tuple[str, int, str]]


@shows_entries
def report_columns(host: Host, actor: Actor) -> ResponseReturnValue:
    """The columns of the actor's uploaded report, and taking it in so; nothing is stored before Continue."""
    access.require_configured(host)
    with host.database.engine.connect() as connection:
        uploaded = columns_form.uploaded(connection, host, actor, Purpose.REPORT)
    if uploaded is None:
        return redirect(url_for("cpar.reports"), HTTPStatus.SEE_OTHER)
    upload, file, reading = uploaded
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
    layouts.remember_columns(host, actor, file, reading)
    flash("The next report with the same column names will be read in the same way.", "cpar")
    return redirect(url_for("cpar.report", report_id=report_id), HTTPStatus.SEE_OTHER)


def _entered(file: ListFile, before: ListReading) -> tuple[ListReading, bool]:
    try:
        kind = ReportKind(request.form["kind"]) if request.form.get("kind") else None
    except ValueError:
        raise Refused(INCOMPLETE) from None
    reading, seen = columns_form.entered(file, before)
    meanings = _meanings(before, reading) if seen else {}
    return reading.model_copy(update={"kind": kind, "codes": meanings}), seen


def _meanings(before: ListReading, reading: ListReading) -> Meanings:
    """Those of the form, and of texts in earlier reports that this one does not have: the next one may again."""
    form = request.form
    meanings = {field: dict(before.codes.get(field, {})) for field in CODES if _is_same_column(field, before, reading)}
    chosen = (form.getlist(name) for name in ("code_column", "code_text", "code_choice"))
    for column, text, choice in zip(*chosen, strict=False):
        field = next((field for field in CODES if field.value == column), None)
        if field is None or choice not in ("", *CODES[field].labels):
            raise Refused(INCOMPLETE)
        of_column = meanings.setdefault(field, {})
        if choice:
            of_column[text] = choice
        else:
            of_column.pop(text, None)
    return meanings


def _is_same_column(field: ColumnField, before: ListReading, reading: ListReading) -> bool:
    return before.column(field) == reading.column(field)


def _form(
    host: Host, upload: Upload, file: ListFile, reading: ListReading, messages: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    messages = dict(messages or {})
    texts: codes.CodeTexts = {}
    try:
        texts = codes.texts(file, reading)
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
        columns_of_codes=[_shown(field, found, reading) for field, found in texts.items()],
    )


def _shown(field: ColumnField, texts: Mapping[str, int], reading: ListReading) -> ShownCodes:
    meanings = reading.codes.get(field, {})
    choices = [(text, count, meanings.get(text, proposed_meaning(field, text))) for text, count in texts.items()]
    choices.sort(key=lambda choice: choice[0] in meanings)
    return ShownCodes(field, CODES[field], choices)


ROUTES = (Route("/reports/columns", report_columns, Needs.MANAGEMENT, ("GET", "POST")),)
