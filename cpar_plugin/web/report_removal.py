"""Removing a report that was taken in by mistake."""

from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.refusals import Refused, Stale
from ..domain.reports import KIND_LABELS
from ..hooks import Actor, Host
from ..services.reports import listing, removing
from .inputs import INCOMPLETE, number
from .rendering import page
from .serving import ID, Needs, Route


def remove_report(host: Host, actor: Actor, report_id: int) -> ResponseReturnValue:
    """What the removal does, and doing it."""
    messages, status = {}, HTTPStatus.OK
    if request.method == "POST":
        seen = number(request.form.get("worked_on", ""), "", INCOMPLETE)
        try:
            removing.remove(host, actor, report_id, seen)
        except Stale as stale:
            messages, status = stale.messages, HTTPStatus.CONFLICT
        except Refused as refused:
            messages, status = refused.messages, HTTPStatus.UNPROCESSABLE_ENTITY
        else:
            flash("The report was removed. Lines and metrics are as they were before it.", "cpar")
            return redirect(url_for("cpar.reports"), HTTPStatus.SEE_OTHER)
    with host.database.engine.connect() as connection:
        found = listing.required(connection, host, report_id)
        removal = removing.preview(connection, host, report_id)
    return page(
        host,
        "Remove a report",
        "remove_report.html",
        status,
        messages=messages,
        report=found,
        kind_label=KIND_LABELS[found.kind],
        removal=removal,
    )


ROUTES = (Route(f"/reports/<{ID}:report_id>/remove", remove_report, Needs.MANAGEMENT, ("GET", "POST")),)
