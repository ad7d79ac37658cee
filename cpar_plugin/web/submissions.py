"""Submitting a panel, calling it off, trying again; the Submission History tab, and how far a batch has come."""

from datetime import UTC, datetime
from http import HTTPStatus

from flask import Response, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.dates import date_text
from ..domain.refusals import Refused
from ..domain.submission import State
from ..domain.wording import WORDING
from ..hooks import Actor, Host, polled
from ..services.roster.providers import AUTOMATIC
from ..services.submissions import history, progress, requests
from ..services.submissions.texts import Stage
from ..settings import load
from .inputs import number_or_none
from .panels import TITLE
from .rendering import fragment, page
from .serving import ID, Needs, Route

_AT_ONCE = 50
_NO_SUCH_PAGE = "Page not found. Start from the Submission History tab."


def submissions(host: Host, actor: Actor) -> ResponseReturnValue:
    """The submissions of all panels or of one, in any state or in one, the latest first."""
    asked = request.args
    panel_id, before, after = (
        number_or_none(asked.get(name, ""), "", _NO_SUCH_PAGE) for name in ("panel", "before", "after")
    )
    stage = asked.get("state", "")
    if stage and stage not in Stage.__members__:
        raise Refused(_NO_SUCH_PAGE)
    with host.database.engine.connect() as connection:
        found = history.history_page(
            connection,
            host,
            panel_id=panel_id,
            stage=Stage[stage] if stage else None,
            before=before,
            after=after,
            limit=_AT_ONCE,
        )
        panels = history.panels_with_submissions(connection)
        under_way = progress.progress(connection)
    return page(
        host,
        TITLE,
        "submissions.html",
        found=found,
        panels=panels,
        stages=Stage,
        kept={name: value for name, value in (("panel", panel_id), ("state", stage)) if value},
        first=before is None and after is None,
        progress=under_way,
        wording=WORDING,
        automatic=AUTOMATIC,
    )


@polled
def submission_progress(host: Host, actor: Actor) -> ResponseReturnValue:
    """The progress bar by itself, for a page that asks again and again: 204 as long as it would look the same."""
    since, done = request.args.get("since"), request.args.get("done")
    began = _moment(since) if since else None
    with host.database.engine.connect() as connection:
        now = progress.progress(connection, began)
    if now and now.under_way and str(now.done) == done:
        return Response(status=HTTPStatus.NO_CONTENT)
    return make_response(fragment(host, "progress.html", progress=now))


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refused(_NO_SUCH_PAGE)


def submit_panel(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """Queue a panel for its night."""
    submission_id = requests.ask(host, load(host.settings), actor, panel_id)
    flash(_queued(host, submission_id), "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


def cancel_submission(host: Host, actor: Actor, submission_id: int) -> ResponseReturnValue:
    """Call off what is queued."""
    requests.cancel(host, actor, submission_id)
    flash("The submission was cancelled.", "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


def retry_submission(host: Host, actor: Actor, submission_id: int) -> ResponseReturnValue:
    """Submit a panel anew after a failure."""
    anew = requests.retry(host, load(host.settings), actor, submission_id)
    flash(_queued(host, anew), "cpar")
    return redirect(url_for("cpar.submissions"), HTTPStatus.SEE_OTHER)


def _queued(host: Host, submission_id: int) -> str:
    with host.database.engine.connect() as connection:
        queued = history.one(connection, host, submission_id)
    if queued.state is State.DUE:
        return f"Panel {queued.panel_number} is being submitted again now."
    on = date_text(queued.due_on)
    return f"Panel {queued.panel_number} is queued. It will be submitted on {on} with the data on file then."


ROUTES = (
    Route("/submissions", submissions, Needs.MANAGEMENT),
    Route("/submissions/progress", submission_progress, Needs.MANAGEMENT),
    Route(f"/panels/<{ID}:panel_id>/submit", submit_panel, Needs.MANAGEMENT, ("POST",)),
    Route(f"/submissions/<{ID}:submission_id>/cancel", cancel_submission, Needs.MANAGEMENT, ("POST",)),
    Route(f"/submissions/<{ID}:submission_id>/retry", retry_submission, Needs.MANAGEMENT, ("POST",)),
)
