"""One report of the registry: its rows with the patients found, and accepting those who are proposed."""

from collections.abc import Collection, Mapping
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.refusals import Refused
from ..domain.reports import KIND_LABELS, ReportKind, details_text
from ..hooks import Actor, Host
from ..services.reports import accepting, comparing, metrics
from ..services.reports import listing as service
from ..services.reports.listing import AT_ONCE, GROUP_LABELS, RowGroup
from ..services.uploads.matching import MatchedHow
from . import looks
from .inputs import INCOMPLETE, number, page_number
from .interrupted import shows_entries, to_check
from .rendering import page
from .reports import TITLE
from .serving import ID, Needs, Route


@shows_entries
def report(host: Host, actor: Actor, report_id: int) -> ResponseReturnValue:
    """One page of its rows; accepting, and withdrawing that."""
    if request.method == "GET":
        return _page(host, actor, report_id)
    rows = [number(text, "", INCOMPLETE) for text in request.form.getlist("row")]
    if messages := to_check():
        return _page(host, actor, report_id, rows, messages)
    step = request.form.get("step")
    if step in ("accept", "withdraw") and not rows:
        return _page(host, actor, report_id, rows, {"rows": "Select at least one row."})
    match step:
        case "accept":
            count = accepting.accept(host, actor, report_id, rows)
        case "accept-all":
            count = accepting.accept(host, actor, report_id, None)
        case "withdraw":
            count = accepting.withdraw(host, actor, report_id, rows)
        case _:
            raise Refused(INCOMPLETE)
    done = "Withdrawn" if step == "withdraw" else "Accepted"
    flash(f"{done}: {count:,} {'row' if count == 1 else 'rows'}.", "cpar")
    place = {name: request.form[name] for name in ("group", "page") if request.form.get(name)}
    address = url_for("cpar.report", report_id=report_id, **place)  # type: ignore[arg-type]
    return redirect(address, HTTPStatus.SEE_OTHER)


def _page(
    host: Host,
    actor: Actor,
    report_id: int,
    selected: Collection[int] = (),
    messages: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    text = request.values.get("group", "")
    if text not in ("", *RowGroup):
        raise Refused(INCOMPLETE)
    group = RowGroup(text) if text else None
    place = page_number(request.values.get("page", ""))
    comparing.compare_to_show(host)
    with host.database.engine.connect() as connection:
        found = service.required(connection, host, report_id)
        months = metrics.of_report(connection, report_id) if found.kind is ReportKind.METRICS else []
        listing = service.rows_of(connection, host, actor, report_id, group, (place - 1) * AT_ONCE)
    matching = listing.counts[group] if group else sum(listing.counts.values())
    looks.note(None)  # rows may be about people who are in no record
    return page(
        host,
        TITLE,
        "report.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        messages=messages or {},
        report=found,
        listing=listing,
        kind_label=KIND_LABELS[found.kind],
        months=months,
        about_patients=found.kind is not ReportKind.METRICS,
        in_heaps=found.kind is ReportKind.REGISTRY_LIST,
        group=group,
        groups=GROUP_LABELS,
        hows=MatchedHow,
        details_text=details_text,
        selected=selected,
        matching=matching,
        place=place,
        pages=max(-(-matching // AT_ONCE), 1),
    )


ROUTES = (Route(f"/reports/<{ID}:report_id>", report, Needs.MANAGEMENT, ("GET", "POST")),)
