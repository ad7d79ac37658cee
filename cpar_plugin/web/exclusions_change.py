"""Working on exclusions: take, assign, release, set how far they are, note something, and undo that.

Then back to the list as it was.
"""

from http import HTTPStatus
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.exclusion_lines import LineState, note_text
from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.exclusions.changing import change_all, change_selected, to_state, undo
from ..services.exclusions.lines_query import LineKey
from ..services.work_lines import people
from ..services.work_lines.changes import LineAction, LineChange, LinesChanged, SeenLine
from .exclusions import criteria_of, exclusions_page, filters_of, line_key
from .inputs import INCOMPLETE, number
from .interrupted import check_entries, shows_entries
from .serving import Needs, Route

_SELECT_ALL, _STATE_PREFIX = "select-all", "state-"
_DONE = {
    LineAction.TAKE: "taken",
    LineAction.ASSIGN: "assigned",
    LineAction.RELEASE: "released",
    LineAction.NOTE: "given this note",
}


@shows_entries
def change_exclusions(host: Host, actor: Actor) -> ResponseReturnValue:
    """Change the selected lines, or all that the filters find on whatever page."""
    form = request.form
    lines = [_seen(text) for text in form.getlist("selected")]
    selected = {LineKey(*line.key) for line in lines}
    if form.get("action") == _SELECT_ALL:
        return exclusions_page(host, actor, form, select_all=True)
    try:
        check_entries()
        change = _change(host, form.get("action", ""), form.get("note", ""))
        if change.clears_notes and (form.get("all") or len(lines) > 1):
            raise Refused({"note": "Enter a note. To clear notes, select one exclusion at a time."})
        if form.get("all"):
            result = change_all(host, actor, criteria_of(form), change)
        elif lines:
            result = change_selected(host, actor, lines, change)
        else:
            raise Refused("Select at least one exclusion.")
    except Refused as refused:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return exclusions_page(host, actor, form, selected=selected, messages=refused.messages, status=status)
    if result.changed or result.skipped:
        flash(_text(change, result), "cpar")
    if result.conflicts or not result.changed:
        unchanged = not (result.changed or result.skipped)
        status = HTTPStatus.CONFLICT
        return exclusions_page(host, actor, form, conflicts=result.conflicts, unchanged=unchanged, status=status)
    place = {name: form[name] for name in ("after", "before") if form.get(name)}
    # Without a script the page is loaded again: at the line that was selected last.
    anchor = "cpar-row-{}-{}".format(*lines[-1].key) if lines else None
    values: dict[str, Any] = {**filters_of(form), **place, "changed": result.operation_id}
    return redirect(url_for("cpar.exclusions", _anchor=anchor, **values), HTTPStatus.SEE_OTHER)


def undo_exclusions(host: Host, actor: Actor) -> ResponseReturnValue:
    """Restore what an operation has changed, where nobody has changed it since, and say which exclusions were."""
    operation_id = number(request.form.get("operation", ""), "", INCOMPLETE)
    undone = undo(host, actor, operation_id)
    text = f"Undone: {undone.restored:,} {'exclusion' if undone.restored == 1 else 'exclusions'}."
    if undone.changed_since:
        text += f" Not restored, because they were changed or closed since: {undone.changed_since:,}."
    flash(text, "cpar")
    if undone.conflicts:
        unchanged, status = not undone.restored, HTTPStatus.CONFLICT
        conflicts = undone.conflicts
        return exclusions_page(host, actor, request.form, conflicts=conflicts, unchanged=unchanged, status=status)
    values: dict[str, Any] = dict(filters_of(request.form))
    return redirect(url_for("cpar.exclusions", **values), HTTPStatus.SEE_OTHER)


def _seen(text: str) -> SeenLine:
    """A line with the version that the page showed: `123-no-phn-4`."""
    key, _, version = text.rpartition("-")
    return SeenLine(line_key(key), number(version, "", INCOMPLETE))


def _change(host: Host, action: str, note: str) -> LineChange:
    state = action.removeprefix(_STATE_PREFIX)
    if action.startswith(_STATE_PREFIX) and state in list(LineState):
        return to_state(LineState(state))
    if action == LineAction.ASSIGN:
        return people.to_person(host, request.form.get("assignee", ""))
    if action not in (LineAction.TAKE, LineAction.RELEASE, LineAction.NOTE):
        raise Refused(INCOMPLETE)
    return LineChange(LineAction(action), note=note_text(note) if action == LineAction.NOTE else "")


def _text(change: LineChange, result: LinesChanged) -> str:
    """What came of it, without patient data: the message is kept with the session."""
    exclusions = f"{result.changed:,} {'exclusion' if result.changed == 1 else 'exclusions'}"
    if change.action is LineAction.SET_STATE:
        sentence = f"{exclusions} set to \u201c{change.state_label}\u201d."
    elif change.action is LineAction.NOTE and not change.note:
        sentence = f"Notes cleared: {exclusions}."
    else:
        sentence = f"{exclusions} {_DONE[change.action]}."
    return (
        f"{sentence} Not changed, because someone else has taken them: {result.skipped:,}."
        if result.skipped
        else sentence
    )


ROUTES = (
    Route("/exclusions/change", change_exclusions, Needs.MANAGEMENT, ("POST",)),
    Route("/exclusions/undo", undo_exclusions, Needs.MANAGEMENT, ("POST",)),
)
