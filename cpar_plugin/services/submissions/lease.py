"""Who works on a submission: a claim is a lease on its row (`operations.lease`), and the row as it was then."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from math import inf
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from ...domain.submission import FINAL, NEXT, SubmissionState
from ...hooks import Host
from ...settings import Settings
from ...store.tables import submission
from ..operations.lease import RELEASED, is_free, leased

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Now = Callable[[], datetime]

_AT_ONCE = (SubmissionState.DUE, SubmissionState.PREPARING, SubmissionState.READY, SubmissionState.SENDING)
_BEFORE = {state: [before for before, after in NEXT.items() if state in after] for state in SubmissionState}
_CANDIDATES = 50


@dataclass(frozen=True, slots=True)
class Claim:
    """A submission that this worker holds, as it was when it was claimed."""

    token: str
    submission_id: int
    panel_id: int
    state: SubmissionState
    snapshot_id: str | None
    attempts: int
    first_attempt_at: datetime | None
    in_doubt_since: datetime | None  # an attempt of then may have arrived
    failure: str | None  # of the last attempt
    releases: int | None  # the held submission that it releases


def wants_work(now: datetime) -> ColumnElement[bool]:
    """It is in nobody's hands, and something is to be done about it now."""
    state, at = submission.c.state, submission.c.next_attempt_at
    return and_(is_free(submission, now), or_(state.in_(_AT_ONCE), and_(state == SubmissionState.WAITING, at <= now)))


def count_waiting(now: datetime) -> Select[int]:
    """How many submissions want work and are in nobody's hands."""
    return select(func.count()).where(wants_work(now))


def count_under_way(now: datetime) -> Select[int]:
    """How many submissions are in the hands of workers."""
    return select(func.count()).where(submission.c.open_panel_id.is_not(None), submission.c.claimed_until > now)


def take_one(host: Host, settings: Settings, now: Now, *order_by: ColumnElement[Any]) -> Claim | None:
    """Claim the oldest submission that wants work, or the first in another order; None when there is none."""
    with host.database.engine.connect() as connection:
        first = select(submission.c.submission_id).where(wants_work(now()))
        ids = connection.scalars(first.order_by(*order_by, submission.c.submission_id).limit(_CANDIDATES)).all()
    token = str(uuid4())
    for submission_id in ids:
        with host.database.session() as session:
            moment = now()
            claimed = session.execute(
                update(submission)
                .where(submission.c.submission_id == submission_id, wants_work(moment))
                .values(**leased(settings, token, moment))
            )
            if claimed.rowcount:  # type: ignore[attr-defined]
                return _claimed(session, submission_id, token)
    return None


def _claimed(session: "Session", submission_id: int, token: str) -> Claim:
    row = session.execute(select(submission).where(submission.c.submission_id == submission_id)).one()
    return Claim(
        token=token,
        submission_id=submission_id,
        panel_id=row.panel_id,
        state=SubmissionState(row.state),
        snapshot_id=row.snapshot_id,
        attempts=row.attempts,
        first_attempt_at=row.first_attempt_at,
        in_doubt_since=row.in_doubt_since,
        failure=row.failure,
        releases=row.releases,
    )


def move_on(session: "Session", claim: Claim, state: SubmissionState, now: datetime, **values: Any) -> bool:
    """Put a claimed submission into `state`, and let go of it where nothing more is to be done now.

    Returns False, and writes nothing, when the claim is lost or the state may not follow.
    """
    if state in FINAL:
        values |= {"open_panel_id": None, "finished_at": now, "next_attempt_at": None}
    if state in FINAL or state is SubmissionState.WAITING:
        values |= RELEASED
    return _write(session, claim, [*_BEFORE[state], state], state=state, **values)


def give_back(host: Host, claim: Claim) -> None:
    """Let go of a claimed submission as it was: another worker takes it."""
    with host.database.session() as session:
        _write(session, claim, list(SubmissionState), **RELEASED)


def keep_until(session: "Session", claim: Claim, until: datetime, **values: Any) -> bool:
    """Hold on to a claimed submission until then, in whatever state it is. False when the claim is lost."""
    return _write(session, claim, list(SubmissionState), claimed_until=until, **values)


def _write(session: "Session", claim: Claim, states: list[SubmissionState], /, **values: Any) -> bool:
    of_claim = (submission.c.submission_id == claim.submission_id, submission.c.claim == claim.token)
    written = session.execute(update(submission).where(*of_claim, submission.c.state.in_(states)).values(**values))
    return bool(written.rowcount)  # type: ignore[attr-defined]


@contextmanager
def renewed(host: Host, settings: Settings, claim: Claim, now: Now, *, at_most_seconds: float = inf) -> Iterator[None]:
    """Keep the claim alive, from a thread of its own, while the block works; no longer than it may take."""
    ended, until = Event(), monotonic() + at_most_seconds

    def renew() -> None:
        while not ended.wait(settings.claim_seconds / 3) and monotonic() < until:
            # A renewal that fails is made up by the next; a claim that is lost is noticed when the result is written.
            with suppress(SQLAlchemyError), host.database.session() as session:
                keep_until(session, claim, now() + settings.claim_time)

    thread = Thread(target=renew, name=f"cpar-claim-{claim.submission_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
