"""Submitting a panel, calling it off, trying again; the Submission History tab, and how far a batch has come."""

from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus

from flask import Response, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.dates import date_text
from ..domain.refusals import Refused
from ..domain.submission import SubmissionState
from ..domain.wording import wordings
from ..hooks import Actor, Host, polled
from ..services.roster.providers import AUTOMATIC
from ..services.submissions import history, progress, releases, requests
from ..services.submissions.texts import ATTENTION, ATTENTION_LABEL, Stage, panels_text
from ..settings import load
from .inputs import number_or_none
from .panels import TITLE
from .rendering import fragment, page
from .serving import ID, Needs, Route

_AT_ONCE = 50
_NO_SUCH_PAGE = "Page not found. Start from the Submission History tab."


def submissions(host: Host, actor: Actor) -> ResponseReturnValue:
    """The submissions of all panels or of one, in any state or in one, the latest first."""
    arguments = request.args
    panel_id, before, after = (
        number_or_none(arguments.get(name, ""), "", _NO_SUCH_PAGE) for name in ("panel", "before", "after")
    )
    stage = arguments.get("state", "")
    if stage and stage not in (*Stage.__members__, ATTENTION):
        raise Refused(_NO_SUCH_PAGE)
    with host.database.engine.connect() as connection:
        listing = history.history_page(
            connection,
            host,
            panel_id=panel_id,
            stage=Stage.__members__.get(stage),
            attention=host.clock.now() if stage == ATTENTION else None,
            before=before,
            after=after,
            limit=_AT_ONCE,
        )
        panels = history.panels_with_submissions(connection)
        batch = progress.progress(connection, host.clock.now())
        failed = connection.execute(requests.retriable_panels()).all()
    return page(
        host,
        TITLE,
        "submissions.html",
        listing=listing,
        panels=panels,
        stages=[(ATTENTION, ATTENTION_LABEL), *((stage.name, stage.value) for stage in Stage)],
        filters={name: value for name, value in (("panel", panel_id), ("state", stage)) if value},
        first=before is None and after is None,
        progress=batch,
        failed=len(failed),
        wording=wordings(host.roster),
        automatic=AUTOMATIC,
        release_choice=partial(releases.choice, host, load(host.settings), actor),
    )


@polled
def submission_progress(host: Host, actor: Actor) -> ResponseReturnValue:
    """The progress bar by itself, for a page that asks again and again: 204 as long as it would look the same."""
    since, finished = request.args.get("since"), request.args.get("finished")
    began = _moment(since) if since else None
    with host.database.engine.connect() as connection:
        batch = progress.progress(connection, host.clock.now(), began)
    if batch and batch.under_way and str(batch.finished) == finished:
        return Response(status=HTTPStatus.NO_CONTENT)
    return make_response(fragment(host, "progress.html", progress=batch))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refused(_NO_SUCH_PAGE)


def submit_panel(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """Queue a panel for its night."""
    submission_id = requests.ask(host, load(host.settings), actor, panel_id)
    flash(_queued(host, submission_id), "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


def submit_all_panels(host: Host, actor: Actor) -> ResponseReturnValue:
    """Queue every panel that can be, and say of the others why not."""
    requested = requests.ask_all(host, load(host.settings), actor)
    if requested.queued:
        subject = (
            f"Panel {requested.queued[0]} is" if len(requested.queued) == 1 else f"{len(requested.queued):,} panels are"
        )
        flash(f"{subject} queued for {date_text(requested.due_on)}. The data on file then will be submitted.", "cpar")
    for reason, numbers in requested.skipped.items():
        flash(f"Not queued: {panels_text(numbers)}. {reason}", "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


def cancel_submission(host: Host, actor: Actor, submission_id: int) -> ResponseReturnValue:
    """Cancel a queued submission."""
    requests.cancel(host, actor, submission_id)
    flash("The submission was cancelled.", "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


def retry_submission(host: Host, actor: Actor, submission_id: int) -> ResponseReturnValue:
    """Submit a panel again after a failure."""
    submission = requests.retry(host, load(host.settings), actor, submission_id)
    flash(_queued(host, submission), "cpar")
    return redirect(url_for("cpar.submissions"), HTTPStatus.SEE_OTHER)


def release_submission(host: Host, actor: Actor, submission_id: int) -> ResponseReturnValue:
    """Release a held submission, or ask for it where two people do so."""
    released = releases.release(host, load(host.settings), actor, submission_id)
    message = "Release requested. Someone else with the admin role can now release the submission."
    flash(message if released is None else _queued(host, released), "cpar")
    return redirect(url_for("cpar.submission", submission_id=released or submission_id), HTTPStatus.SEE_OTHER)


def retry_failed(host: Host, actor: Actor) -> ResponseReturnValue:
    """Submit every panel again whose latest submission failed or was rejected."""
    due_on = requests.retry_all(host, load(host.settings), actor)
    flash(
        f"The failed panels are queued. They will be submitted on {date_text(due_on)} with the data on file then."
        if due_on
        else "The failed panels are being submitted again now.",
        "cpar",
    )
    return redirect(url_for("cpar.submissions"), HTTPStatus.SEE_OTHER)


def _queued(host: Host, submission_id: int) -> str:
    with host.database.engine.connect() as connection:
        submission = history.one(connection, host, submission_id)
    if submission.state is SubmissionState.DUE:
        return f"Panel {submission.panel_number} is being submitted again now."
    due_date = date_text(submission.due_on)
    return f"Panel {submission.panel_number} is queued. It will be submitted on {due_date} with the data on file then."


ROUTES = (
    Route("/submissions", submissions, Needs.MANAGEMENT),
    Route("/submissions/progress", submission_progress, Needs.MANAGEMENT),
    Route("/panels/submit", submit_all_panels, Needs.MANAGEMENT, ("POST",)),
    Route(f"/panels/<{ID}:panel_id>/submit", submit_panel, Needs.MANAGEMENT, ("POST",)),
    Route(f"/submissions/<{ID}:submission_id>/cancel", cancel_submission, Needs.MANAGEMENT, ("POST",)),
    Route(f"/submissions/<{ID}:submission_id>/release", release_submission, Needs.MANAGEMENT, ("POST",)),
    Route("/submissions/retry", retry_failed, Needs.MANAGEMENT, ("POST",)),
    Route(f"/submissions/<{ID}:submission_id>/retry", retry_submission, Needs.MANAGEMENT, ("POST",)),
)
