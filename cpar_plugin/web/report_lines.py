"""The lines of reports to work on, over all reports: the list, and what is done with those selected."""

from collections.abc import Collection, Mapping
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.exclusion_lines import LONGEST_NOTE, note_text
from ..domain.refusals import Refused
from ..domain.report_lines import IS_WORK, STATE_LABELS, ReportLineState, times_text
from ..domain.reports import KIND_LABELS, ReportKind, details_text
from ..hooks import Actor, Host
from ..services.reports import lines as service
from ..services.reports import working
from ..services.reports.lines import AT_ONCE, ReportLineCriteria
from ..services.work_lines.changes import NO_ONE, LineAction, LineChange, LinesChanged, SeenLine
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
        change = _change(request.form.get("action", ""), note_text(request.form.get("note", "")))
        if not selected:
            raise Refused("Select at least one line.")
        result = working.change_selected(host, actor, selected, change)
    except Refused as refused:
        return _page(host, actor, selected, refused.messages)
    if result.changed:
        flash(f"Changed: {result.changed:,} {'line' if result.changed == 1 else 'lines'}.", "cpar")
    if result.conflicts or not result.changed:
        return _page(host, actor, unchanged=result)
    place = {name: request.form[name] for name in _FILTERS if request.form.get(name)}
    return redirect(url_for("cpar.report_lines", **place), HTTPStatus.SEE_OTHER)  # type: ignore[arg-type]


def _change(action: str, note: str) -> LineChange:
    state = action.removeprefix(_STATE_PREFIX)
    if action.startswith(_STATE_PREFIX) and state in list(ReportLineState):
        return working.to_state(ReportLineState(state), note)
    if action not in (LineAction.TAKE, LineAction.RELEASE, LineAction.NOTE):
        raise Refused(INCOMPLETE)
    return LineChange(LineAction(action), note=note)


def _seen(text: str) -> SeenLine:
    """A line with the version that the page showed: `12-1`."""
    line_id, _, version = text.partition("-")
    return SeenLine((number(line_id, "", INCOMPLETE),), number(version, "", INCOMPLETE))


def _page(
    host: Host,
    actor: Actor,
    selected: Collection[SeenLine] = (),
    messages: Mapping[str, str] | None = None,
    unchanged: LinesChanged | None = None,
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
        HTTPStatus.UNPROCESSABLE_ENTITY if messages else HTTPStatus.CONFLICT if unchanged else HTTPStatus.OK,
        messages=messages or {},
        unchanged=unchanged,
        listing=found,
        filters=filters,
        closed_filter=CLOSED,
        no_one=NO_ONE,
        actor_id=actor.actor_id,
        kinds={kind: label for kind, label in KIND_LABELS.items() if IS_WORK[kind]},
        states=STATE_LABELS,
        conflict=ReportKind.CONFLICT,
        open_state=ReportLineState.OPEN,
        selected={line.key[0] for line in selected},
        note=request.form.get("note", ""),
        longest_note=LONGEST_NOTE,
        details_text=details_text,
        times_text=times_text,
        place=place,
        pages=max(-(-found.matching // AT_ONCE), 1),
    )


ROUTES = (Route("/reports/lines", report_lines, Needs.MANAGEMENT, ("GET", "POST")),)
