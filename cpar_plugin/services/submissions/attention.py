"""Which submissions need attention, as SQL."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from ...domain.submission import LOUD, SubmissionState
from ...store.tables import member, panel, submission
from .submitted_panels import IS_SUBMITTED
from .texts import Stage

PASSED_FOR = timedelta(days=7)  # how long it is said that a submission was sent which was to be held
_HAS_PATIENTS = exists().where(member.c.panel_id == submission.c.panel_id)
_ENDED = frozenset({*LOUD, SubmissionState.DELIVERED, SubmissionState.WRITTEN})


def needs_attention(now: datetime) -> ColumnElement[bool]:
    """The latest finished submissions of live panels that failed or are held, or were sent without a release lately."""
    latest = select(func.max(submission.c.submission_id)).where(submission.c.state.in_(_ENDED))
    latest_of_panel = submission.c.submission_id.in_(latest.group_by(submission.c.panel_id))
    failed = and_(submission.c.state.in_(LOUD), IS_SUBMITTED, _HAS_PATIENTS)
    passed = and_(
        submission.c.state.in_(Stage.DELIVERED.states),
        submission.c.guard_note.is_not(None),
        submission.c.finished_at > now - PASSED_FOR,
    )
    return and_(or_(failed, passed), latest_of_panel, panel.c.deleted_at.is_(None))
