"""One submission's page: what became of it, who was sent and who not, what changed since the last; and the file."""

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import date, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from ..domain.dates import birth_date_text, date_text
from ..domain.refusals import NotFound, Refused
from ..domain.wording import wordings
from ..hooks import Actor, Host
from ..services.roster.providers import AUTOMATIC
from ..services.submissions import changes, history, patients, releases
from ..services.submissions.changes import Before, ChangeKind
from ..services.submissions.history import Submission
from ..services.submissions.patient_lists import EXCLUDED, SENT, SnapshotList
from ..services.submissions.patient_lists_csv import FIELDS, export
from ..services.submissions.searched_list import SnapshotCriteria
from ..services.submissions.sorted_list import SnapshotSort
from ..settings import load
from . import looks, searches
from .downloads import csv_download
from .inputs import number_or_none
from .rendering import long_page, page
from .serving import ID, Needs, Route

_STATE = ("show", searches.PARAMETER, "sort")
_NO_SUCH_LIST = "Patient list not found. Start from the submission's page."


def submission(host: Host, actor: Actor, submission_id: int) -> ResponseReturnValue:
    """The facts, and one page of one list of patients. The search text is posted, so that it is in no address."""
    if request.method == "POST":
        token = searches.keep(host, actor, request.form.get("text", ""))
        return _list(submission_id, _state(request.form) | {searches.PARAMETER: token})
    state = _state(request.args)
    page_number = number_or_none(request.args.get("page", ""), "", _NO_SUCH_LIST) or 1
    criteria = _criteria(host, actor, state)
    with host.database.engine.connect() as connection:
        submission, previous = _of(connection, host, submission_id)
        counts = changes.changes(host, previous, submission) if previous and previous.kept and submission.kept else None
        shown = state["show"]
        with closing(SnapshotList(connection, host, actor, submission, previous, shown)) as listing:
            is_kept = _is_kept(submission, previous, shown)
            rows = listing.find(criteria).page(page_number) if is_kept else []
            total, pages = (len(listing), listing.pages) if is_kept else (0, 1)
    return page(
        host,
        f"Submission of panel {submission.panel_number}",
        "submission.html",
        previous=previous,
        changes=counts,
        kinds=ChangeKind,
        is_kept=is_kept,
        rows=rows,
        hidden=listing.hidden,
        total=total,
        page=page_number,
        pages=pages,
        criteria=criteria,
        state={field: text for field, text in state.items() if text},
        automatic=AUTOMATIC,
        release_choice=partial(releases.choice, host, load(host.settings), actor),
        keep_days=load(host.settings).snapshot_keep_days,
        **_rows_context(host, submission, shown),
    )


def print_submission(host: Host, actor: Actor, submission_id: int) -> ResponseReturnValue:
    """The whole list on paper, whatever page of it was open."""
    state = _state(request.args)
    criteria = _criteria(host, actor, state)
    connection = host.database.engine.connect()
    try:
        submission, listing = _found(connection, host, actor, submission_id, state, criteria)
        response = long_page(
            host,
            actor,
            f"Submission of panel {submission.panel_number}",
            "submission_print.html",
            connection,
            rows=listing.rows(),
            hidden=listing.hidden,
            total=len(listing),
            criteria=criteria,
            now=host.clock.now(),
            back=url_for("cpar.submission", submission_id=submission_id, **state),  # type: ignore[arg-type]
            clinic_name=g.cpar_clinic.name,
            **_rows_context(host, submission, state["show"]),
        )
    except BaseException:
        connection.close()
        raise
    response.call_on_close(listing.close)
    return response


def export_submission(host: Host, actor: Actor, submission_id: int) -> ResponseReturnValue:
    """The same as a file for a spreadsheet."""
    state = _state(request.args)
    criteria = _criteria(host, actor, state)
    connection = host.database.engine.connect()
    try:
        submission, listing = _found(connection, host, actor, submission_id, state, criteria)
        name = f"submission {submission_id} panel {submission.panel_number} {state['show']}"
        response = csv_download(host, actor, name, export(host, listing.rows()))
    except BaseException:
        connection.close()
        raise
    response.call_on_close(listing.close)
    response.call_on_close(connection.close)
    return response


def _of(connection: Connection, host: Host, submission_id: int) -> tuple[Submission, Before | None]:
    """A submission and the one that it is compared with. Raises NotFound."""
    submission = history.one(connection, host, submission_id)
    return submission, changes.before(connection, submission) if submission.snapshot_id else None


def _found(
    connection: Connection,
    host: Host,
    actor: Actor,
    submission_id: int,
    state: Mapping[str, str],
    criteria: SnapshotCriteria,
) -> tuple[Submission, SnapshotList]:
    """The whole list. Raises NotFound where there is none, or no longer."""
    submission, previous = _of(connection, host, submission_id)
    if not _is_kept(submission, previous, state["show"]):
        raise NotFound("This list is no longer available.")
    return submission, SnapshotList(connection, host, actor, submission, previous, state["show"]).find(criteria)


def _is_kept(submission: Submission, previous: Before | None, show: str) -> bool:
    """Whether there is such a list, and what it is read from is still stored."""
    if show == EXCLUDED:
        return submission.snapshot_id is not None
    return submission.kept and (show == SENT or (previous is not None and previous.kept))


def _list(submission_id: int, state: Mapping[str, str]) -> ResponseReturnValue:
    values = {field: text for field, text in state.items() if text}
    return redirect(
        url_for("cpar.submission", submission_id=submission_id, **values),  # type: ignore[arg-type]
        HTTPStatus.SEE_OTHER,
    )


def _state(fields: MultiDict[str, str]) -> dict[str, str]:
    """Which list, narrowed and sorted by what. Raises Refused for what the page does not offer."""
    state = {field: fields.getlist(field)[-1] if field in fields else "" for field in _STATE}
    state["show"] = state["show"] or SENT
    if state["show"] not in (SENT, EXCLUDED, *ChangeKind):
        raise Refused(_NO_SUCH_LIST)
    if state["sort"].removeprefix("-") not in ("", *SnapshotSort):
        raise Refused(_NO_SUCH_LIST)
    return state


def _criteria(host: Host, actor: Actor, state: Mapping[str, str]) -> SnapshotCriteria:
    sort = state["sort"] or SnapshotSort.NAME
    text = searches.text_of(host, actor, state[searches.PARAMETER])
    return SnapshotCriteria(text, SnapshotSort(sort.removeprefix("-")), descending=sort.startswith("-"))


def _rows_context(host: Host, submission: Submission, show: str) -> dict[str, Any]:
    """What the rows of a list need besides the rows."""
    return {
        "submission": submission,
        "show": show,
        "wording": wordings(host.roster),
        "fields": FIELDS,
        "field_text": field_text(host),
    }


def field_text(host: Host) -> Callable[[Any], str]:
    """How a submitted value is written for people."""

    def text(value: Any) -> str:
        if isinstance(value, datetime):
            return date_text(value.astimezone(host.clock.zone).date())
        return date_text(value) if isinstance(value, date) else birth_date_text(str(value or "nothing"))

    return text


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
    Route(f"/submissions/<{ID}:submission_id>", submission, Needs.MANAGEMENT, ("GET", "POST")),
    Route(f"/submissions/<{ID}:submission_id>/print", print_submission, Needs.MANAGEMENT),
    Route(f"/submissions/<{ID}:submission_id>/export", export_submission, Needs.MANAGEMENT),
    Route(f"/submissions/<{ID}:submission_id>/file", submission_file, Needs.MANAGEMENT),
)
