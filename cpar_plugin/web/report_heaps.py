"""The registry's own list of a panel against the panel: four heaps, as a page, on paper, and as a CSV file."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ..domain.heaps import COMPARED, HEAP_LABELS, RegistryHeap
from ..domain.list_columns import FIELD_LABELS, ColumnField
from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.reports import heaps as service
from ..services.reports import heaps_csv
from ..services.reports.heaps import AT_ONCE, HeapCriteria
from ..services.roster import merges
from . import looks, searches
from .downloads import csv_download
from .inputs import page_number
from .rendering import long_page, page
from .serving import ID, Needs, Route

TITLE = "The registry's list and ours"
_STATE = ("show", searches.PARAMETER)


def report_heaps(host: Host, actor: Actor, list_id: int) -> ResponseReturnValue:
    """One page of one heap, or of all. The search text is posted, so that it is in no address."""
    if request.method == "POST":
        token = searches.keep(host, actor, request.form.get("text", ""))
        return redirect(_address(list_id, _state(request.form) | {searches.PARAMETER: token}), HTTPStatus.SEE_OTHER)
    state = _state(request.args)
    criteria = _criteria(host, actor, state)
    place = page_number(request.args.get("page", ""))
    merges.catch_up_to_show(host)
    with host.database.engine.connect() as connection:
        report = service.required(connection, host, list_id)
        listing = service.show(connection, host, actor, list_id, criteria, (place - 1) * AT_ONCE)
    looks.note(None)  # rows may be about people who are in no record

    def heap_href(heap: RegistryHeap | None, number: int = 1) -> str:
        return _address(list_id, state | {"show": heap.value if heap else ""}, number)

    return page(
        host,
        TITLE,
        "report_heaps.html",
        report=report,
        listing=listing,
        criteria=criteria,
        state={field: text for field, text in state.items() if text},
        heap_href=heap_href,
        place=place,
        pages=max(-(-listing.matching // AT_ONCE), 1),
        **_rows_context(),
    )


def print_report_heaps(host: Host, actor: Actor, list_id: int) -> ResponseReturnValue:
    """All that is found on paper, whatever page of it was open."""
    state = _state(request.args)
    criteria = _criteria(host, actor, state)
    merges.catch_up_to_show(host)
    connection = host.database.engine.connect()
    try:
        report = service.required(connection, host, list_id)
        return long_page(
            host,
            actor,
            TITLE,
            "report_heaps_print.html",
            connection,
            report=report,
            rows=service.rows(connection, host, actor, list_id, criteria),
            criteria=criteria,
            now=host.clock.now(),
            clinic_name=g.cpar_clinic.name,
            back=_address(list_id, state),
            **_rows_context(),
        )
    except BaseException:
        connection.close()
        raise


def export_report_heaps(host: Host, actor: Actor, list_id: int) -> Response:
    """The same as a file for a spreadsheet."""
    criteria = _criteria(host, actor, _state(request.args))
    merges.catch_up_to_show(host)
    connection = host.database.engine.connect()
    try:
        report = service.required(connection, host, list_id)
        rows = heaps_csv.export(host, service.rows(connection, host, actor, list_id, criteria))
        day = report.received_at.astimezone(host.clock.zone).date()
        name = f"registry list {report.panel_number or 'all panels'} {day} {criteria.heap or 'all'}"
        response = csv_download(host, actor, name, rows)
    except BaseException:
        connection.close()
        raise
    response.call_on_close(connection.close)
    return response


def _state(fields: MultiDict[str, str]) -> dict[str, str]:
    """Which heap, and which search. Raises Refused for what the page does not offer."""
    state = {field: fields.getlist(field)[-1] if field in fields else "" for field in _STATE}
    if state["show"] not in ("", *RegistryHeap):
        raise Refused("List of patients not found. Start from the report's page.")
    return state


def _criteria(host: Host, actor: Actor, state: Mapping[str, str]) -> HeapCriteria:
    text = searches.text_of(host, actor, state[searches.PARAMETER])
    return HeapCriteria(RegistryHeap(state["show"]) if state["show"] else None, text)


def _address(list_id: int, state: Mapping[str, str], number: int = 1) -> str:
    values: dict[str, Any] = {field: text for field, text in state.items() if text}
    return url_for("cpar.report_heaps", list_id=list_id, page=number if number > 1 else None, **values)


def _rows_context() -> dict[str, Any]:
    return {
        "heaps": HEAP_LABELS,
        "kinds": RegistryHeap,
        "compared": {field: FIELD_LABELS[field] for field in COMPARED},
        "columns": ColumnField,
    }


ROUTES = (
    Route(f"/reports/<{ID}:list_id>/heaps", report_heaps, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"/reports/<{ID}:list_id>/heaps/print", print_report_heaps, Needs.MANAGEMENT),
    Route(f"/reports/<{ID}:list_id>/heaps/export", export_report_heaps, Needs.MANAGEMENT),
)
