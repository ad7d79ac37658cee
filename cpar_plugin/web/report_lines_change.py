"""Working on the lines of reports: take, assign, release, set how far they are, note something, and undo that.

Then back to the list as it was.
"""

from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.exclusion_lines import note_text
from ..domain.refusals import Refused
from ..domain.report_lines import SET_BY_PEOPLE, ReportLineState
from ..hooks import Actor, Host
from ..services.reports import working
from ..services.work_lines import people
from ..services.work_lines.changes import LineAction, LineChange, SeenLine
from .inputs import INCOMPLETE, number
from .interrupted import check_entries, shows_entries
from .report_lines import criteria_of, filters_of, lines_page
from .serving import Needs, Route

_SELECT_ALL, _STATE_PREFIX = "select-all", "state-"


@shows_entries
def change_report_lines(host: Host, actor: Actor) -> ResponseReturnValue:
    """Change the selected lines, or all that the filters find on whatever page."""
    form = request.form
    lines = [_seen(text) for text in form.getlist("selected")]
    selected = {line.key[0] for line in lines}
    if form.get("action") == _SELECT_ALL:
        return lines_page(host, actor, form, select_all=True)
    try:
        check_entries()
        change = _change(host, form.get("action", ""), note_text(form.get("note", "")))
        if change.clears_notes and (form.get("all") or len(lines) > 1):
            raise Refused({"note": "Enter a note. To clear notes, select one line at a time."})
        if form.get("all"):
            result = working.change_all(host, actor, criteria_of(host, form), change)
        elif lines:
            result = working.change_selected(host, actor, lines, change)
        else:
            raise Refused("Select at least one line.")
    except Refused as refused:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return lines_page(host, actor, form, selected=selected, messages=refused.messages, status=status)
    if result.changed or result.skipped:
        text = f"Changed: {_lines(result.changed)}."
        if result.skipped:
            text += f" Not changed, because someone else has taken them: {result.skipped:,}."
        flash(text, "cpar")
    if result.conflicts or not (result.changed or result.skipped):
        unchanged, status = not result.changed, HTTPStatus.CONFLICT
        return lines_page(host, actor, form, conflicts=result.conflicts, unchanged=unchanged, status=status)
    return _back(changed=result.operation_id)


def undo_report_lines(host: Host, actor: Actor) -> ResponseReturnValue:
    """Restore what an operation has changed, where nobody has changed it since, and say which lines were."""
    operation_id = number(request.form.get("operation", ""), "", INCOMPLETE)
    undone = working.undo(host, actor, operation_id)
    text = f"Undone: {_lines(undone.restored)}."
    if undone.changed_since:
        text += f" Not restored, because they were changed since: {undone.changed_since:,}."
    flash(text, "cpar")
    if not undone.conflicts:
        return _back()
    unchanged, status = not undone.restored, HTTPStatus.CONFLICT
    return lines_page(host, actor, request.form, conflicts=undone.conflicts, unchanged=unchanged, status=status)


def _back(changed: int | None = None) -> ResponseReturnValue:
    filters = filters_of(request.form)
    place = request.form.get("page") or None
    address = url_for("cpar.report_lines", page=place, changed=changed, **filters)  # type: ignore[arg-type]
    return redirect(address, HTTPStatus.SEE_OTHER)


def _lines(count: int) -> str:
    return f"{count:,} {'line' if count == 1 else 'lines'}"


def _seen(text: str) -> SeenLine:
    """A line with the version that the page showed: `12-1`."""
    line_id, _, version = text.partition("-")
    return SeenLine((number(line_id, "", INCOMPLETE),), number(version, "", INCOMPLETE))


def _change(host: Host, action: str, note: str) -> LineChange:
    state = action.removeprefix(_STATE_PREFIX)
    if action.startswith(_STATE_PREFIX) and state in SET_BY_PEOPLE:
        return working.to_state(ReportLineState(state), note)
    if action == LineAction.ASSIGN:
        return people.to_person(host, request.form.get("assignee", ""))
    if action not in (LineAction.TAKE, LineAction.RELEASE, LineAction.NOTE):
        raise Refused(INCOMPLETE)
    return LineChange(LineAction(action), note=note)


ROUTES = (
    Route("/reports/lines/change", change_report_lines, Needs.MANAGEMENT, ("POST",)),
    Route("/reports/lines/undo", undo_report_lines, Needs.MANAGEMENT, ("POST",)),
)
