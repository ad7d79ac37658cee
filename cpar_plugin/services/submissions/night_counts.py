"""How the last night of one clinic went, in numbers alone: one short statement, for those who operate many clinics."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, String, and_, case, cast, func, or_, select

from ...domain.pace import LATELY
from ...domain.submission import FINAL, LOUD, SubmissionState
from ...store.tables import clinic, heartbeat, night_run, panel, submission
from ..operations.heartbeat import SUBMISSIONS
from .last_night import of_last_night
from .texts import Stage

_NOT_OF_A_NIGHT: Final = (SubmissionState.QUEUED, SubmissionState.CANCELLED)
_NAMED: Final = LOUD | {SubmissionState.WAITING}


@dataclass(frozen=True, slots=True, kw_only=True)
class NightCounts:
    """Each panel counts once, by its latest submission: of those that are open, for the last night, or ended since.

    For that night is what came due in it, an earlier automatic date that it made up for too.
    """

    enabled_at: datetime | None
    is_configured: bool
    panels: int  # live ones, whether or not they are submitted
    began_at: datetime | None  # the last night run
    beat_at: datetime | None  # when a scheduler last did this clinic's work
    read_at: datetime  # by the clinic's clock
    states: Counter[SubmissionState]
    finished_lately: int
    panel_ids: Mapping[
        SubmissionState, tuple[int, ...]
    ]  # of the states that someone has to look at, and of retried ones

    @property
    def in_progress(self) -> int:
        """Panels that are being worked on, or will be without anyone's doing. Retried ones are not among them."""
        return sum(self.states[state] for state in Stage.OPEN.states) - self.states[SubmissionState.WAITING]

    @property
    def retried(self) -> int:
        """Panels that were tried without an answer, and are tried again later."""
        return self.states[SubmissionState.WAITING]

    def of(self, stage: Stage) -> int:
        """Panels in the states of a stage that ended."""
        return sum(self.states[state] for state in stage.states)

    @property
    def ran_for(self) -> timedelta:
        """How long the night has gone on, as far as it counts for its pace."""
        return min(LATELY, self.read_at - self.began_at) if self.began_at else LATELY


def night_counts(connection: Connection, now: datetime) -> NightCounts:
    """Read them. `now` is the clinic's."""
    rows = connection.execute(_counts(now)).all()
    site = rows[0]
    found = [row for row in rows if row.state is not None]
    named = {SubmissionState(row.state): row.panel_ids for row in found if row.panel_ids}
    return NightCounts(
        enabled_at=site.enabled_at,
        is_configured=bool(site.name and site.site_id),
        panels=site.panels,
        began_at=site.began_at,
        beat_at=site.beat_at,
        read_at=now,
        states=Counter({SubmissionState(row.state): row.count_of_state for row in found}),
        finished_lately=sum(int(row.finished_lately) for row in found),  # MariaDB: Decimal
        panel_ids={state: tuple(sorted(map(int, ids.split(",")))) for state, ids in named.items()},
    )


def _counts(now: datetime) -> Select[Any]:
    began_at, night = (of_last_night(column, now) for column in (night_run.c.began_at, night_run.c.night))
    beat_at = select(heartbeat.c.at).where(heartbeat.c.name == SUBMISSIONS).scalar_subquery()
    panels = select(func.count()).select_from(panel).where(panel.c.deleted_at.is_(None)).scalar_subquery()
    state = submission.c.state
    later = submission.alias("later")
    latest = select(func.max(later.c.submission_id)).where(later.c.state.not_in(_NOT_OF_A_NIGHT))
    of_night = and_(
        submission.c.submission_id.in_(latest.group_by(later.c.panel_id)),
        or_(
            state.not_in(FINAL),
            submission.c.finished_at >= func.coalesce(began_at, now - timedelta(days=1)),
            submission.c.due_on >= night,  # by a machine whose clock is behind that of the one that began
        ),
    )
    lately = case((submission.c.finished_at >= now - LATELY, 1), else_=0)
    named = case((state.in_(_NAMED), cast(submission.c.panel_id, String(20))))
    own = (clinic.c.enabled_at, clinic.c.name, clinic.c.site_id)
    return (
        select(
            *own,
            panels.label("panels"),
            began_at.label("began_at"),
            beat_at.label("beat_at"),
            state,
            func.count(submission.c.submission_id).label("count_of_state"),
            func.coalesce(func.sum(lately), 0).label("finished_lately"),
            func.aggregate_strings(named, ",").label("panel_ids"),
        )
        .select_from(clinic.outerjoin(submission, of_night))
        .group_by(*own, state)
    )
