"""Filling panels with the active patients of their own providers: what it would do, and doing it."""

from collections.abc import Mapping
from http import HTTPStatus
from uuid import uuid4

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.reasons import Reason
from ..domain.refusals import Refused
from ..domain.wording import wordings
from ..hooks import Actor, Host
from ..services import bulk
from ..services.bulk import Fill, SkipReason, outlook, skipped, texts
from ..services.operations import access
from ..services.panels import listing
from ..settings import load
from .bulk import form_key_of, say_if_other
from .downloads import csv_download
from .inputs import INCOMPLETE, number
from .interrupted import shows_entries, to_check
from .rendering import page
from .serving import Needs, Route

TITLE = "Fill panels"
_MOVE = "yes"
_IN_A_COLUMN = (SkipReason.ALREADY_ON_PANEL, SkipReason.KEEPS_PANEL)


@shows_entries
def fill_panels(host: Host, actor: Actor) -> ResponseReturnValue:
    """The preview for all panels, or for those of the address; nothing is changed by it."""
    access.require_configured(host)
    fields = request.form if request.method == "POST" else request.args
    panel_ids = frozenset(number(text, "", INCOMPLETE) for text in fields.getlist("panel"))
    move = fields.get("move", "") == _MOVE
    if request.method == "GET":
        return _preview(host, actor, panel_ids, move)
    order = Fill(panel_ids, move)
    if not panel_ids:
        raise Refused(INCOMPLETE)
    if messages := to_check():
        return _preview(host, actor, panel_ids, move, messages)
    if request.form.get("step") == "skipped":
        return csv_download(host, actor, "fill panels not added", skipped.export_preview(host, actor, order))
    result = bulk.carry_out(host, actor, order, form_key_of(request.form))
    if result.operation_id is None:
        flash("No patients were left to add. Nothing was done.", "cpar")
        return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)
    say_if_other(request.form, result)
    return redirect(url_for("cpar.bulk_result", operation_id=result.operation_id), HTTPStatus.SEE_OTHER)


def _preview(
    host: Host, actor: Actor, panel_ids: frozenset[int], move: bool, messages: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        panels = listing.open_panels(connection, host)
    if not panels:
        raise Refused("There are no panels to fill: create one first.")
    order = Fill(panel_ids or frozenset(panel.panel_id for panel in panels), move)
    preview = bulk.preview(host, actor, order)
    after = None
    if preview.changed:
        with host.database.engine.connect() as connection:
            after = outlook.of_order(connection, host, actor, load(host.settings), order, preview.changed)
    joining = {one.panel_id: one for one in preview.joining}
    changing = [panel for panel in panels if panel.panel_id in joining and _says_something(joining[panel.panel_id])]
    return page(
        host,
        TITLE,
        "fill.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        messages=messages or {},
        order=order,
        preview=preview,
        panels=changing,
        joining=joining,
        without=len(order.panel_ids) - len(changing),
        keeping=preview.skipped[SkipReason.KEEPS_PANEL],
        keeps=SkipReason.KEEPS_PANEL,
        skipped=[
            (count, texts.skip_notice(reason, count))
            for reason in reversed(SkipReason)
            if (count := preview.skipped[reason]) and reason not in _IN_A_COLUMN
        ],
        skipped_by_name=preview.skipped.total() - preview.skipped[SkipReason.NOT_VISIBLE],
        form_key=uuid4().hex,
        outlook=after,
        reasons=Reason,
        wording=wordings(host.roster),
    )


def _says_something(joining: bulk.Joining) -> bool:
    return bool(joining.added or joining.moved or joining.skipped[SkipReason.KEEPS_PANEL])


ROUTES = (Route("/panels/fill", fill_panels, Needs.MANAGEMENT, ("GET", "POST")),)
