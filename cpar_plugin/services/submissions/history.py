"""What pages show of submissions: the open one of each panel, and the history. A constant number of statements each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, or_, select

from ...domain.calendar import last_attempt
from ...domain.reasons import Reason
from ...domain.refusals import NotFound
from ...domain.submission import FINAL, RETRIED, UNDER_WAY, SubmissionState
from ...hooks import Host
from ...store.tables import member, panel, snapshot, submission
from ...store.types import KEYS
from ..roster.providers import AUTOMATIC, actor_names, person_name
from ..snapshots import storage
from ..snapshots.storage import Part
from .attention import needs_attention
from .texts import STATE, Stage, advice


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One request to submit a panel and what became of it.

    `sent`, `excluded` and `reasons` (excluded members by reason; one may have several) are None and empty until the
    snapshot is taken. `failure` says in plain words what went wrong, `advice` what to do. `detail` is what the other
    side said: it may name a patient.
    """

    submission_id: int
    panel_id: int
    panel_number: str
    panel_live: bool
    state: SubmissionState
    automatic: date | None
    requested_at: datetime
    requested_by: str  # a name
    due_on: date
    submitted_at: datetime | None  # first sent
    finished_at: datetime | None
    next_attempt_at: datetime | None
    attempts: int
    snapshot_id: str | None
    taken_at: datetime | None
    sent: int | None
    excluded: int | None
    reasons: Mapping[Reason, int]
    failure: str | None
    detail: str | None
    answer_status: int | None
    answer_id: str | None
    body_bytes: int | None
    sha256: str | None
    latest: bool  # no later submission of the panel
    panel_empty: bool
    kept: bool  # what was sent is still stored: it is removed after `snapshot_keep_days`
    releases: int | None  # the held submission that it releases
    guard_note: str | None  # why it would have been held, of one that was sent without a release
    release_requested_by: str | None  # a name: of a held one whose release a second person has still to grant
    release_requested_by_id: str | None
    release_requested_at: datetime | None

    @property
    def label(self) -> str:
        """The state in words."""
        return STATE[self.state]

    @property
    def delivered_at(self) -> datetime | None:
        """When the registry took it, or the file was written."""
        return self.finished_at if self.state in Stage.DELIVERED.states else None

    @property
    def shown_at(self) -> datetime:
        """The moment by which people know it: first sent, else its end, else when it was asked for."""
        return self.submitted_at or self.finished_at or self.requested_at

    @property
    def begun(self) -> bool:
        """Whether it is under way, or is about to be."""
        return self.state in UNDER_WAY or self.state is SubmissionState.DUE

    @property
    def last_attempt_at(self) -> datetime | None:
        """When the last attempt ended, of one that waits for the next."""
        return last_attempt(self.next_attempt_at, self.attempts) if self.next_attempt_at else None

    @property
    def may_cancel(self) -> bool:
        """Whether Cancel is offered."""
        return self.state in (SubmissionState.QUEUED, SubmissionState.DUE)

    @property
    def may_retry(self) -> bool:
        """Whether Retry is offered."""
        return self._is_current and self.state in RETRIED

    @property
    def may_release(self) -> bool:
        """Whether Release is offered."""
        return self._is_current and self.state is SubmissionState.HELD

    @property
    def advice(self) -> str:
        """What to do about it, "" where there is nothing to do, or nothing any more."""
        return advice(self.state) if self._is_current else ""

    @property
    def _is_current(self) -> bool:
        return self.latest and self.panel_live and not self.panel_empty


def open_submissions(connection: Connection, host: Host) -> dict[int, Submission]:
    """The submission under way or queued of each panel that has one, by panel_id."""
    submissions = _read(connection, host, _rows(host).where(submission.c.open_panel_id.is_not(None)))
    return {row.panel_id: row for row in submissions}


