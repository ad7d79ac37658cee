"""The result of a bulk operation: its numbers, its undo, and a file of the patients that it skipped."""

from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.dates import date_text
from ..domain.reasons import Reason
from ..domain.refusals import Refused
from ..domain.wording import wordings
from ..hooks import Actor, Host
from ..services.bulk import history, not_restored, outlook, skipped, texts, undo
from ..services.roster import merges
from ..services.submissions import requests
from ..services.submissions.after_operation import submitted_since
from ..settings import load
from .downloads import csv_download
from .inputs import INCOMPLETE, number_or_none
from .rendering import page
from .serving import ID, Needs, Route


def bulk_result(host: Host, actor: Actor, operation_id: int) -> ResponseReturnValue:
    """What an operation did and did not, and its undo."""
    merges.catch_up_to_show(host)
    with host.database.engine.connect() as connection:
        operation = history.one(connection, host, operation_id)
        counts = skipped.counted(connection, host, actor, operation_id)
        since = submitted_since(connection, host, operation)
        panel_id = operation.from_panel_id if operation.confirmed else operation.panel_id
        after = None
        if operation.changed > operation.removed and not operation.undone:
            settings = load(host.settings)
            after = outlook.of_operation(connection, host, actor, settings, operation_id)
    undone = operation.undone
    title, wording = f"Bulk Update: {'undone' if undone else 'done'}", wordings(host.roster)
    return page(
        host,
        title,
        "bulk_result.html",
        operation=operation,
        summary=texts.summary(operation),
        skipped=counts,
        skipped_heading=texts.order_text(operation.kind).skipped,
        not_restored=not_restored.not_restored(host, actor, operation_id) if undone and undone.not_restored else None,
        since=since,
        to_submit_again=[one for one in since if not one.again],
        outlook=after,
        outlook_panel_id=panel_id,
        reasons=Reason,
        wording=wording,
    )


def undo_bulk(host: Host, actor: Actor, operation_id: int) -> ResponseReturnValue:
    """Restore what an operation changed, where it is still as the operation left it."""
    try:
        undo.undo(host, actor, operation_id)
    except undo.UndoneAlready:
        flash("Nothing was changed: this bulk update had already been undone.", "cpar")
    return redirect(url_for("cpar.bulk_result", operation_id=operation_id), HTTPStatus.SEE_OTHER)


def export_skipped(host: Host, actor: Actor, operation_id: int) -> ResponseReturnValue:
    """The patients that an operation skipped, as a file for a spreadsheet."""
    with host.database.engine.connect() as connection:
        history.one(connection, host, operation_id)
    return csv_download(
        host, actor, f"bulk update {operation_id} not changed", skipped.export(host, actor, operation_id)
    )


def export_not_restored(host: Host, actor: Actor, operation_id: int) -> ResponseReturnValue:
    """The patients that the undo of an operation skipped, as a file for a spreadsheet."""
    with host.database.engine.connect() as connection:
        history.one(connection, host, operation_id)
    return csv_download(
        host, actor, f"bulk update {operation_id} not restored", not_restored.export(host, actor, operation_id)
    )


def move_back(host: Host, actor: Actor, operation_id: int) -> ResponseReturnValue:
    """Restore those that the undo skipped for a confirmation on the wrong panel: all of them, or one."""
    patient_id = number_or_none(request.form.get("patient_id", ""), "", INCOMPLETE)
    moved = undo.move_back(host, actor, operation_id, patient_id)
    flash(f"Moved back: {moved:,} {'patient' if moved == 1 else 'patients'}.", "cpar")
    return redirect(url_for("cpar.bulk_result", operation_id=operation_id), HTTPStatus.SEE_OTHER)


def submit_again(host: Host, actor: Actor, operation_id: int) -> ResponseReturnValue:
    """Queue the panels that were submitted between an operation and its undo, as they are now."""
    settings = load(host.settings)
    with host.database.engine.connect() as connection:
        operation = history.one(connection, host, operation_id)
        panels = {one.panel_id: one.number for one in submitted_since(connection, host, operation) if not one.again}
    if not operation.undone:
        raise Refused("Undo this bulk update first, then submit the panels again.")
    if not panels:
        flash("Nothing was changed: these panels are already queued or have been submitted again.", "cpar")
    for panel_id, panel_number in panels.items():
        try:
            requests.ask(host, settings, actor, panel_id)
        except Refused as refused:
            flash(f"Panel {panel_number}: {refused}", "cpar")
        else:
            date = date_text(requests.run_date(host, settings))
            flash(f"Panel {panel_number} will be submitted in the night run on {date}.", "cpar")
    return redirect(url_for("cpar.bulk_result", operation_id=operation_id), HTTPStatus.SEE_OTHER)


ROUTES = (
    Route(f"/bulk/<{ID}:operation_id>", bulk_result, Needs.MANAGEMENT),
    Route(f"/bulk/<{ID}:operation_id>/undo", undo_bulk, Needs.MANAGEMENT, ("POST",)),
    Route(f"/bulk/<{ID}:operation_id>/skipped", export_skipped, Needs.MANAGEMENT),
    Route(f"/bulk/<{ID}:operation_id>/not-restored", export_not_restored, Needs.MANAGEMENT),
    Route(f"/bulk/<{ID}:operation_id>/move-back", move_back, Needs.MANAGEMENT, ("POST",)),
    Route(f"/bulk/<{ID}:operation_id>/submit-again", submit_again, Needs.MANAGEMENT, ("POST",)),
)
