"""Coverage of the members of a panel, or of all: sorted by date, with the next appointment, on paper, and as a file."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from ..domain.coverage import LABELS, Coverage, CoverageUse, coverage_day
from ..domain.dates import date_text
from ..domain.refusals import NotFound, Refused
from ..domain.texts import readable
from ..hooks import Actor, Host
from ..services.panels import coverage_csv, listing
from ..services.panels import coverage_list as service
from ..services.panels.coverage_list import AT_ONCE, LISTED, CoverageCriteria, CoverageSort
from ..services.roster import coverage as watch
from ..services.roster import merges
from ..settings import Settings, load
from . import searches
from .downloads import csv_download
from .inputs import page_number
from .rendering import long_page, page
from .serving import ID, Needs, Route

_STATE = (searches.PARAMETER, "show", "sort")
_NO_SUCH_LIST = "List of coverage not found. Start from the Panels tab."


def coverage(host: Host, actor: Actor) -> ResponseReturnValue:
    """The members of all panels."""
    return _page(host, actor, None)


def print_coverage(host: Host, actor: Actor) -> ResponseReturnValue:
    """The same on paper."""
    return _print(host, actor, None)


def export_coverage(host: Host, actor: Actor) -> ResponseReturnValue:
    """The same as a file for a spreadsheet."""
    return _export(host, actor, None)


def panel_coverage(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The members of one panel."""
    return _page(host, actor, panel_id)


def print_panel_coverage(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The same on paper."""
    return _print(host, actor, panel_id)


def export_panel_coverage(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The same as a file for a spreadsheet."""
    return _export(host, actor, panel_id)


def _page(host: Host, actor: Actor, panel_id: int | None) -> ResponseReturnValue:
    """One page of the list. The search text is posted, so that it is in no address."""
    settings = _watched(host)
    if request.method == "POST":
        token = searches.keep(host, actor, request.form.get("text", ""))
        return redirect(
            _address(panel_id, "", _state(request.form) | {searches.PARAMETER: token}), HTTPStatus.SEE_OTHER
        )
    state = _state(request.args)
    criteria, place = _criteria(host, actor, state, panel_id), page_number(request.args.get("page", ""))
    merges.catch_up_to_show(host)
    with host.database.engine.connect() as connection:
        panel = listing.get(connection, host, panel_id) if panel_id else None
        shown = service.show(connection, host, actor, settings, criteria, (place - 1) * AT_ONCE)
    pages = max(-(-shown.matching // AT_ONCE), 1)

    def narrowed_to(number: int = 1, **changes: str) -> str:
        return _address(panel_id, "", state | changes, number)

    return page(
        host,
        _title(panel),
        "coverage.html",
        listing=shown,
        place=place,
        pages=pages,
        narrowed_to=narrowed_to,
        state={field: text for field, text in state.items() if text},
        here=_address(panel_id, "", {}),
        export_href=_address(panel_id, "export", state),
        print_href=_address(panel_id, "print", state),
        **_context(host, settings, criteria, panel),
    )


def _print(host: Host, actor: Actor, panel_id: int | None) -> ResponseReturnValue:
    settings, state = _watched(host), _state(request.args)
    criteria = _criteria(host, actor, state, panel_id)
    merges.catch_up_to_show(host)
    connection = host.database.engine.connect()
    try:
        panel = listing.get(connection, host, panel_id) if panel_id else None
        return long_page(
            host,
            actor,
            _title(panel),
            "coverage_print.html",
            connection,
            rows=service.everyone_found(connection, host, actor, settings, criteria),
            now=host.clock.now(),
            clinic_name=g.cpar_clinic.name,
            back=_address(panel_id, "", state),
            **_context(host, settings, criteria, panel),
        )
    except BaseException:
        connection.close()
        raise


def _export(host: Host, actor: Actor, panel_id: int | None) -> Response:
    settings = _watched(host)
    criteria = _criteria(host, actor, _state(request.args), panel_id)
    merges.catch_up_to_show(host)
    connection = host.database.engine.connect()
    try:
        of_panel = f" panel {listing.live_number(connection, panel_id)}" if panel_id else ""
        today = host.clock.now().astimezone(host.clock.zone).date()
        rows = coverage_csv.export(service.everyone_found(connection, host, actor, settings, criteria))
        response = csv_download(host, actor, f"coverage{of_panel} {today}", rows)
    except BaseException:
        connection.close()
        raise
    response.call_on_close(connection.close)
    return response


def _watched(host: Host) -> Settings:
    """Raises NotFound where nothing is said about coverage."""
    settings = load(host.settings)
    if settings.coverage is CoverageUse.OFF:
        raise NotFound("Coverage is turned off here: the setting is coverage.")
    if not watch.is_watched(host, settings):
        raise NotFound("This EMR keeps no dates of coverage.")
    return settings


def _title(panel: listing.Panel | None) -> str:
    return f"Coverage, panel {panel.number}" if panel else "Coverage"


def _state(fields: MultiDict[str, str]) -> dict[str, str]:
    """What the list is narrowed and sorted by. Raises Refused for what the page does not offer."""
    state = {field: fields.getlist(field)[-1] if field in fields else "" for field in _STATE}
    if state["show"] not in ("", *Coverage) or state["sort"].removeprefix("-") not in ("", *CoverageSort):
        raise Refused(_NO_SUCH_LIST)
    return state


def _criteria(host: Host, actor: Actor, state: Mapping[str, str], panel_id: int | None) -> CoverageCriteria:
    return CoverageCriteria(
        panel_id,
        Coverage(state["show"]) if state["show"] else None,
        searches.text_of(host, actor, state[searches.PARAMETER]),
        CoverageSort(state["sort"].removeprefix("-") or CoverageSort.DATE),
        state["sort"].startswith("-"),
    )


def _address(panel_id: int | None, verb: str, state: Mapping[str, str], number: int = 1) -> str:
    values: dict[str, Any] = {field: text for field, text in state.items() if text}
    if number > 1:
        values["page"] = number
    endpoint = "panel_coverage" if panel_id else "coverage"
    if panel_id:
        values["panel_id"] = panel_id
    return url_for(f"cpar.{verb}_{endpoint}" if verb else f"cpar.{endpoint}", **values)


def _context(host: Host, settings: Settings, criteria: CoverageCriteria, panel: listing.Panel | None) -> dict[str, Any]:
    return {
        "criteria": criteria,
        "panel": panel,
        "labels": LABELS,
        "listed": LISTED,
        "states": Coverage,
        "sorts": CoverageSort,
        "within_days": settings.coverage_ends_within_days,
        "excludes": settings.coverage is CoverageUse.EXCLUDE,
        "has_schedule": host.schedule is not None,
        "has_start": "coverage_start" in host.roster.patients().c,
        "has_version": "card_version" in host.roster.patients().c,
        "day_text": _day_text,
    }


def _day_text(text: str | None) -> str:
    """A day of coverage, or what the EMR has in its place."""
    day = coverage_day(text)
    return date_text(day) if day else readable(text or "") or "-"


ROUTES = (
    Route("/coverage", coverage, Needs.MANAGEMENT, ("GET", "POST")),
    Route("/coverage/print", print_coverage, Needs.MANAGEMENT),
    Route("/coverage/export", export_coverage, Needs.MANAGEMENT),
    Route(f"/panels/<{ID}:panel_id>/coverage", panel_coverage, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"/panels/<{ID}:panel_id>/coverage/print", print_panel_coverage, Needs.MANAGEMENT),
    Route(f"/panels/<{ID}:panel_id>/coverage/export", export_panel_coverage, Needs.MANAGEMENT),
)
