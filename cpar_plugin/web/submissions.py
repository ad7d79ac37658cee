"""Submitting a panel, calling it off, trying again; and the Submission History tab."""

from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.eligibility import WORDING
from ..domain.submission import State
from ..hooks import Actor, Host
from ..services.submission import asking, history
from ..settings import load
from .inputs import number_or_none
from .panels import TITLE
from .rendering import day, page
from .serving import ID, Needs, Route

_AT_ONCE = 50
_NO_SUCH_PAGE = "There is no such page of the history. Begin at the Submission History tab."


def submissions(host: Host, actor: Actor) -> ResponseReturnValue:
    """The submissions of all panels, the latest first."""
    before = number_or_none(request.args.get("before", ""), "", _NO_SUCH_PAGE)
    with host.database.engine.connect() as connection:
        found = history.history(connection, host, before=before, limit=_AT_ONCE + 1)
    return page(
        host,
        TITLE,
        "submissions.html",
        submissions=found[:_AT_ONCE],
        older=found[_AT_ONCE - 1].submission_id if len(found) > _AT_ONCE else None,
        first=before is None,
        wording=WORDING,
        automatic=history.AUTOMATIC,
    )


def submit_panel(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """Queue a panel for its night."""
    submission_id = asking.ask(host, load(host.settings), actor, panel_id)
    flash(_queued(host, submission_id), "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


def cancel_submission(host: Host, actor: Actor, submission_id: int) -> ResponseReturnValue:
    """Call off what is queued."""
    asking.cancel(host, actor, submission_id)
    flash("The submission is cancelled.", "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


def retry_submission(host: Host, actor: Actor, submission_id: int) -> ResponseReturnValue:
    """Submit a panel anew after a failure."""
    anew = asking.retry(host, load(host.settings), actor, submission_id)
    flash(_queued(host, anew), "cpar")
    return redirect(url_for("cpar.submissions"), HTTPStatus.SEE_OTHER)


def _queued(host: Host, submission_id: int) -> str:
    with host.database.engine.connect() as connection:
        queued = history.one(connection, host, submission_id)
    if queued.state is State.DUE:
        return f"Panel {queued.panel_number} is submitted again now. Load this page in a minute to see the answer."
    return f"Panel {queued.panel_number} is queued. It goes on {day(queued.due_on)} with the data of that moment."


ROUTES = (
    Route("/submissions", submissions, Needs.MANAGEMENT),
    Route(f"/panels/<{ID}:panel_id>/submit", submit_panel, Needs.MANAGEMENT, ("POST",)),
    Route(f"/submissions/<{ID}:submission_id>/cancel", cancel_submission, Needs.MANAGEMENT, ("POST",)),
    Route(f"/submissions/<{ID}:submission_id>/retry", retry_submission, Needs.MANAGEMENT, ("POST",)),
)
