"""One panel's page: its patients, who goes out and who not, what is done with those ticked, and the CSV file."""

import re
from collections.abc import Collection, Mapping
from http import HTTPStatus

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ..domain.eligibility import WORDING, Reason
from ..domain.refusals import NotFound, Refused
from ..hooks import Actor, Host
from ..services import panel_members, panels
from ..services.csv_export import export
from ..services.panel_members import Fate, Sort, Wanted
from ..services.ticked import Act, Ticked, carry_out
from ..settings import load
from .inputs import INCOMPLETE, number, number_or_none
from .rendering import page
from .serving import ID, Needs, Route

YEARS = ("1", "2", "3")
_STATE = ("show", "unconfirmed", "unseen", "mrp", "sort", "after")
_LONGEST_SEARCH = 100
_NO_SUCH_LIST = "There is no such list of patients. Begin at the panel's page."
_TICK_ALL = "tick-all"


def panel(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The members. What is searched for is posted, so that it stands in no address and no log."""
    return _page(host, actor, panel_id, request.form if request.method == "POST" else request.args)


def ticked_members(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """Confirm, move or remove those ticked; or tick all of the page."""
    form = request.form
    ids = {number(text, "", INCOMPLETE) for text in form.getlist("ticked")}
    act = form.get("act", "")
    if act == _TICK_ALL:
        return _page(host, actor, panel_id, form, tick_all=True)
    try:
        if act not in list(Act):
            raise Refused(INCOMPLETE)
        target = form.get("to_panel_id", "") if act == Act.MOVE else ""
        to_panel_id = number_or_none(target, "to_panel_id", "Select the panel to move them to.")
        outcome = carry_out(host, actor, Ticked(panel_id, ids, Act(act), to_panel_id))
    except NotFound:
        raise
    except Refused as refused:
        return _page(host, actor, panel_id, form, ticked=ids, messages=refused.messages)
    if outcome.operation_id is None:
        flash("Nobody was changed: they are on another panel by now, or were confirmed today already.", "cpar")
        return redirect(url_for("cpar.panel", panel_id=panel_id), HTTPStatus.SEE_OTHER)
    return redirect(url_for("cpar.bulk_result", operation_id=outcome.operation_id), HTTPStatus.SEE_OTHER)


def export_panel(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """All patients of the panel, as a file for a spreadsheet."""
    with host.database.engine.connect() as connection:
        number_of_panel = panels.get(connection, host, panel_id).number
    today = host.clock.now().astimezone(host.clock.zone).date()
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"panel {number_of_panel} {today}")
    return Response(
        export(host, actor, load(host.settings), panel_id),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"},
    )


def _page(
    host: Host,
    actor: Actor,
    panel_id: int,
    fields: MultiDict[str, str],
    *,
    ticked: Collection[int] = (),
    tick_all: bool = False,
    messages: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    # The last of several: a button outside of the form comes after what the form keeps.
    state = {field: fields.getlist(field)[-1] if field in fields else "" for field in _STATE}
    text = " ".join(fields.get("text", "").split())[:_LONGEST_SEARCH] if request.method == "POST" else ""
    wanted = _wanted(state, text)
    with host.database.engine.connect() as connection:
        live = {one.panel_id: one for one in panels.live_panels(connection, host)}
        if panel_id not in live:
            raise NotFound("There is no such panel, or it has been deleted.")
        found = panel_members.listing(connection, host, actor, load(host.settings), panel_id, wanted)
    this = live.pop(panel_id)
    return page(
        host,
        f"Panel {this.number}",
        "panel_page.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        panel=this,
        others=live.values(),
        listing=found,
        wanted=wanted,
        state=state,
        ticked={one.row.patient_id for one in found.members} if tick_all else ticked,
        messages=messages or {},
        wording=WORDING,
        reasons=Reason,
        years=YEARS,
        provider_ids={provider.provider_id for provider in this.providers},
        statuses=host.roster.status_labels,
        patient_href=host.pages.patient_href,
    )


def _wanted(state: Mapping[str, str], text: str) -> Wanted:
    """Raises Refused for what the page does not offer."""
    show, sort = state["show"], state["sort"] or Sort.NAME
    for field, offered in (
        ("show", ("", *Fate, *Reason)),
        ("unconfirmed", ("", *YEARS)),
        ("unseen", ("", *YEARS)),
        ("mrp", ("", "outside")),
    ):
        if state[field] not in offered:
            raise Refused(_NO_SUCH_LIST)
    if sort.removeprefix("-") not in list(Sort):
        raise Refused(_NO_SUCH_LIST)
    return Wanted(
        text=text,
        fate=None if not show else Fate(show) if show in list(Fate) else Reason(show),
        unconfirmed_years=int(state["unconfirmed"]) if state["unconfirmed"] else None,
        unseen_years=int(state["unseen"]) if state["unseen"] else None,
        mrp_outside=bool(state["mrp"]),
        sort=Sort(sort.removeprefix("-")),
        descending=sort.startswith("-"),
        after=number_or_none(state["after"], "", _NO_SUCH_LIST),
    )


ROUTES = (
    Route(f"/panels/<{ID}:panel_id>", panel, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"/panels/<{ID}:panel_id>/ticked", ticked_members, Needs.MANAGEMENT, ("POST",)),
    Route(f"/panels/<{ID}:panel_id>/export", export_panel, Needs.MANAGEMENT),
)
