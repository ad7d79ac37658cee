"""The lines of reports to work on, over all reports: the list, and what is done with those selected."""

from collections.abc import Collection, Mapping
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.exclusion_lines import LONGEST_NOTE, note_text
from ..domain.refusals import Refused
from ..domain.report_lines import IS_WORK, STATE_LABELS, ReportLineState, require_why, times_text
from ..domain.reports import KIND_LABELS, ReportKind, details_text
from ..hooks import Actor, Host
from ..services.reports import lines as service
from ..services.reports.lines import AT_ONCE, NO_ONE, ReportLineCriteria, SeenReportLine
from . import looks
from .inputs import INCOMPLETE, number, page_number
from .interrupted import shows_entries, to_check
from .rendering import page
from .serving import Needs, Route

CLOSED = "closed"
_FILTERS = ("kind", "state", "owner", "page")
_STATE_PREFIX = "state-"


@shows_entries
def report_lines(host: Host, actor: Actor) -> ResponseReturnValue:
    """One page of the list; changing the selected lines, then back to it."""
    if request.method == "GET":
        return _page(host, actor)
    selected = [_seen(text) for text in request.form.getlist("selected")]
    if messages := to_check():
        return _page(host, actor, selected, messages)
    try:
        if not selected:
            raise Refused("Select at least one line.")
        count = _carry_out(host, actor, selected)
    except Refused as refused:
        return _page(host, actor, selected, refused.messages)
    text = f"Changed: {count:,} {'line' if count == 1 else 'lines'}."
    if count < len(selected):
        text += f" Not changed, because someone else was faster or they are closed: {len(selected) - count:,}."
    flash(text, "cpar")
    place = {name: request.form[name] for name in _FILTERS if request.form.get(name)}
    return redirect(url_for("cpar.report_lines", **place), HTTPStatus.SEE_OTHER)  # type: ignore[arg-type]


def _carry_out(host: Host, actor: Actor, selected: Collection[SeenReportLine]) -> int:
    action, note = request.form.get("action", ""), note_text(request.form.get("note", ""))
    state = action.removeprefix(_STATE_PREFIX)
    if action.startswith(_STATE_PREFIX) and state in list(ReportLineState):
        require_why(ReportLineState(state), note)
        return service.set_state(host, actor, selected, ReportLineState(state), note)
    match action:
        case "take":
            return service.take(host, actor, selected)
        case "release":
            return service.release(host, actor, selected)
        case "note":
            return service.set_note(host, actor, selected, note)
        case _:
            raise Refused(INCOMPLETE)


def _seen(text: str) -> SeenReportLine:
    """A line with the version that the page showed: `12-1`."""
    line_id, _, version = text.partition("-")
    return SeenReportLine(number(line_id, "", INCOMPLETE), number(version, "", INCOMPLETE))


def _page(
    host: Host,
    actor: Actor,
    selected: Collection[SeenReportLine] = (),
    messages: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    filters = {name: request.values[name] for name in _FILTERS if request.values.get(name)}
    kind, state = filters.get("kind", ""), filters.get("state", "")
    if kind not in ("", *ReportKind) or state not in ("", CLOSED, *ReportLineState):
        raise Refused(INCOMPLETE)
    criteria = ReportLineCriteria(
        kind=ReportKind(kind) if kind else None,
        state=ReportLineState(state) if state and state != CLOSED else None,
        owner_id=filters.get("owner"),
        closed=state == CLOSED,
    )
    place = page_number(filters.get("page", ""))
    found = service.show(host, actor, criteria, (place - 1) * AT_ONCE)
    looks.note(None)  # lines may be about people who are in no record
    return page(
        host,
        "Lines of reports",
        "report_lines.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.OK,
        messages=messages or {},
        listing=found,
        filters=filters,
        closed_filter=CLOSED,
        no_one=NO_ONE,
        actor_id=actor.actor_id,
        kinds={kind: label for kind, label in KIND_LABELS.items() if IS_WORK[kind]},
        states=STATE_LABELS,
        open_state=ReportLineState.OPEN,
        selected={line.line_id for line in selected},
        note=request.form.get("note", ""),
        longest_note=LONGEST_NOTE,
        details_text=details_text,
        times_text=times_text,
        place=place,
        pages=max(-(-found.matching // AT_ONCE), 1),
    )


ROUTES = (Route("/reports/lines", report_lines, Needs.MANAGEMENT, ("GET", "POST")),)
