"""A provider leaves: one page with the steps in their order, each of which is stored when its button is pressed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.departure import LETTERS
from ..domain.departure_texts import DepartureField, RegistryTask
from ..domain.panel_state import PanelState
from ..domain.refusals import NotFound, Refused, Stale
from ..hooks import Actor, Host
from ..services import bulk
from ..services.bulk import SkipReason, skipped, texts, undo
from ..services.departures import lists, people, plan, steps
from ..services.departures.steps import Departure
from ..services.operations import access
from ..services.panels import listing
from ..services.panels.listing import provider_choices
from . import departure_rules
from .bulk import form_key_of, say_if_other
from .downloads import csv_download
from .inputs import INCOMPLETE, day, number, number_or_none
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import ID, Needs, Route


@shows_entries
def departure(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The steps as they are, and what becomes of one of them."""
    access.require_configured(host)
    if request.method == "GET":
        return _page(host, actor, panel_id)
    step = _STEPS.get(request.form.get("step", ""))
    if step is None:
        raise Refused(INCOMPLETE)
    try:
        check_entries()
        step(host, actor, panel_id)
    except NotFound:
        raise
    except Refused as refused:
        status = HTTPStatus.CONFLICT if isinstance(refused, Stale) else HTTPStatus.UNPROCESSABLE_ENTITY
        return _page(host, actor, panel_id, status, refused.messages)
    name = request.form["step"]
    anchor = f"cpar-step-{name}" if name not in ("cancel", "end") else None
    return redirect(url_for("cpar.departure", panel_id=panel_id, _anchor=anchor), HTTPStatus.SEE_OTHER)


def _version() -> int:
    return number(request.form.get("version", ""), "", INCOMPLETE)


def _date(host: Host, actor: Actor, panel_id: int) -> None:
    messages: dict[str, str] = {}
    leaves_on = day(request.form.get("leaves_on", ""), "leaves_on", messages)
    if messages:
        raise Refused(messages)
    version = number_or_none(request.form.get("version", ""), "", INCOMPLETE)
    steps.save_date(host, actor, panel_id, version, leaves_on, request.form.get("administrator_id", ""))


def _freeze(host: Host, actor: Actor, panel_id: int) -> None:
    steps.freeze(host, actor, panel_id, _version())


def _split(host: Host, actor: Actor, panel_id: int) -> None:
    split = departure_rules.entered(host, panel_id)
    found = plan.plan(host, actor, panel_id, _version(), split)
    who = "1 patient goes" if found == 1 else f"{found:,} patients go"
    flash(f"{who} to panels of colleagues by these rules. No one was moved.", "cpar")


def _move(host: Host, actor: Actor, panel_id: int) -> None:
    with host.database.engine.connect() as connection:
        found = steps.required(connection, panel_id)
    order = replace(plan.order_of(found), version=_version())
    result = bulk.carry_out(host, actor, order, form_key_of(request.form))
    if result.operation_id is None:
        flash("No patients were left to move. Nothing was done.", "cpar")
    else:
        say_if_other(request.form, result)


def _undo(host: Host, actor: Actor, panel_id: int) -> None:
    with host.database.engine.connect() as connection:
        found = steps.required(connection, panel_id)
        move = steps.last_move(connection, found)
    if move is None or move.operation_id != number(request.form.get("operation_id", ""), "", INCOMPLETE):
        raise Stale("This move is not the last one: reload the page.")
    done = undo.undo(host, actor, move.operation_id)
    on_lists = f", and {done.on_lists:,} on affiliations and caseloads" if done.on_lists else ""
    flash(f"Undone: {done.restored:,} {'patient' if done.restored == 1 else 'patients'} restored{on_lists}.", "cpar")


def _letter(host: Host, actor: Actor, panel_id: int) -> None:
    steps.save_letter(host, actor, panel_id, _version(), request.form.get("letter_text", ""))
    flash("The letter was saved.", "cpar")


def _registry(host: Host, actor: Actor, panel_id: int) -> None:
    tasks = [task for task in RegistryTask if task.value in request.form.getlist("done")]
    steps.save_tasks(host, actor, panel_id, _version(), tasks)


def _cancel(host: Host, actor: Actor, panel_id: int) -> None:
    steps.cancel(host, actor, panel_id, _version())
    flash("The departure was cancelled. The panel is active again.", "cpar")


