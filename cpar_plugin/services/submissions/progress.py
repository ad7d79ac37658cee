"""How far the submissions have come that are being made now: those of a night run, or of some that are retried."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from ...domain.submission import FINAL, SubmissionState
from ...store.tables import night_run, submission
from .last_night import of_last_night
from .texts import Stage

_NOW = frozenset({SubmissionState.DUE, SubmissionState.PREPARING, SubmissionState.READY, SubmissionState.SENDING})
_FINISHED = FINAL - {SubmissionState.CANCELLED, SubmissionState.MISSED}


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How many panels of a batch are finished. `since` is when the batch began: it stays the same until it is over."""

    since: datetime
    states: Counter[SubmissionState]

    @property
    def finished(self) -> int:
        """Panels whose submission has ended."""
        return sum(self.states[state] for state in _FINISHED)

    @property
    def total(self) -> int:
        """All panels of the batch."""
        return self.states.total()

    @property
    def delivered(self) -> int:
        """Delivered or written."""
        return sum(self.states[state] for state in Stage.DELIVERED.states)

    @property
    def later(self) -> int:
        """Tried without an answer, and tried again later."""
        return self.states[SubmissionState.WAITING]

    @property
    def under_way(self) -> bool:
        """Whether work continues: submissions that are only retried later do not count."""
        return any(self.states[state] for state in _NOW)


def progress(connection: Connection, now: datetime, since: datetime | None = None) -> BatchProgress | None:
    """The batch that is under way, or the one that began at `since`; None where there is none.

    A batch begins with the night run, or with the first that was asked for after it: it is then retried, and goes at
    once. At most two statements.
    """
    state = submission.c.state
    if since is None:
        night = of_last_night(night_run.c.began_at, now)
        oldest, began = connection.execute(
            select(func.min(submission.c.requested_at), night).where(state.in_(_NOW))
        ).one()
        if oldest is None:
            return None
        since = max(oldest, began or oldest)
    # Where a night is the batch, also what a machine finished whose clock is behind that of the one that began it.
    night_of_batch = select(night_run.c.night).where(night_run.c.began_at == since).scalar_subquery()
    of_batch = or_(
        state.in_(_NOW),
        and_(state == SubmissionState.WAITING, submission.c.first_attempt_at >= since),
        and_(state.in_(_FINISHED), or_(submission.c.finished_at >= since, submission.c.due_on >= night_of_batch)),
    )
    rows = connection.execute(select(state, func.count()).where(of_batch).group_by(state))
    states = Counter({SubmissionState(name): count for name, count in rows})
    return BatchProgress(since, states)
