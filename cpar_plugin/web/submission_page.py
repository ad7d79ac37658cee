"""One submission's page: what became of it, who was sent and who not, what changed since the last; and the file."""

import re
from datetime import date, datetime
from functools import partial
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ..domain.dates import birth_date_text, date_text
from ..domain.refusals import Refused
from ..domain.wording import wordings
from ..hooks import Actor, Host
from ..services.roster.providers import AUTOMATIC
from ..services.submissions import changes, history, patients
from ..services.submissions.changes import ChangeKind, SnapshotChanges
from ..services.submissions.history import Submission
from ..services.submissions.patients import SnapshotListing
from ..settings import load
from . import looks
from .inputs import number_or_none
from .rendering import page
from .serving import ID, Needs, Route

SENT, EXCLUDED = "sent", "excluded"
_NO_SUCH_LIST = "Patient list not found. Start from the submission's page."
_FIELDS = {
    "family_name": "Family name",
    "given_names": "Given names",
    "preferred_name": "Preferred name",
    "phn": "PHN",
    "birth_date": "Date of birth",
    "gender": "Gender",
    "since": "On the panel since",
    "confirmed_on": "Last confirmation",
    "confirmed_how": "How confirmed",
    "last_visit_on": "Last visit",
}


def submission(host: Host, actor: Actor, submission_id: int) -> ResponseReturnValue:
    """The facts, and one page of one list of patients."""
    show = request.args.get("show", SENT)
    if show not in (SENT, EXCLUDED, *ChangeKind):
        raise Refused(_NO_SUCH_LIST)
    page_number = number_or_none(request.args.get("page", ""), "", _NO_SUCH_LIST) or 1
    kind = ChangeKind(show) if show in list(ChangeKind) else None
    with host.database.engine.connect() as connection:
        submission = history.one(connection, host, submission_id)
        previous = changes.before(connection, submission) if submission.snapshot_id else None
        kept = previous is not None and previous.kept and submission.kept
        change_list = changes.changes(host, previous, submission, kind, page_number) if previous and kept else None
        listing = _listing(connection, host, actor, submission, change_list, show, page_number)
    return page(
        host,
        f"Submission of panel {submission.panel_number}",
        "submission.html",
        submission=submission,
        previous=previous,
        changes=change_list,
        kinds=ChangeKind,
        show=show,
        listing=listing,
        wording=wordings(host.roster),
        automatic=AUTOMATIC,
        fields=_FIELDS,
        field_text=_field_text(host),
        keep_days=load(host.settings).snapshot_keep_days,
    )


def _listing(
    connection: Connection,
    host: Host,
    actor: Actor,
    submission: Submission,
    change_list: SnapshotChanges | None,
    show: str,
    page_number: int,
) -> SnapshotListing[Any] | None:
    """None where there is nothing to list, or no longer."""
    if show == EXCLUDED:
        return (
            patients.exclusions_of(connection, host, actor, submission, page_number) if submission.snapshot_id else None
        )
    if show == SENT:
        return patients.sent(connection, host, actor, submission, page_number) if submission.kept else None
    return (
        changes.changed(connection, host, actor, submission, change_list, ChangeKind(show), page_number)
        if change_list
        else None
    )


def _field_text(host: Host) -> Any:
    def field_text(value: Any) -> str:
        """A submitted value for people."""
        if isinstance(value, datetime):
            return date_text(value.astimezone(host.clock.zone).date())
        return date_text(value) if isinstance(value, date) else birth_date_text(str(value or "nothing"))

    return field_text


def submission_file(host: Host, actor: Actor, submission_id: int) -> ResponseReturnValue:
    """The file as it was sent, byte for byte."""
    with host.database.engine.connect() as connection:
        submission = history.one(connection, host, submission_id)
    body = patients.file_as_sent(host, actor, submission, partial(looks.record_these, host, actor))
    taken_on = submission.taken_at.astimezone(host.clock.zone).date() if submission.taken_at else ""
    name = re.sub(
        r"[^A-Za-z0-9]+", "-", f"submission {submission.submission_id} panel {submission.panel_number} {taken_on}"
    )
    return Response(
        body,
        content_type="application/fhir+json",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.json"',
            "Content-Length": str(submission.body_bytes),
            "Cache-Control": "no-store",
        },
    )


ROUTES = (
    Route(f"/submissions/<{ID}:submission_id>", submission, Needs.MANAGEMENT),
    Route(f"/submissions/<{ID}:submission_id>/file", submission_file, Needs.MANAGEMENT),
)
