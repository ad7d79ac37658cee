"""A panel's coming submission, rehearsed: who would be added, removed, changed and excluded, and through what."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from ..domain.reasons import Reason
from ..domain.refusals import Refused
from ..domain.wording import WORDING, wordings
from ..hooks import Actor, Host
from ..services.roster import merges
from ..services.snapshots.outlook import Standing
from ..services.submissions import releases
from ..services.submissions.patient_lists_csv import FIELDS
from ..services.submissions.rehearsal import LISTS, Rehearsal
from ..services.submissions.rehearsal_csv import export
from ..services.submissions.searched_list import SnapshotCriteria
from ..services.submissions.sorted_list import SnapshotSort
from ..settings import load
from . import searches
from .downloads import csv_download
from .inputs import number_or_none
from .rendering import long_page, page
from .serving import ID, Needs, Route
from .submission_page import field_text

_STATE = ("show", "reason", searches.PARAMETER, "sort")
_NO_SUCH_LIST = "Patient list not found. Start from the rehearsal's page."


def rehearsal(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The forecast, and one page of one list. The search text is posted, so that it is in no address."""
    if request.method == "POST":
        token = searches.keep(host, actor, request.form.get("text", ""))
        values = {field: text for field, text in (_state(request.form) | {searches.PARAMETER: token}).items() if text}
        return redirect(url_for("cpar.rehearsal", panel_id=panel_id, **values), HTTPStatus.SEE_OTHER)  # type: ignore[arg-type]
    state = _state(request.args)
    page_number = number_or_none(request.args.get("page", ""), "", _NO_SUCH_LIST) or 1
    criteria = _criteria(host, actor, state)
    with host.database.engine.connect() as connection, _rehearsed(connection, host, actor, panel_id, state) as listing:
        rows = listing.find(criteria).page(page_number)
        state["show"] = listing.show or ""
        return page(
            host,
            f"Rehearsal of panel {listing.forecast.panel_number}",
            "rehearsal.html",
            through=listing.through,
            rows=rows,
            page=page_number,
            pages=listing.pages,
            state={field: text for field, text in state.items() if text},
            keep_days=load(host.settings).snapshot_keep_days,
            lists=LISTS,
            release_choice=partial(releases.choice, host, load(host.settings), actor),
            **_context(host, listing, state, criteria),
        )


def print_rehearsal(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The whole list on paper, whatever page of it was open."""
    state = _state(request.args)
    criteria = _criteria(host, actor, state)
    connection = host.database.engine.connect()
    try:
        listing = _opened(connection, host, actor, panel_id, state).find(criteria)
        state["show"] = listing.show or ""
        response = long_page(
            host,
            actor,
            f"Rehearsal of panel {listing.forecast.panel_number}",
            "rehearsal_print.html",
            connection,
            rows=listing.rows(),
            back=url_for("cpar.rehearsal", panel_id=panel_id, **state),  # type: ignore[arg-type]
            clinic_name=g.cpar_clinic.name,
            **_context(host, listing, state, criteria),
        )
    except BaseException:
        connection.close()
        raise
    response.call_on_close(listing.close)
    return response


def export_rehearsal(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The same as a file for a spreadsheet."""
    state = _state(request.args)
    criteria = _criteria(host, actor, state)
    connection = host.database.engine.connect()
    try:
        listing = _opened(connection, host, actor, panel_id, state).find(criteria)
        name = f"rehearsal panel {listing.forecast.panel_number} {listing.show}"
        response = csv_download(host, actor, name, export(host, listing.rows()))
    except BaseException:
        connection.close()
        raise
    response.call_on_close(listing.close)
    response.call_on_close(connection.close)
    return response


def _opened(connection: Connection, host: Host, actor: Actor, panel_id: int, state: Mapping[str, str]) -> Rehearsal:
    merges.catch_up_to_show(host)
    show = Standing(state["show"]) if state["show"] else None
    reason = Reason(state["reason"]) if state["reason"] else None
    return Rehearsal(connection, host, load(host.settings), actor, panel_id, show, reason)


@contextmanager
def _rehearsed(
    connection: Connection, host: Host, actor: Actor, panel_id: int, state: Mapping[str, str]
) -> Iterator[Rehearsal]:
    with closing(_opened(connection, host, actor, panel_id, state)) as listing:
        yield listing


def _state(fields: MultiDict[str, str]) -> dict[str, str]:
    """Which list, narrowed and sorted by what. Raises Refused for what the page does not offer."""
    state = {field: fields.getlist(field)[-1] if field in fields else "" for field in _STATE}
    if state["show"] not in ("", *LISTS) or state["sort"].removeprefix("-") not in ("", *SnapshotSort):
        raise Refused(_NO_SUCH_LIST)
    if state["reason"] not in ("", *Reason):
        raise Refused(_NO_SUCH_LIST)
    return state


def _criteria(host: Host, actor: Actor, state: Mapping[str, str]) -> SnapshotCriteria:
    sort = state["sort"] or SnapshotSort.NAME
    text = searches.text_of(host, actor, state[searches.PARAMETER])
    return SnapshotCriteria(text, SnapshotSort(sort.removeprefix("-")), descending=sort.startswith("-"))


def _context(host: Host, listing: Rehearsal, state: Mapping[str, str], criteria: SnapshotCriteria) -> dict[str, Any]:
    """What the list needs besides its rows."""
    return {
        "forecast": listing.forecast,
        "outlook": listing.forecast.outlook,
        "hidden": listing.hidden,
        "total": len(listing),
        "show": listing.show,
        "reason": WORDING[Reason(state["reason"])].label if state["reason"] else "",
        "criteria": criteria,
        "wording": wordings(host.roster),
        "fields": FIELDS,
        "field_text": field_text(host),
    }


ROUTES = (
    Route(f"/panels/<{ID}:panel_id>/rehearsal", rehearsal, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"/panels/<{ID}:panel_id>/rehearsal/print", print_rehearsal, Needs.MANAGEMENT),
    Route(f"/panels/<{ID}:panel_id>/rehearsal/export", export_rehearsal, Needs.MANAGEMENT),
)
