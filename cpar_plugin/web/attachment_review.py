"""What putting the selected patients on the proposed panels would do, and doing it as one operation."""

from http import HTTPStatus
from typing import Any
from uuid import uuid4

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.attachment import TARGET_LABELS, AttachmentTarget
from ..domain.reasons import Reason
from ..domain.wording import wordings
from ..hooks import Actor, Host
from ..services import bulk
from ..services.bulk import Attach, SkipReason, outlook, skipped, texts
from ..services.operations import access, kept
from ..services.panels import listing
from ..settings import load
from .bulk import form_key_of, say_if_other
from .downloads import csv_download
from .rendering import page
from .serving import Needs, Route


def review_attachment(host: Host, actor: Actor) -> ResponseReturnValue:
    """The preview for those selected; nothing is changed before its button."""
    access.require_configured(host)
    token = request.values.get("selection", "")
    if not token:
        return redirect(url_for("cpar.attachment"), HTTPStatus.SEE_OTHER)
    selection = kept.find(host, actor.actor_id, token)
    patients = {panel_id: frozenset(ids) for panel_id, ids in selection["patients"]}
    order = Attach(patients, AttachmentTarget(selection["target"]))
    if request.method == "GET" or not patients:
        return _preview(host, actor, order, token, selection)
    if request.form.get("step") == "skipped":
        return csv_download(host, actor, "patients not put on a panel", skipped.export_preview(host, actor, order))
    result = bulk.carry_out(host, actor, order, form_key_of(request.form))
    if result.operation_id is None:
        flash("No patients were left to change. Nothing was done.", "cpar")
        return redirect(selection["back"], HTTPStatus.SEE_OTHER)
    say_if_other(request.form, result)
    return redirect(url_for("cpar.bulk_result", operation_id=result.operation_id), HTTPStatus.SEE_OTHER)


def _preview(host: Host, actor: Actor, order: Attach, token: str, selection: dict[str, Any]) -> ResponseReturnValue:
    preview = bulk.preview(host, actor, order) if order.patients else None
    with host.database.engine.connect() as connection:
        labels = {panel.panel_id: panel.label for panel in listing.live_panels(connection, host)}
        after = None
        if preview and preview.changed:
            after = outlook.of_order(connection, host, actor, load(host.settings), order, preview.changed)
    counts = preview.skipped if preview else {}
    return page(
        host,
        "Whose patient is it: review changes",
        "attachment_review.html",
        order=order,
        target=TARGET_LABELS[order.target],
        preview=preview,
        labels=labels,
        without_panel=selection["without_panel"],
        back=selection["back"],
        selection=token,
        skipped=[
            (count, texts.skip_notice(reason, count))
            for reason in reversed(SkipReason)
            if (count := counts.get(reason))
        ],
        skipped_by_name=sum(counts.values()) - counts.get(SkipReason.NOT_VISIBLE, 0),
        form_key=uuid4().hex,
        outlook=after,
        reasons=Reason,
        wording=wordings(host.roster),
    )


ROUTES = (Route("/attachment/review", review_attachment, Needs.MANAGEMENT, ("GET", "POST")),)
