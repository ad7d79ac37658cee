"""The lines of reports to work on, over all reports: the list, on paper, and as a CSV file.

What it is narrowed by is no patient data, and stands in the address.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ..domain.exclusion_lines import LONGEST_NOTE
from ..domain.refusals import Refused
from ..domain.report_lines import IS_WORK, SET_BY_PEOPLE, STATE_LABELS, ReportLineState, overdue_before, times_text
from ..domain.reports import KIND_LABELS, ReportKind, compared_text
from ..hooks import Actor, Host
from ..services.panels import listing as panels
from ..services.reports import comparing, line_history
from ..services.reports import lines as service
from ..services.reports.lines import AT_ONCE
from ..services.reports.lines_csv import export
from ..services.reports.lines_query import LinesShown, ReportLineCriteria, ReportLineSort
from ..services.roster.providers import actor_names
from ..services.work_lines import people
from ..services.work_lines.changes import NO_ONE, LineConflict
from ..settings import load
from . import looks
from .downloads import csv_download
from .inputs import INCOMPLETE, number_or_none, page_number
from .rendering import long_page, page
from .serving import Needs, Route

TITLE: Final = "Lines of reports"
OVERDUE: Final = "overdue"
FILTERS: Final = ("kind", "panel", "mrp", "owner", "state", "due", "sort")
_SHOWN_LABELS: Final = {LinesShown.NOT_CLOSED: "All but closed", LinesShown.CLOSED: "Closed"}


def report_lines(host: Host, actor: Actor) -> ResponseReturnValue:
    """One page of the list."""
    return lines_page(host, actor, request.args)


def print_report_lines(host: Host, actor: Actor) -> ResponseReturnValue:
    """The whole list on paper, whatever page of it was open."""
    criteria, settings = criteria_of(host, request.args), load(host.settings)
    comparing.compare_to_show(host)
    connection = host.database.engine.connect()
    try:
        lines = service.every_line(connection, host, actor, settings, criteria)
        narrowed = tuple(_filters(host, criteria))
        return long_page(
            host,
            actor,
            TITLE,
            "report_lines_print.html",
            connection,
            lines=lines,
            narrowed=narrowed,
            now=host.clock.now(),
            clinic_name=g.cpar_clinic.name,
            back=narrowed_to(filters_of(request.args)),
            **_words(),
        )
    except BaseException:
        connection.close()
        raise


def export_report_lines(host: Host, actor: Actor) -> ResponseReturnValue:
    """The same as a file for a spreadsheet."""
    today = host.clock.now().astimezone(host.clock.zone).date()
    comparing.compare_to_show(host)
    rows = export(host, actor, load(host.settings), criteria_of(host, request.args))
    return csv_download(host, actor, f"lines of reports {today}", rows)


def lines_page(
    host: Host,
    actor: Actor,
    fields: MultiDict[str, str],
    *,
    selected: Collection[int] = (),
    select_all: bool = False,
    messages: Mapping[str, str] | None = None,
    conflicts: Collection[LineConflict] = (),
    unchanged: bool = False,
    status: int = HTTPStatus.OK,
) -> ResponseReturnValue:
    """The list as the fields narrow it. `conflicts` are lines that someone else has changed first, `unchanged` says
    that no line was changed."""
    criteria, filters, settings = criteria_of(host, fields), filters_of(fields), load(host.settings)
    place = page_number(fields.get("page", ""))
    comparing.compare_to_show(host)
    found = service.show(host, actor, settings, criteria, (place - 1) * AT_ONCE)
    changed = number_or_none(fields.get("changed", ""), "", INCOMPLETE)
    with host.database.engine.connect() as connection:
        live_panels = panels.live_panels(connection, host)
        assignable = people.people(connection, host)
        undoable = line_history.lines_of(connection, actor, changed) if changed is not None else 0
    looks.note(None)  # lines may be about people who are in no record
    return page(
        host,
        TITLE,
        "report_lines.html",
        status,
        messages=messages or {},
        conflicts=conflicts,
        unchanged=unchanged,
        listing=found,
        criteria=criteria,
        filters=filters,
        narrowed_to=partial(narrowed_to, filters),
        panels=live_panels,
        people=assignable,
        assignee=fields.get("assignee", ""),
        changed=changed,
        undoable=undoable,
        actor_id=actor.actor_id,
        selected={line.line_id for line in found.lines} if select_all else selected,
        note=fields.get("note", "") if messages or select_all else "",
        all_found=bool(fields.get("all")) and bool(messages),
        longest_note=LONGEST_NOTE,
        due_days=settings.report_due_days,
        place=place,
        pages=max(-(-found.matching // AT_ONCE), 1),
        **_words(),
    )


def _words() -> dict[str, Any]:
    return {
        "no_one": NO_ONE,
        "overdue": OVERDUE,
        "kinds": {kind: label for kind, label in KIND_LABELS.items() if IS_WORK[kind]},
        "conflict": ReportKind.CONFLICT,
        "states": STATE_LABELS,
        "settable": SET_BY_PEOPLE,
        "shown_labels": _SHOWN_LABELS,
        "sorts": ReportLineSort,
        "compared_text": compared_text,
        "times_text": times_text,
    }


def narrowed_to(filters: Mapping[str, str], **changes: str | int) -> str:
    """The address of the list from its beginning, with some filters changed; an empty one is removed."""
    values = {name: text for name, text in {**filters, **changes}.items() if text}
    return url_for("cpar.report_lines", **values)  # type: ignore[arg-type]


def filters_of(fields: MultiDict[str, str]) -> dict[str, str]:
    """What the list is narrowed and sorted by."""
    return {name: fields[name] for name in FILTERS if fields.get(name)}


def criteria_of(host: Host, fields: MultiDict[str, str]) -> ReportLineCriteria:
    """Raises Refused for what the page does not offer."""
    filters = filters_of(fields)
    kind, state, due, sort = (filters.get(name, "") for name in ("kind", "state", "due", "sort"))
    sort = sort or ReportLineSort.AGE
    for text, choices in (
        (kind, ("", *ReportKind)),
        (state, (*LinesShown, *ReportLineState)),
        (due, ("", OVERDUE)),
        (sort.removeprefix("-"), tuple(ReportLineSort)),
    ):
        if text not in choices:
            raise Refused(INCOMPLETE)
    is_state = state in list(ReportLineState)
    days = load(host.settings).report_due_days
    return ReportLineCriteria(
        kind=ReportKind(kind) if kind else None,
        panel_id=number_or_none(filters.get("panel", ""), "", INCOMPLETE),
        mrp_id=filters.get("mrp"),
        owner_id=filters.get("owner"),
        state=ReportLineState(state) if is_state else None,
        shown=LinesShown.TO_DO if is_state else LinesShown(state),
        opened_before=overdue_before(host.clock.now(), days, host.clock.zone) if due else None,
        sort=ReportLineSort(sort.removeprefix("-")),
        descending=sort.startswith("-"),
    )


def _filters(host: Host, criteria: ReportLineCriteria) -> Iterator[str]:
    """What the list was narrowed by, in words."""
    owner_id = criteria.owner_id if criteria.owner_id != NO_ONE else None
    with host.database.engine.connect() as connection:
        names = actor_names(connection, host, {person for person in (owner_id, criteria.mrp_id) if person})
        live_panels = panels.live_panels(connection, host)
    if criteria.kind:
        yield KIND_LABELS[criteria.kind]
    yield from (f"panel {panel.label}" for panel in live_panels if panel.panel_id == criteria.panel_id)
    if criteria.mrp_id:
        yield f"MRP {names[criteria.mrp_id]}"
    if criteria.owner_id:
        yield f"taken by {names[owner_id] if owner_id else 'no one'}"
    if criteria.state:
        yield f"state: {STATE_LABELS[criteria.state]}"
    elif criteria.shown in _SHOWN_LABELS:
        yield _SHOWN_LABELS[criteria.shown].lower()
    if criteria.opened_before:
        yield "overdue"


ROUTES = (
    Route("/reports/lines", report_lines, Needs.MANAGEMENT),
    Route("/reports/lines/print", print_report_lines, Needs.MANAGEMENT),
    Route("/reports/lines/export", export_report_lines, Needs.MANAGEMENT),
)