def _end(host: Host, actor: Actor, panel_id: int) -> None:
    with host.database.engine.connect() as connection:
        left = steps.active_members(connection, host, panel_id)
    if left and request.form.get("left", "") != str(left):
        still = "1 active patient is" if left == 1 else f"{left:,} active patients are"
        raise Refused({"left": f"{still} still on the panel. Select the box to end it all the same."})
    steps.end(host, actor, panel_id, _version())
    flash("The panel has ended.", "cpar")


_STEPS: Final[Mapping[str, Callable[[Host, Actor, int], None]]] = {
    "date": _date,
    "freeze": _freeze,
    "split": _split,
    "move": _move,
    "undo": _undo,
    "letter": _letter,
    "registry": _registry,
    "cancel": _cancel,
    "end": _end,
}


def _page(
    host: Host,
    actor: Actor,
    panel_id: int,
    status: HTTPStatus = HTTPStatus.OK,
    messages: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        panels = listing.live_panels(connection, host)
        panel = next((one for one in panels if one.panel_id == panel_id), None)
        if panel is None:
            raise NotFound(listing.NO_SUCH_PANEL)
        if panel.state is PanelState.ENDED:
            own = lists.of_provider(connection, host, panel_id)
            title = f"Panel {panel.number}: its provider leaves"
            return page(host, title, "departure_ended.html", status, panel=panel, lists=own)
        found = steps.current(connection, panel_id)
        move = steps.last_move(connection, found) if found else None
        shares = people.shares(connection, host, actor, found, move) if found else []
        own = lists.of_provider(connection, host, panel_id)
        open_lists = lists.open_lists(connection, host, own)
        list_rows: list[departure_rules.LeavingList] = []
        if found:
            if move and not move.undone:
                moves = lists.done_moves(connection, host, actor, move.operation_id)
            else:
                moves = lists.planned_moves(connection, host, actor, plan.order_of(found))
            list_rows = departure_rules.list_rows(connection, host, actor, found, own, moves)
        choices = provider_choices(connection, host)
        left = steps.active_members(connection, host, panel_id)
    moved = move is not None and not move.undone
    preview = _previewed(host, actor, found) if found and found.split and not moved else None
    rows: list[departure_rules.SplitRow] = []
    if found:
        entered = request.form.get("step") == "split" and messages
        others = departure_rules.targets_of(panels, panel_id)
        rows = departure_rules.rows_of(found, others, open_lists)
        if entered:
            rows = departure_rules.rows_of_form(host, panel_id)
    return page(
        host,
        f"Panel {panel.number}: its provider leaves",
        "departure.html",
        status,
        panel=panel,
        found=found,
        move=move,
        moved=moved,
        shares=shares,
        labels={one.panel_id: one.label for one in panels},
        rows=rows,
        own=own,
        list_rows=list_rows,
        on_lists=sum(count for row in list_rows for _, count in row.moves),
        open_lists=lists.by_kind(open_lists, own),
        letters=LETTERS,
        providers=[(choice.provider_id, choice.name) for choice in choices if choice.active],
        preview=preview,
        skipped=_not_moved(preview) if preview else (),
        form_key=uuid4().hex,
        left=left,
        tasks=RegistryTask,
        fields=[f"{{{field}}}" for field in DepartureField],
        knows_visits=host.visits is not None,
        knows_homes=host.homes is not None,
        frozen=panel.state is PanelState.IN_TRANSITION,
        messages=messages or {},
        entered=request.form,
    )


def _previewed(host: Host, actor: Actor, found: Departure) -> bulk.Preview | None:
    """None where a panel that patients would go to takes no one by now: the rules have to be entered again."""
    try:
        return bulk.preview(host, actor, plan.order_of(found))
    except Refused:
        return None


def _not_moved(preview: bulk.Preview) -> list[tuple[int, str]]:
    return [
        (count, texts.skip_notice(reason, count))
        for reason in reversed(SkipReason)
        if (count := preview.skipped[reason])
    ]


def departure_not_moved(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The patients that the move would not change, with the reasons, as a file for a spreadsheet."""
    with host.database.engine.connect() as connection:
        found = steps.required(connection, panel_id)
    rows = skipped.export_preview(host, actor, plan.order_of(found))
    return csv_download(host, actor, f"departure of panel {panel_id} not moved", rows)


ROUTES = (
    Route(f"/panels/<{ID}:panel_id>/departure", departure, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"/panels/<{ID}:panel_id>/departure/not-moved", departure_not_moved, Needs.MANAGEMENT),
)
