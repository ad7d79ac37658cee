"""One panel's page: its patients, who will be submitted, what is done with those selected, and the CSV file."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from string import ascii_uppercase
from typing import Any

from flask import flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ..domain.bands import AGES, UNDATED
from ..domain.cautions import Caution
from ..domain.confirmation import ConfirmedHow
from ..domain.coverage import Coverage
from ..domain.panel_state import PanelState
from ..domain.reasons import Reason
from ..domain.refusals import NotFound, Refused
from ..domain.removal import NO_REASON
from ..domain.wording import Wording, advice_for, kind_of, wording_for, wordings
from ..hooks import Actor, Host, StatusKind
from ..services import bulk
from ..services.bulk import history, selected, texts, undo
from ..services.bulk.selected import SelectedAction
from ..services.operations import access, clinic
from ..services.panels import coverage_list, editing, members
from ..services.panels.csv_export import export
from ..services.panels.listing import Panel, provider_choices
from ..services.panels.members import Listed
from ..services.panels.members_query import SHOWN, Criteria, Sort
from ..services.roster import coverage, merges, rates, separated
from ..settings import load
from . import charts, searches
from .answers import answer
from .downloads import csv_download
from .inputs import INCOMPLETE, number, number_or_none
from .interrupted import check_entries, shows_entries
from .removal import removal_of
from .rendering import page
from .serving import ID, Needs, Route

_EXCLUSIONS = frozenset({"excluded", "confirmation-only", *(reason.value for reason in Reason)})
YEARS = ("1", "2", "3")
_FILTERS = ("show", "unconfirmed", "how", "unseen", "seen-by", "mrp", "from", "to", "age")
_STATE = (searches.PARAMETER, *_FILTERS, "sort", "after", "before")
_HOW = {how.name.lower().replace("_", "-"): how for how in ConfirmedHow}
_AGES = {age.replace(" ", "-").lower(): age for age in AGES if age != UNDATED}
_NO_SUCH_LIST = "Patient list not found. Start from the panel's page."
_SELECT_ALL, _SELECT_FOUND, _UNDO = "select-all", "select-found", "undo"
_ON_PAGE, _FOUND = "page", "found"
_DONE = "cpar_done"  # in the session: what was done last, until the list has shown it


def panel(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The members. The search text is posted, so that it is in no address and no log."""
    if request.method == "POST":
        search = searches.keep(host, actor, request.form.get("text", ""))
        return _list(panel_id, state_of(request.form) | {searches.PARAMETER: search})
    selected = request.args.get("selected", "")
    return _page(host, actor, panel_id, request.args, scope=selected, operation_id=_just_done(panel_id))


