"""Everyone who will be excluded from the next submission, over all panels: the list, on paper, and as a CSV file.

What it is narrowed by is no patient data, and stands in the address.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ..domain.exclusion_lines import CLOSING_LABELS, LONGEST_NOTE, STATE_LABELS, LineState
from ..domain.reasons import Reason
from ..domain.refusals import Refused
from ..domain.wording import wording_for, wordings
from ..hooks import Actor, Host
from ..services.exclusions import line_history
from ..services.exclusions import listing as service
from ..services.exclusions.csv_export import export
from ..services.exclusions.lines_query import LineCriteria, LineKey, LineSort
from ..services.operations import clinic
from ..services.panels import listing as panels
from ..services.work_lines import people
from ..services.work_lines.changes import NO_ONE, LineConflict
from ..settings import load
from . import looks
from .downloads import csv_download
from .inputs import number, number_or_none
from .rendering import long_page, page
from .serving import ID, Needs, Route

CLOSED = "closed"
FILTERS = ("panel", "mrp", "reason", "owner", "state", "sort")
_PLACE = ("after", "before")
PRINTED_AT_ONCE = 500  # lines
NO_SUCH_LIST = "List of exclusions not found. Start from the Exclusions tab."


def exclusions(host: Host, actor: Actor) -> ResponseReturnValue:
    """One page of the list."""
    return exclusions_page(host, actor, request.args)


def print_exclusions(host: Host, actor: Actor) -> ResponseReturnValue:
    """The whole list on paper, whatever page of it was open."""
    criteria = criteria_of(request.args).first_page
    settings = load(host.settings)
    listing = service.show(host, actor, settings, criteria, PRINTED_AT_ONCE)
    context = _context(host, actor, criteria, request.args)
    return long_page(
        host,
        actor,
        "Exclusions",
        "exclusions_print.html",
        None,
        listing=listing,
        lines=service.lines_from(host, actor, settings, criteria, listing),
        narrowed=tuple(_filters(criteria, listing, context["panels"])),
        now=host.clock.now(),
        **context,
    )


def exclusion_history(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """What happened to the exclusions of one patient; changes can be undone from here."""
    found = line_history.history_of(host, actor, patient_id)
    looks.note(patient_id)
    return page(host, "History of exclusions", "exclusion_history.html", history=found, wording=wordings(host.roster))


def export_exclusions(host: Host, actor: Actor) -> ResponseReturnValue:
    """The same as a file for a spreadsheet."""
    today = host.clock.now().astimezone(host.clock.zone).date()
    return csv_download(host, actor, f"exclusions {today}", export(host, actor, criteria_of(request.args)))


def exclusions_page(
    host: Host,
    actor: Actor,
    fields: MultiDict[str, str],
    *,
    selected: Collection[LineKey] = (),
    select_all: bool = False,
    messages: Mapping[str, str] | None = None,
    conflicts: Collection[LineConflict] = (),
    unchanged: bool = False,
    status: int = HTTPStatus.OK,
) -> ResponseReturnValue:
    """The list as the fields narrow it. `conflicts` are lines that someone else has changed first, `unchanged` says
    that no line was changed."""
    criteria = criteria_of(fields)
    listing = service.show(host, actor, load(host.settings), criteria)
    changed = number_or_none(fields.get("changed", ""), "", NO_SUCH_LIST)
    with host.database.engine.connect() as connection:
        assignable = people.people(connection, host)
        undoable = line_history.lines_of(connection, actor, changed) if changed is not None else 0
    if not g.cpar_clinic.exclusions_seen:
        clinic.exclusions_seen(host)
    return page(
        host,
        "Exclusions",
        "exclusions.html",
        status,
        listing=listing,
        selected={line.key for line in listing.lines} if select_all else selected,
        messages=messages or {},
        conflicts=conflicts,
        unchanged=unchanged,
        longest_note=LONGEST_NOTE,
        people=assignable,
        assignee=fields.get("assignee", ""),
        changed=changed,
        undoable=undoable,
        note=fields.get("note", "") if messages or select_all else "",
        all_found=bool(fields.get("all")) and bool(messages),
        **_context(host, actor, criteria, fields),
    )


def _context(host: Host, actor: Actor, criteria: LineCriteria, fields: MultiDict[str, str]) -> dict[str, Any]:
    with host.database.engine.connect() as connection:
        live_panels = panels.live_panels(connection, host)
    filters = filters_of(fields)
    return {
        "criteria": criteria,
        "filters": filters,
        "place": {field: fields[field] for field in _PLACE if fields.get(field)},
        "narrowed_to": partial(_narrowed_to, filters),
        "panels": live_panels,
        "actor_id": actor.actor_id,
        "no_one": NO_ONE,
        "closed_filter": CLOSED,
        "reasons": Reason,
        "states": LineState,
        "sorts": LineSort,
        "state_labels": STATE_LABELS,
        "closing_labels": CLOSING_LABELS,
        "wording": wordings(host.roster),
        "wording_for": partial(wording_for, host.roster),
    }


def _narrowed_to(filters: Mapping[str, str], **changes: str) -> str:
    """The address of the list from its beginning, with some filters changed; an empty one is removed."""
    values = {name: text for name, text in {**filters, **changes}.items() if text}
    return url_for("cpar.exclusions", **values)  # type: ignore[arg-type]


def filters_of(fields: MultiDict[str, str]) -> dict[str, str]:
    """What the list is narrowed and sorted by."""
    return {field: fields[field] for field in FILTERS if fields.get(field)}


def line_key(text: str) -> LineKey:
    """A line as forms and addresses name it: `123-no-phn`. Raises Refused for anything else."""
    patient, _, reason = text.partition("-")
    if reason not in list(Reason):
        raise Refused(NO_SUCH_LIST)
    return LineKey(number(patient, "", NO_SUCH_LIST), Reason(reason))


def criteria_of(fields: MultiDict[str, str]) -> LineCriteria:
    """Raises Refused for what the page does not offer."""
    filters = filters_of(fields)
    reason, state, sort = (filters.get(name, "") for name in ("reason", "state", "sort"))
    sort = sort or LineSort.NAME
    for text, choices in (
        (reason, ("", *Reason)),
        (state, ("", CLOSED, *LineState)),
        (sort.removeprefix("-"), tuple(LineSort)),
    ):
        if text not in choices:
            raise Refused(NO_SUCH_LIST)
    after, before = (fields.get(name, "") for name in _PLACE)
    return LineCriteria(
        panel_id=number_or_none(filters.get("panel", ""), "", NO_SUCH_LIST),
        mrp_id=filters.get("mrp"),
        reason=Reason(reason) if reason else None,
        owner_id=filters.get("owner"),
        state=LineState(state) if state and state != CLOSED else None,
        closed=state == CLOSED,
        sort=LineSort(sort.removeprefix("-")),
        descending=sort.startswith("-"),
        after=line_key(after) if after else None,
        before=line_key(before) if before else None,
    )


def _filters(
    criteria: LineCriteria, listing: service.LineListing, live_panels: Collection[panels.Panel]
) -> Iterator[str]:
    """What the list was narrowed by, in words."""
    yield from (f"panel {panel.label}" for panel in live_panels if panel.panel_id == criteria.panel_id)
    if criteria.mrp_id:
        yield f"MRP {listing.mrps.get(criteria.mrp_id, criteria.mrp_id)}"
    if criteria.reason:
        yield f"reason: {criteria.reason.label}"
    if criteria.owner_id:
        owner = listing.owners.get(criteria.owner_id, criteria.owner_id)
        yield "taken by no one" if criteria.owner_id == NO_ONE else f"taken by {owner}"
    if criteria.state:
        yield f"state: {STATE_LABELS[criteria.state]}"
    if criteria.closed:
        yield "closed exclusions"


ROUTES = (
    Route("/exclusions", exclusions, Needs.MANAGEMENT),
    Route(f"/exclusions/patients/<{ID}:patient_id>", exclusion_history, Needs.MANAGEMENT),
    Route("/exclusions/print", print_exclusions, Needs.MANAGEMENT),
    Route("/exclusions/export", export_exclusions, Needs.MANAGEMENT),
)
