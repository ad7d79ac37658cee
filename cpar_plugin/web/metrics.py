"""What the registry counts of a panel: month by month beside what was submitted, and the form to enter it."""

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.dates import month_code, month_text
from ..domain.metrics import MONTHS, entered_counts, month_named
from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.panels import listing
from ..services.reports import metrics as service
from ..services.reports.metrics_csv import export
from . import charts
from .downloads import csv_of_counts
from .inputs import INCOMPLETE, number
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import ID, Needs, Route, status_of


@shows_entries
def metrics(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The months, and entering, restoring and removing what the registry counts of one."""
    if request.method == "GET":
        return _page(host, panel_id, _month(host, request.args.get("month", "")))
    month = _month(host, request.form.get("month", ""))
    seen = number(request.form.get("seen", ""), "", INCOMPLETE)
    try:
        check_entries()
        match request.form.get("step", "save"):
            case "save":
                today = host.clock.now().astimezone(host.clock.zone).date()
                received, attached, as_of = (request.form.get(field, "") for field in ("received", "attached", "as_of"))
                counts = entered_counts(received, attached, as_of, today)
                service.save(host, actor, panel_id, month, seen, counts)
                done = f"Metrics of {month_text(month)} saved."
            case "remove":
                service.restore(host, actor, panel_id, month, seen, service.NO_ENTRY)
                done = f"Metrics of {month_text(month)} removed. The entries below can be restored."
            case step if step.startswith("restore-"):
                entry_id = number(step.removeprefix("restore-"), "", INCOMPLETE)
                service.restore(host, actor, panel_id, month, seen, entry_id)
                done = f"Metrics of {month_text(month)} restored."
            case _:
                raise Refused(INCOMPLETE)
    except Refused as refused:
        return _page(host, panel_id, month, refused.messages, status_of(refused))
    flash(done, "cpar")
    return redirect(url_for("cpar.metrics", panel_id=panel_id, month=month_code(month)), HTTPStatus.SEE_OTHER)


def export_metrics(host: Host, _: Actor, panel_id: int) -> ResponseReturnValue:
    """Every month, as a CSV file."""
    with host.database.engine.connect() as connection:
        panel = listing.get(connection, host, panel_id)
    return csv_of_counts(f"metrics panel {panel.number}", export(host, panel_id, panel.number, panel.state))


def _month(host: Host, text: str) -> date:
    month = month_named(text, host.clock.now().astimezone(host.clock.zone).date())
    if month is None:
        raise Refused("This is no month: select one in the table of metrics.")
    return month


def _page(
    host: Host,
    panel_id: int,
    month: date,
    messages: Mapping[str, str] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        panel_number = listing.live_number(connection, panel_id)
        months = service.months(connection, host, panel_id, MONTHS)
        history = service.history(connection, host, panel_id, month)
    shown = next((one for one in months if one.month == month), None)
    if shown is None:
        raise Refused(f"Metrics are shown for the last {MONTHS} months: select one in the table.")
    counts = shown.counts
    fields = {"received": counts.received, "attached": counts.attached, "as_of": counts.as_of}
    saved = {name: "" if value is None else str(value) for name, value in fields.items()}
    return page(
        host,
        f"Metrics of panel {panel_number}",
        "metrics.html",
        status,
        messages=messages or {},
        panel_id=panel_id,
        months=months,
        shown=shown,
        history=history,
        entered=saved | {name: request.form[name] for name in fields if name in request.form},
        charts=charts,
    )


ROUTES = (
    Route(f"/panels/<{ID}:panel_id>/metrics", metrics, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"/panels/<{ID}:panel_id>/metrics/export", export_metrics, Needs.MANAGEMENT),
)
