"""Import of a list, third page: what becomes of each row, in four heaps; accepting proposals; and doing it."""

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.list_columns import Purpose
from ..domain.reasons import Reason
from ..domain.refusals import NotFound, Refused
from ..domain.wording import wordings
from ..hooks import Actor, Host
from ..services import bulk
from ..services.bulk import Import, list_findings, list_patients, outlook
from ..services.bulk.list_findings import Heap, RowFinding
from ..services.operations import access
from ..services.panels import listing
from ..services.uploads import kept
from ..settings import load
from .bulk import form_key_of, say_if_other
from .downloads import csv_download
from .import_list import TITLE, discard
from .inputs import INCOMPLETE, number
from .interrupted import shows_entries, to_check
from .rendering import page
from .serving import Needs, Route

_NAMED: Final = 25  # of each of the heaps about which there is nothing to decide
_AT_ONCE: Final = 100


@shows_entries
def import_review(host: Host, actor: Actor) -> ResponseReturnValue:
    """The four heaps; accepting who was proposed; and carrying it out, as one bulk operation that can be undone."""
    access.require_configured(host)
    if request.method == "GET":
        return _review(host, actor)
    upload_id = request.form.get("upload_id", "")
    rows = [number(text, "", INCOMPLETE) for text in request.form.getlist("row")]
    if messages := to_check():
        return _review(host, actor, rows, messages)
    match request.form.get("step"):
        case "accept":
            if not rows:
                raise Refused("Select at least one row, then Accept selected.")
            _say_accepted(list_patients.accept(host, actor, upload_id, rows))
        case "accept-all":
            _say_accepted(list_patients.accept(host, actor, upload_id, None))
        case "withdraw":
            count = list_patients.withdraw(host, actor, upload_id)
            flash(f"Acceptance withdrawn for {count:,} {'row' if count == 1 else 'rows'}.", "cpar")
        case "discard":
            return discard(host, actor)
        case "carry-out":
            return _carry_out(host, actor, upload_id)
        case _:
            raise Refused(INCOMPLETE)
    return redirect(url_for("cpar.import_review", page=_place()), HTTPStatus.SEE_OTHER)


def export_import(host: Host, actor: Actor) -> ResponseReturnValue:
    """Every row of the actor's list with what would become of it, as a file for a spreadsheet."""
    with host.database.engine.connect() as connection:
        upload = kept.current(connection, host, actor, Purpose.IMPORT)
    if upload is None or upload.reading is None:
        raise NotFound("There is no list: upload it first.")
    return csv_download(host, actor, "imported list", list_findings.export(host, upload.upload_id))


def _place() -> int:
    """The page of the rows that are not found or doubtful."""
    return number(request.values.get("page", "1"), "", INCOMPLETE)


def _say_accepted(count: int) -> None:
    flash(f"Accepted: {count:,} {'row' if count == 1 else 'rows'}.", "cpar")


def _carry_out(host: Host, actor: Actor, upload_id: str) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        upload = kept.current(connection, host, actor, Purpose.IMPORT)
    same = upload is not None and upload.upload_id == upload_id
    # A second click of the button comes when the list is gone: its key says that it has been carried out.
    order = Import(upload_id, upload.panel_id if upload and same else None)
    result = bulk.carry_out(host, actor, order, form_key_of(request.form))
    if result.operation_id is None:
        flash("No patients were left to change. Nothing was done.", "cpar")
        return redirect(url_for("cpar.import_list"), HTTPStatus.SEE_OTHER)
    if same:
        kept.remove(host, upload_id)
    say_if_other(request.form, result)
    return redirect(url_for("cpar.bulk_result", operation_id=result.operation_id), HTTPStatus.SEE_OTHER)


def _review(
    host: Host, actor: Actor, selected: Collection[int] = (), messages: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        upload = kept.current(connection, host, actor, Purpose.IMPORT)
    if upload is None or upload.reading is None:
        return redirect(url_for("cpar.import_columns"), HTTPStatus.SEE_OTHER)
    order = Import(upload.upload_id, upload.panel_id)
    preview = bulk.preview(host, actor, order)
    after = None
    with host.database.engine.connect() as connection:
        counts = list_findings.count(connection, host, upload.upload_id)
        pages = max(-(-counts.of(Heap.DOUBTFUL) // _AT_ONCE), 1)
        place = min(max(_place(), 1), pages)
        offset = (place - 1) * _AT_ONCE
        heaps = list_findings.heaps(connection, host, upload.upload_id, offset=offset, limit=_AT_ONCE, named=_NAMED)
        accepted = list_patients.accepted(connection, upload.upload_id)
        target = listing.live_number(connection, upload.panel_id) if upload.panel_id else ""
        if preview.changed:
            after = outlook.of_order(connection, host, actor, load(host.settings), order, preview.changed)
    return page(
        host,
        f"{TITLE}: review",
        "import_review.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        messages=messages or {},
        selected=selected,
        upload=upload,
        target=target,
        counts=counts,
        heap_kinds=Heap,
        findings=RowFinding,
        heaps=heaps,
        rows=heaps[Heap.DOUBTFUL],
        doubtful=[finding for finding in RowFinding if finding.heap is Heap.DOUBTFUL],
        accepted=accepted,
        place=place,
        pages=pages,
        first=offset + 1,
        preview=preview,
        form_key=uuid4().hex,
        outlook=after,
        reasons=Reason,
        wording=wordings(host.roster),
    )


ROUTES = (
    Route("/import/review", import_review, Needs.MANAGEMENT, ("GET", "POST")),
    Route("/import/rows", export_import, Needs.MANAGEMENT),
)