def open_and_last(connection: Connection, host: Host) -> tuple[dict[int, Submission], dict[int, Submission]]:
    """Of each live panel: the open submission, and the latest that ended and was not cancelled, by panel_id."""
    is_open = submission.c.open_panel_id.is_not(None)
    ended = submission.c.open_panel_id.is_(None), submission.c.state != SubmissionState.CANCELLED
    latest = select(func.max(submission.c.submission_id)).where(*ended).group_by(submission.c.panel_id)
    conditions = or_(is_open, submission.c.submission_id.in_(latest))
    submissions = _read(connection, host, _rows(host).where(conditions, panel.c.deleted_at.is_(None)))
    return (
        {row.panel_id: row for row in submissions if row.state not in FINAL},
        {row.panel_id: row for row in submissions if row.state in FINAL},
    )


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some submissions, the latest first. `newer` and `older`: the submission_id where the adjacent page begins."""

    submissions: Sequence[Submission]
    newer: int | None
    older: int | None


def history_page(
    connection: Connection,
    host: Host,
    *,
    panel_id: int | None = None,
    stage: Stage | None = None,
    attention: datetime | None = None,
    before: int | None = None,
    after: int | None = None,
    limit: int = 50,
) -> HistoryPage:
    """A page of the history of one panel or of all: the latest, or what comes `before` or `after` a submission_id.

    `attention`: the current moment, for those alone that need attention then.
    """
    number = submission.c.submission_id
    rows = _rows(host).order_by(number if after is not None else number.desc()).limit(limit + 1)
    if panel_id is not None:
        rows = rows.where(submission.c.panel_id == panel_id)
    if stage is not None:
        rows = rows.where(submission.c.state.in_(stage.states))
    if attention is not None:
        rows = rows.where(needs_attention(attention))
    if after is not None:
        submissions = _read(connection, host, rows.where(number > after))
        page = submissions[:limit][::-1]
        newer, older = len(submissions) > limit, bool(submissions)
    else:
        submissions = _read(connection, host, rows if before is None else rows.where(number < before))
        page = submissions[:limit]
        newer, older = before is not None and bool(submissions), len(submissions) > limit
    return HistoryPage(
        submissions=page,
        newer=page[0].submission_id if newer else None,
        older=page[-1].submission_id if older else None,
    )


def history(connection: Connection, host: Host, *, panel_id: int | None = None) -> Sequence[Submission]:
    """The latest submissions of one panel or of all."""
    return history_page(connection, host, panel_id=panel_id).submissions


def panels_with_submissions(connection: Connection) -> list[tuple[int, str, bool]]:
    """Every panel that was ever submitted or asked for: its id, its number, and whether it lives."""
    has_submission = select(submission.c.panel_id).where(submission.c.panel_id == panel.c.panel_id).exists()
    rows = connection.execute(select(panel).where(has_submission).order_by(panel.c.number, panel.c.panel_id))
    return [(row.panel_id, row.number, row.deleted_at is None) for row in rows]


def one(connection: Connection, host: Host, submission_id: int) -> Submission:
    """One submission. Raises NotFound."""
    is_key = submission_id in KEYS
    submissions = (
        _read(connection, host, _rows(host).where(submission.c.submission_id == submission_id)) if is_key else []
    )
    if not submissions:
        raise NotFound("Submission not found.")
    return submissions[0]


def is_kept() -> ColumnElement[bool]:
    """Whether what was sent with a submission is still stored, as a condition in a statement about submissions."""
    return storage.is_kept(submission.c.snapshot_id, Part.BODY)


def _rows(host: Host) -> Select[Any]:
    later = submission.alias("later")
    is_latest = ~(
        select(later.c.submission_id)
        .where(later.c.panel_id == submission.c.panel_id, later.c.submission_id > submission.c.submission_id)
        .exists()
    )
    providers = host.roster.providers()
    return select(
        submission,
        providers.c.given_name,
        providers.c.family_name,
        panel.c.number,
        panel.c.deleted_at,
        snapshot.c.taken_at,
        snapshot.c.sent,
        snapshot.c.excluded,
        snapshot.c.reasons,
        snapshot.c.body_bytes,
        snapshot.c.sha256,
        is_latest.label("latest"),
        (~exists().where(member.c.panel_id == submission.c.panel_id)).label("panel_empty"),
        is_kept().label("kept"),
    ).select_from(
        submission.join(panel, panel.c.panel_id == submission.c.panel_id)
        .outerjoin(snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id)
        .outerjoin(providers, providers.c.provider_id == submission.c.requested_by)
    )


def _read(connection: Connection, host: Host, rows: Select[Any]) -> list[Submission]:
    system = host.identity.system.actor_id
    found = connection.execute(rows).all()
    requesters = actor_names(connection, host, {row.release_requested_by for row in found if row.release_requested_by})
    return [
        Submission(
            submission_id=row.submission_id,
            panel_id=row.panel_id,
            panel_number=row.number,
            panel_live=row.deleted_at is None,
            state=SubmissionState(row.state),
            automatic=row.automatic,
            requested_at=row.requested_at,
            requested_by=AUTOMATIC
            if row.requested_by == system
            else person_name(row.requested_by, row.given_name, row.family_name),
            due_on=row.due_on,
            submitted_at=row.first_attempt_at,
            finished_at=row.finished_at,
            next_attempt_at=row.next_attempt_at,
            attempts=row.attempts,
            snapshot_id=row.snapshot_id,
            taken_at=row.taken_at,
            sent=row.sent,
            excluded=row.excluded,
            reasons={Reason(code): count for code, count in json.loads(row.reasons or "{}").items()},
            failure=row.failure,
            detail=row.answer_detail,
            answer_status=row.answer_status,
            answer_id=row.answer_id,
            body_bytes=row.body_bytes,
            sha256=row.sha256,
            latest=bool(row.latest),
            panel_empty=bool(row.panel_empty),
            kept=bool(row.kept),
            releases=row.releases,
            guard_note=row.guard_note,
            release_requested_by=requesters[row.release_requested_by] if row.release_requested_by else None,
            release_requested_by_id=row.release_requested_by,
            release_requested_at=row.release_requested_at,
        )
        for row in found
    ]
