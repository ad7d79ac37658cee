"""The page of an affiliation or a caseload: its patients, what is done with those selected, paper, and a file."""

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any, Final

from flask import flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ..domain.refusals import NotFound, Refused
from ..hooks import Actor, Host
from ..services.other_panels import bulk, listing, members, selected
from ..services.other_panels.listing import OtherPanel
from ..services.other_panels.members import OtherCriteria, OtherSort
from ..services.other_panels.selected import OtherSelected
from ..services.roster import merges
from . import searches
from .downloads import csv_download
from .inputs import INCOMPLETE, number, number_or_none, page_number
from .interrupted import check_entries, shows_entries
from .rendering import long_page, page
from .serving import ID, Needs, Route

_STATE: Final = (searches.PARAMETER, "undated", "sort", "page")
_NO_SUCH_LIST: Final = "Patient list not found. Start from the Panels tab."
_SELECT_ALL, _SELECT_FOUND, _UNDO = "select-all", "select-found", "undo"
_ON_PAGE, _FOUND = "page", "found"
_DONE: Final = "cpar_done_other"  # in the session: what was done last, until the list has shown it


def other_panel(host: Host, actor: Actor, other_id: int) -> ResponseReturnValue:
    """A page of its patients. The search text is posted, so that it is in no address and no log."""
    if request.method == "POST":
        token = searches.keep(host, actor, request.form.get("text", ""))
        return _list(other_id, _state(request.form) | {searches.PARAMETER: token, "page": ""})
    done = session.pop(_DONE, None)
    operation_id = done[1] if done and done[0] == other_id else None
    return _page(host, actor, other_id, request.args, scope=request.args.get("selected", ""), operation_id=operation_id)


@shows_entries
def selected_others(host: Host, actor: Actor, other_id: int) -> ResponseReturnValue:
    """Date the forms of those selected, move or remove them; undo it; or select more. Each comes back to the list."""
    form, state = request.form, _state(request.form)
    ids = {number(text, "", INCOMPLETE) for text in form.getlist("selected")}
    action = form.get("action", "")
    if action in (_SELECT_ALL, _SELECT_FOUND):
        return _list(other_id, state, selected=_ON_PAGE if action == _SELECT_ALL else _FOUND)
    try:
        check_entries()
        if action == _UNDO:
            operation_id = number(form.get("operation_id", ""), "", INCOMPLETE)
            bulk.undo(host, actor, operation_id)
            return _list(other_id, state, operation_id)
        if action not in list(OtherSelected):
            raise Refused(INCOMPLETE)
        all_found = form.get("scope") == _FOUND
        with host.database.engine.connect() as connection:
            panel = listing.get(connection, host, other_id)
            if all_found:
                ids = members.found(connection, host, actor, other_id, _criteria(host, actor, state))
        if all_found and len(ids) != number(form.get("expected", ""), "", INCOMPLETE):
            raise Refused(
                f"The list has changed: {len(ids):,} patients are found now. Nothing was changed. Check the list, then "
                "press the button again."
            )
        order = selected.order_for(
            host,
            panel,
            OtherSelected(action),
            ids,
            to_id=number_or_none(form.get("to_id", ""), "to_id", INCOMPLETE),
            signed=form.get("signed_on", ""),
            all_found=all_found,
        )
        operation_id_done = bulk.carry_out(host, actor, order, None)
    except NotFound:
        raise
    except Refused as refused:
        return _page(host, actor, other_id, form, scope=form.get("scope", ""), ids=ids, messages=refused.messages)
    if operation_id_done is None:
        flash("No patients were changed: they are as you wanted them, or the date is before their birth.", "cpar")
    last = form.getlist("selected")
    return _list(other_id, state, operation_id_done, _anchor=f"cpar-row-{last[-1]}" if last else None)


