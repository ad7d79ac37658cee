"""What pages show of submissions: the open one of each panel, and the history. A constant number of statements each."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from ...domain.eligibility import Reason
from ...domain.refusals import NotFound
from ...domain.submission import State
from ...hooks import Host
from ...store.tables import panel, snapshot, submission
from .wording import STATE

AUTOMATIC = "Automatic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One request to submit a panel and what became of it.

    `sent`, `left_out` and `reasons` (members left out by reason; one may have several) are None and empty until the
    snapshot is taken. `failure` says in plain words what went wrong. `detail` is what the other side said: it may name
    a patient.
    """

    submission_id: int
    panel_id: int
    panel_number: str
    state: State
    automatic: date | None
    asked_at: datetime
    asked_by: str  # a name
    due_on: date
    submitted_at: datetime | None  # first sent
    finished_at: datetime | None
    next_attempt_at: datetime | None
    attempts: int
    snapshot_id: str | None
    taken_at: datetime | None
    sent: int | None
    left_out: int | None
    reasons: Mapping[Reason, int]
    failure: str | None
    detail: str | None
    answer_status: int | None
    answer_id: str | None
    sha256: str | None
    latest: bool  # no later submission of the panel

    @property
    def label(self) -> str:
        """The state in words."""
        return STATE[self.state]

    @property
    def delivered_at(self) -> datetime | None:
        """When the registry took it, or the file was written."""
        return self.finished_at if self.state in (State.DELIVERED, State.WRITTEN) else None

    @property
    def may_cancel(self) -> bool:
        """Whether Cancel is offered."""
        return self.state in (State.QUEUED, State.DUE)

    @property
    def may_retry(self) -> bool:
        """Whether Retry is offered."""
        return self.latest and self.state in (State.FAILED, State.REFUSED)


def open_submissions(connection: Connection, host: Host) -> dict[int, Submission]:
    """The submission under way or queued of each panel that has one, by panel_id."""
    found = _read(connection, host, _rows().where(submission.c.open_panel_id.is_not(None)))
    return {one.panel_id: one for one in found}


def history(
    connection: Connection, host: Host, *, panel_id: int | None = None, before: int | None = None, limit: int = 50
) -> Sequence[Submission]:
    """Submissions of one panel or of all, the latest first; from the one before the submission_id `before` on."""
    rows = _rows().order_by(submission.c.submission_id.desc()).limit(limit)
    if panel_id is not None:
        rows = rows.where(submission.c.panel_id == panel_id)
    if before is not None:
        rows = rows.where(submission.c.submission_id < before)
    return _read(connection, host, rows)


def one(connection: Connection, host: Host, submission_id: int) -> Submission:
    """One submission. Raises NotFound."""
    found = _read(connection, host, _rows().where(submission.c.submission_id == submission_id))
    if not found:
        raise NotFound("There is no such submission.")
    return found[0]


def actor_names(connection: Connection, host: Host, actor_ids: Collection[str]) -> dict[str, str]:
    """Who that is, for people to read: the id itself where the host does not know the name."""
    providers = host.roster.providers()
    ids = set(actor_ids)
    names = dict.fromkeys(ids)
    rows = connection.execute(
        select(providers.c.provider_id, providers.c.given_name, providers.c.family_name).where(
            providers.c.provider_id.in_(ids)
        )
    )
    for provider_id, given, family in rows:
        names[provider_id] = " ".join(filter(None, (given, family)))
    return {**{key: name or key for key, name in names.items()}, host.identity.system.actor_id: AUTOMATIC}


def _rows() -> Select[Any]:
    later = submission.alias("later")
    is_latest = ~(
        select(later.c.submission_id)
        .where(later.c.panel_id == submission.c.panel_id, later.c.submission_id > submission.c.submission_id)
        .exists()
    )
    return select(
        submission,
        panel.c.number,
        snapshot.c.taken_at,
        snapshot.c.sent,
        snapshot.c.left_out,
        snapshot.c.reasons,
        snapshot.c.sha256,
        is_latest.label("latest"),
    ).select_from(
        submission.join(panel, panel.c.panel_id == submission.c.panel_id).outerjoin(
            snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id
        )
    )


def _read(connection: Connection, host: Host, rows: Select[Any]) -> list[Submission]:
    found = connection.execute(rows).all()
    names = actor_names(connection, host, {row.asked_by for row in found}) if found else {}
    return [
        Submission(
            submission_id=row.submission_id,
            panel_id=row.panel_id,
            panel_number=row.number,
            state=State(row.state),
            automatic=row.automatic,
            asked_at=row.asked_at,
            asked_by=names[row.asked_by],
            due_on=row.due_on,
            submitted_at=row.first_attempt_at,
            finished_at=row.finished_at,
            next_attempt_at=row.next_attempt_at,
            attempts=row.attempts,
            snapshot_id=row.snapshot_id,
            taken_at=row.taken_at,
            sent=row.sent,
            left_out=row.left_out,
            reasons={Reason(code): count for code, count in json.loads(row.reasons or "{}").items()},
            failure=row.failure,
            detail=row.answer_detail,
            answer_status=row.answer_status,
            answer_id=row.answer_id,
            sha256=row.sha256,
            latest=bool(row.latest),
        )
        for row in found
    ]
