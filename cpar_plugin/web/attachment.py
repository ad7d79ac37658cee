"""Whose patient is it: lists of patients for whom panel, MRP, and visits differ, and putting them on other panels."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ..domain.attachment import LIST_LABELS, AttachmentList, AttachmentTarget
from ..domain.four_cut import CUT_LABELS, Cut
from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.attachment import listing as service
from ..services.attachment.csv_export import cut_text, export
from ..services.attachment.listing import AT_ONCE
from ..services.attachment.query import AttachmentCriteria
from ..services.operations import kept
from ..services.panels import listing as panels
from ..services.roster import four_cut, merges
from ..settings import load
from . import attachment_review, searches
from .downloads import csv_download
from .inputs import INCOMPLETE, number, number_or_none, page_number
from .interrupted import shows_entries, to_check
from .rendering import long_page, page
from .serving import Needs, Route

TITLE: Final = "Whose patient is it"
_FILTERS: Final = ("show", "panel", "cut", searches.PARAMETER)
_KEPT_FOR: Final = timedelta(hours=1)
_NO_SUCH_LIST: Final = "List of patients not found. Start from the Panels tab."


def attachment(host: Host, actor: Actor) -> ResponseReturnValue:
    """One page of a list. The search text is posted, so that it is in no address."""
    if request.method == "POST":
        token = searches.keep(host, actor, request.form.get("text", ""))
        return redirect(_address(_state(request.form) | {searches.PARAMETER: token}), HTTPStatus.SEE_OTHER)
    return _page(host, actor, request.args)


@shows_entries
def choose_attached(host: Host, actor: Actor) -> ResponseReturnValue:
    """Keep who was selected, and go on to what would be done with them; or select all on the page."""
    form = request.form
    ids = {number(text, "", INCOMPLETE) for text in form.getlist("selected")}
    if form.get("action") == "select-all":
        return _page(host, actor, form, select_all=True)
    if messages := to_check():
        return _page(host, actor, form, selected=ids, messages=messages)
    if form.get("action") not in list(AttachmentTarget):
        raise Refused(INCOMPLETE)
    target = AttachmentTarget(form["action"])
    criteria = _criteria(host, actor, _state(form))
    merges.catch_up_to_show(host)
    try:
        with host.database.engine.connect() as connection:
            everyone = None if form.get("all") else ids
            chosen = service.choose(connection, host, actor, load(host.settings), criteria, target, everyone)
    except Refused as refused:
        return _page(host, actor, form, selected=ids, messages=refused.messages)
    content = {
        "target": target.value,
        "patients": [[panel_id, sorted(of_panel)] for panel_id, of_panel in chosen.patients.items()],
        "without_panel": chosen.without_panel,
        "back": _address(_state(form)),
    }
    token = kept.keep(host, actor.actor_id, content, _KEPT_FOR)
    return redirect(url_for("cpar.review_attachment", selection=token), HTTPStatus.SEE_OTHER)


def print_attachment(host: Host, actor: Actor) -> ResponseReturnValue:
    """The whole list on paper, whatever page of it was open."""
    state = _state(request.args)
    criteria, settings = _criteria(host, actor, state), load(host.settings)
    merges.catch_up_to_show(host)
    connection = host.database.engine.connect()
    try:
        return long_page(
            host,
            actor,
            TITLE,
            "attachment_print.html",
            connection,
            rows=service.rows(connection, host, actor, settings, criteria),
            criteria=criteria,
            now=host.clock.now(),
            clinic_name=g.cpar_clinic.name,
            back=_address(state),
            **_words(host),
        )
    except BaseException:
        connection.close()
        raise


def export_attachment(host: Host, actor: Actor) -> Response:
    """The same as a file for a spreadsheet."""
    criteria = _criteria(host, actor, _state(request.args))
    merges.catch_up_to_show(host)
    connection = host.database.engine.connect()
    try:
        rows = export(service.rows(connection, host, actor, load(host.settings), criteria))
        today = host.clock.now().astimezone(host.clock.zone).date()
        response = csv_download(host, actor, f"whose patient {criteria.which} {today}", rows)
    except BaseException:
        connection.close()
        raise
    response.call_on_close(connection.close)
    return response


def _page(
    host: Host,
    actor: Actor,
    fields: MultiDict[str, str],
    *,
    selected: Collection[int] = (),
    select_all: bool = False,
    messages: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    state = _state(fields)
    criteria, settings = _criteria(host, actor, state), load(host.settings)
    place = page_number(fields.get("page", ""))
    merges.catch_up_to_show(host)
    with host.database.engine.connect() as connection:
        listing = service.show(connection, host, actor, settings, criteria, (place - 1) * AT_ONCE)
        live_panels = panels.live_panels(connection, host)
    return page(
        host,
        TITLE,
        "attachment.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        listing=listing,
        criteria=criteria,
        state={field: text for field, text in state.items() if text},
        narrowed_to=partial(_narrowed_to, state),
        panels=live_panels,
        selected={row.patient_id for row in listing.rows} if select_all else selected,
        all_found=bool(fields.get("all")) and bool(messages),
        messages=messages or {},
        place=place,
        pages=max(-(-listing.matching // AT_ONCE), 1),
        since=four_cut.first_day(host, settings.four_cut),
        months=settings.four_cut_months,
        **_words(host),
    )


def _words(host: Host) -> dict[str, Any]:
    return {
        "lists": LIST_LABELS,
        "kinds": AttachmentList,
        "cuts": CUT_LABELS,
        "cut_text": cut_text,
        "targets": AttachmentTarget,
        "visits_known": host.visits is not None,
    }


def _state(fields: MultiDict[str, str]) -> dict[str, str]:
    return {field: fields.get(field, "") for field in _FILTERS}


def _criteria(host: Host, actor: Actor, state: Mapping[str, str]) -> AttachmentCriteria:
    """Raises Refused for what the page does not offer."""
    show, cut = state["show"] or AttachmentList.NO_PANEL, state["cut"]
    if show not in list(AttachmentList) or cut not in ("", *(str(one.value) for one in Cut)):
        raise Refused(_NO_SUCH_LIST)
    return AttachmentCriteria(
        which=AttachmentList(show),
        panel_id=number_or_none(state["panel"], "", _NO_SUCH_LIST),
        cut=Cut(int(cut)) if cut else None,
        text=searches.text_of(host, actor, state[searches.PARAMETER]),
    )


def _narrowed_to(state: Mapping[str, str], number: int = 1, **changes: str) -> str:
    return _address({**state, **changes}, number)


def _address(state: Mapping[str, str], number: int = 1) -> str:
    values: dict[str, Any] = {field: text for field, text in state.items() if text}
    return url_for("cpar.attachment", page=number if number > 1 else None, **values)


ROUTES = (
    Route("/attachment", attachment, Needs.MANAGEMENT, ("GET", "POST")),
    Route("/attachment/selected", choose_attached, Needs.MANAGEMENT, ("POST",)),
    Route("/attachment/print", print_attachment, Needs.MANAGEMENT),
    Route("/attachment/export", export_attachment, Needs.MANAGEMENT),
    *attachment_review.ROUTES,
)