def print_other_panel(host: Host, actor: Actor, other_id: int) -> ResponseReturnValue:
    """The whole list on paper."""
    criteria = _criteria(host, actor, _state(request.args))
    merges.catch_up_to_show(host)
    connection = host.database.engine.connect()
    try:
        panel = listing.get(connection, host, other_id)
        return long_page(
            host,
            actor,
            _title(panel),
            "other_panel_print.html",
            connection,
            panel=panel,
            criteria=criteria,
            members=members.all_members(connection, host, actor, other_id, criteria),
            now=host.clock.now(),
            clinic_name=g.cpar_clinic.name,
        )
    except BaseException:
        connection.close()
        raise


def export_other_panel(host: Host, actor: Actor, other_id: int) -> ResponseReturnValue:
    """The whole list as a file."""
    criteria = _criteria(host, actor, _state(request.args))
    with host.database.engine.connect() as connection:
        panel = listing.get(connection, host, other_id)
    today = host.clock.now().astimezone(host.clock.zone).date()
    name = f"{panel.kind.noun} {panel.name} {today}"
    return csv_download(host, actor, name, members.export(host, actor, other_id, criteria))


def _page(
    host: Host,
    actor: Actor,
    other_id: int,
    fields: MultiDict[str, str],
    *,
    ids: Collection[int] = (),
    scope: str = "",
    messages: Mapping[str, str] | None = None,
    operation_id: int | None = None,
) -> ResponseReturnValue:
    state = _state(fields)
    criteria, place = _criteria(host, actor, state), page_number(state["page"])
    merges.catch_up_to_show(host)
    with host.database.engine.connect() as connection:
        panel = listing.get(connection, host, other_id)
        shown = members.members_page(connection, host, actor, other_id, criteria, place)
        others = [one for one in listing.live(connection, host, panel.kind) if one.other_panel_id != other_id]
        operation = bulk.operation_of(connection, host, operation_id) if operation_id else None
    return page(
        host,
        _title(panel),
        "other_panel.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        panel=panel,
        members=shown,
        criteria=criteria,
        state=state,
        place=place,
        pages=max(-(-shown.matching // members.PAGE_SIZE), 1),
        others=[one for one in others if one.state.takes_patients],
        selected={row.patient_id for row in shown.rows} if scope in (_ON_PAGE, _FOUND) else ids,
        all_found=scope == _FOUND,
        messages=messages or {},
        operation=operation,
        today=host.clock.now().astimezone(host.clock.zone).date(),
    )


def _list(other_id: int, state: Mapping[str, str], operation_id: int | None = None, **more: Any) -> ResponseReturnValue:
    """To the list, by its address, which then tells what was done."""
    if operation_id:
        session[_DONE] = [other_id, operation_id]
    values = {field: text for field, text in state.items() if text} | more
    return redirect(url_for("cpar.other_panel", other_id=other_id, **values), HTTPStatus.SEE_OTHER)


def _state(fields: MultiDict[str, str]) -> dict[str, str]:
    """What the list is narrowed and sorted by, and its page. Raises Refused for what the page does not offer."""
    state = {field: fields.getlist(field)[-1] if field in fields else "" for field in _STATE}
    if state["undated"] not in ("", "yes") or state["sort"].removeprefix("-") not in ("", *OtherSort):
        raise Refused(_NO_SUCH_LIST)
    return state


def _criteria(host: Host, actor: Actor, state: Mapping[str, str]) -> OtherCriteria:
    return OtherCriteria(
        text=searches.text_of(host, actor, state[searches.PARAMETER]),
        undated=bool(state["undated"]),
        sort=OtherSort(state["sort"].removeprefix("-") or OtherSort.NAME),
        descending=state["sort"].startswith("-"),
    )


def _title(panel: OtherPanel) -> str:
    return f"{panel.kind.label}: {panel.name}"


_ONE = f"/panels/other/<{ID}:other_id>"
ROUTES = (
    Route(_ONE, other_panel, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"{_ONE}/selected", selected_others, Needs.MANAGEMENT, ("POST",)),
    Route(f"{_ONE}/print", print_other_panel, Needs.MANAGEMENT),
    Route(f"{_ONE}/export", export_other_panel, Needs.MANAGEMENT),
)