@shows_entries
def selected_members(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """Confirm, move or remove those selected, or the one whose own button was pressed; undo it; or select all shown.

    Each comes back to the list as it was, with what was done.
    """
    form = request.form
    ids = {number(text, "", INCOMPLETE) for text in form.getlist("selected")}
    action = form.get("action", "")
    if action == _SELECT_ALL:
        return _list(panel_id, state_of(form), selected=_ON_PAGE)
    if action == _SELECT_FOUND:
        return _list(panel_id, state_of(form), selected=_FOUND)
    try:
        check_entries()
        if action == _UNDO:
            operation_id = number(form.get("operation_id", ""), "", INCOMPLETE)
            undo.undo(host, actor, operation_id)
            return _list(panel_id, state_of(form), operation_id=operation_id)
        own_button = "single" in form
        if own_button:
            action, _, text = form["single"].partition("-")
            ids = {number(text, "", INCOMPLETE)}
        if action not in list(SelectedAction):
            raise Refused(INCOMPLETE)
        all_found = form.get("scope") == _FOUND and not own_button
        if all_found:
            ids = _all_found(host, actor, panel_id, form)
        target = form.get("to_panel_id", "") if action == SelectedAction.MOVE else ""
        to_panel_id = number_or_none(target, "to_panel_id", "Select the panel to move patients to.")
        order = selected.order_for(
            SelectedAction(action),
            panel_id,
            ids,
            to_panel_id,
            removal=removal_of(host, form, next(iter(ids)) if own_button else None)
            if action == SelectedAction.REMOVE
            else NO_REASON,
            own_button=own_button,
            all_found=all_found,
        )
        result = bulk.carry_out(host, actor, order)
    except NotFound:
        raise
    except Refused as refused:
        return _page(
            host, actor, panel_id, form, scope=form.get("scope", ""), selected_ids=ids, messages=refused.messages
        )
    if result.operation_id is None:
        flash("No patients were changed: they are now on another panel, or were already confirmed today.", "cpar")
    # Without a script the page is loaded again: at the row that was pressed, or selected last.
    last = [*ids] if own_button else form.getlist("selected")
    anchor = f"cpar-row-{last[-1]}" if last else None
    return _list(panel_id, state_of(form), operation_id=result.operation_id, _anchor=anchor)


def answer_of_member(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """Answer a caution about one of the list's members, or take an answer back."""
    try:
        flash(answer(host, actor, request.form), "cpar")
    except Refused as refused:
        return _page(host, actor, panel_id, request.form, messages=refused.messages)
    patient = request.form.get("withdraw", request.form.get("answer", "")).partition(" ")[0]
    return _list(panel_id, state_of(request.form), _anchor=f"cpar-row-{patient}")


def keep_member(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """Keep a member whose membership came from a record which is apart again."""
    patient_id = number(request.form.get("patient_id", ""), "", INCOMPLETE)
    access.require_patient(host, actor, patient_id)
    separated.keep(host, actor, patient_id)
    flash(f"Record {patient_id} was kept on this panel.", "cpar")
    return _list(panel_id, state_of(request.form))


def _all_found(host: Host, actor: Actor, panel_id: int, form: MultiDict[str, str]) -> set[int]:
    """Everyone on the list as it is now. Raises Refused where they are not as many as the person has seen."""
    state = state_of(form)
    criteria = criteria_of(host, actor, state).first_page
    with host.database.engine.connect() as connection:
        ids = members.found(connection, host, actor, load(host.settings), panel_id, criteria)
    expected = number(form.get("expected", ""), "", INCOMPLETE)
    if len(ids) != expected:
        raise Refused(
            f"The list has changed: {len(ids):,} patients are found now, and {expected:,} when you selected them. "
            "Nothing was changed. Check the list, then press the button again."
        )
    return set(ids)


def _just_done(panel_id: int) -> int | None:
    """The operation that has led here. It is told once, so that Back and reload do not repeat it."""
    outcome = session.pop(_DONE, None)
    return outcome[1] if outcome and outcome[0] == panel_id else None


def _list(panel_id: int, state: Mapping[str, str], operation_id: int | None = None, **more: Any) -> ResponseReturnValue:
    """To the list, by its address, which then tells what was done."""
    if operation_id:
        session[_DONE] = [panel_id, operation_id]
    values = {field: text for field, text in state.items() if text} | more
    return redirect(url_for("cpar.panel", panel_id=panel_id, **values), HTTPStatus.SEE_OTHER)


def export_panel(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """All patients on the list, on whatever page, as a file for a spreadsheet."""
    state = state_of(request.args)
    criteria = criteria_of(host, actor, state).first_page
    with host.database.engine.connect() as connection:
        number_of_panel = editing.get(connection, host, panel_id).number
    today = host.clock.now().astimezone(host.clock.zone).date()
    return csv_download(
        host, actor, f"panel {number_of_panel} {today}", export(host, actor, load(host.settings), panel_id, criteria)
    )


def _page(
    host: Host,
    actor: Actor,
    panel_id: int,
    fields: MultiDict[str, str],
    *,
    selected_ids: Collection[int] = (),
    scope: str = "",
    messages: Mapping[str, str] | None = None,
    operation_id: int | None = None,
) -> ResponseReturnValue:
    state = state_of(fields)
    criteria = criteria_of(host, actor, state)
    if not criteria.mark:
        merges.catch_up_to_show(host)
    with host.database.engine.connect() as connection:
        panels = {panel.panel_id: panel for panel in editing.live_panels(connection, host)}
        if panel_id not in panels:
            raise NotFound("Panel not found. It may have been deleted.")
        listing = members.listing(connection, host, actor, load(host.settings), panel_id, criteria)
        separated_patients = [] if criteria.mark else separated.to_review(connection, host, actor, panel_id)
        latest_rates = rates.by_month(connection, panel_id, 1)
        settings = load(host.settings)
        covered = None
        if not criteria.mark and coverage.is_watched(host, settings):
            covered, _ = coverage_list.counts(connection, host, actor, settings, panel_id)
        providers = provider_choices(connection, host) if host.visits else []
        operation = history.of_selection(connection, host, panel_id, operation_id) if operation_id else None
    if state["show"] in _EXCLUSIONS and not g.cpar_clinic.exclusions_seen:
        clinic.exclusions_seen(host)
    panel = panels.pop(panel_id)
    return page(
        host,
        f"Panel {panel.number}",
        "panel_page.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        panel=panel,
        others=[other for other in panels.values() if other.state.takes_patients],
        states=PanelState,
        actions=SelectedAction,
        removal=g.cpar_clinic.removal,
        listing=listing,
        criteria=criteria,
        state=state,
        selected={member.row.patient_id for member in listing.members} if scope in (_ON_PAGE, _FOUND) else selected_ids,
        all_found=scope == _FOUND,
        advice=advice(host, listing.members),
        messages=messages or {},
        to_panel_id=fields.get("to_panel_id", ""),
        operation=operation,
        operation_text=texts.result_text(operation) if operation else "",
        separated=separated_patients,
        latest_rates=latest_rates[0] if latest_rates else None,
        covered=covered,
        coverage=Coverage,
        charts=charts,
        years=YEARS,
        providers=[(provider.provider_id, provider.name) for provider in providers],
        filter_fields=_FILTERS,
        letters=ascii_uppercase,
        ages=_AGES,
        hows=_HOW,
        **members_context(host, panel),
    )


def advice(host: Host, listed: Sequence[Listed]) -> Sequence[Wording]:
    """What to do about the reasons and cautions on a page: once for each, not once for each patient."""
    wordings: dict[Wording, None] = {}
    for member in listed:
        doubts: list[Reason | Caution] = [*member.reasons, *member.cautions]
        if member.merged_into:  # the row says so
            doubts = [doubt for doubt in doubts if doubt is not Reason.UNKNOWN_PATIENT]
        wordings |= dict.fromkeys(advice_for(host.roster, member.row, doubt) for doubt in doubts)
    return tuple(wordings)


def members_context(host: Host, panel: Panel) -> dict[str, Any]:
    """What the rows of members need besides the members."""
    return {
        "wording": wordings(host.roster),
        "wording_for": partial(wording_for, host.roster),
        "deceased": lambda row: kind_of(host.roster, row.status) is StatusKind.DECEASED,
        "reasons": Reason,
        "cautions": Caution,
        "provider_ids": {provider.provider_id for provider in panel.providers},
    }


def state_of(fields: MultiDict[str, str]) -> dict[str, str]:
    """What the list is narrowed and sorted by, and its place."""
    # The last of several: a button outside of the form comes after what the form keeps.
    return {field: fields.getlist(field)[-1] if field in fields else "" for field in _STATE}


def criteria_of(host: Host, actor: Actor, state: Mapping[str, str]) -> Criteria:
    """Raises Refused for what the page does not offer, and kept.Expired for a search that is no longer kept."""
    show, sort = state["show"], state["sort"] or Sort.NAME
    for field, choices in (
        ("show", ("", *SHOWN)),
        ("unconfirmed", ("", *YEARS)),
        ("unseen", ("", *YEARS)),
        ("mrp", ("", "outside")),
        ("from", ("", *ascii_uppercase)),
        ("to", ("", *ascii_uppercase)),
        ("age", ("", *_AGES)),
        ("how", ("", *_HOW)),
    ):
        if state[field] not in choices:
            raise Refused(_NO_SUCH_LIST)
    if sort.removeprefix("-") not in list(Sort) or (state["seen-by"] and not host.visits):
        raise Refused(_NO_SUCH_LIST)
    return Criteria(
        text=searches.text_of(host, actor, state[searches.PARAMETER]),
        fate=SHOWN[show] if show else None,
        unconfirmed_years=int(state["unconfirmed"]) if state["unconfirmed"] else None,
        unseen_years=int(state["unseen"]) if state["unseen"] else None,
        mrp_outside=bool(state["mrp"]),
        seen_by=state["seen-by"],
        surname_from=state["from"],
        surname_to=state["to"],
        age=_AGES.get(state["age"], ""),
        how=_HOW.get(state["how"]),
        sort=Sort(sort.removeprefix("-")),
        descending=sort.startswith("-"),
        after=number_or_none(state["after"], "", _NO_SUCH_LIST),
        before=number_or_none(state["before"], "", _NO_SUCH_LIST),
    )


ROUTES = (
    Route(f"/panels/<{ID}:panel_id>", panel, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"/panels/<{ID}:panel_id>/selected", selected_members, Needs.MANAGEMENT, ("POST",)),
    Route(f"/panels/<{ID}:panel_id>/answer", answer_of_member, Needs.MANAGEMENT, ("POST",)),
    Route(f"/panels/<{ID}:panel_id>/keep", keep_member, Needs.MANAGEMENT, ("POST",)),
    Route(f"/panels/<{ID}:panel_id>/export", export_panel, Needs.MANAGEMENT),
)
