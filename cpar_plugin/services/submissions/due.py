"""What is due in a clinic, and when something is next: for whoever divides the work of many clinics among machines."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from ...domain.calendar import Calendar
from ...domain.submission import SubmissionState
from ...hooks import Host
from ...settings import Settings
from ...store.tables import night_run, submission
from ..operations import clinic
from .lease import wants_work


@dataclass(frozen=True, slots=True)
class DueWork:
    """What wants work at one moment. Counts are of submissions, each one panel's."""

    people: int = 0  # that users requested, in nobody's hands
    automatic: int = 0  # of the automatic date alone, in nobody's hands
    under_way: int = 0  # in somebody's hands
    begins: bool = False  # the night run of this moment has not begun
    next_at: datetime | None = None  # without a new request nothing is due earlier; None: nothing will be

    @property
    def waiting(self) -> int:
        """All that are in nobody's hands."""
        return self.people + self.automatic


def of_people(host: Host) -> ColumnElement[bool]:
    """Whether a user has requested the submission, and not the automatic date alone."""
    return submission.c.requested_by != host.identity.system.actor_id


def due_work(host: Host, settings: Settings, now: datetime) -> DueWork:
    """What is due in the clinic at `now` (aware). Reads open submissions and one row of nights: three statements."""
    calendar = settings.calendar(host.clock.zone)
    with host.database.engine.connect() as connection:
        site = clinic.load(connection)
        if not (site.enabled and site.configured):
            return DueWork()
        begins = _begins(connection, calendar, now)
        row = connection.execute(_open_ones(host, now)).one()
    moments = [row.attempt_at, row.free_at, next_night(calendar, now)]
    return DueWork(
        people=int(row.people or 0),  # MariaDB sums up in decimals
        automatic=int(row.automatic or 0),
        under_way=int(row.under_way or 0),
        begins=begins,
        next_at=min(moment for moment in moments if moment),
    )


def next_night(calendar: Calendar, now: datetime) -> datetime:
    """When the next night run begins."""
    return calendar.moment(calendar.run_date(now), calendar.night_run_at)


def _begins(connection: Connection, calendar: Calendar, now: datetime) -> bool:
    night = calendar.night_run_on(now)
    if night is None:
        return False
    return connection.scalar(select(night_run.c.night).where(night_run.c.night == night)) is None


def _open_ones(host: Host, now: datetime) -> Select[Any]:
    columns, in_no_hands, requested = submission.c, wants_work(now), of_people(host)
    later = and_(columns.state == SubmissionState.WAITING, columns.next_attempt_at > now)
    return select(
        func.sum(case((and_(in_no_hands, requested), 1), else_=0)).label("people"),
        func.sum(case((and_(in_no_hands, ~requested), 1), else_=0)).label("automatic"),
        func.sum(case((columns.claimed_until > now, 1), else_=0)).label("under_way"),
        func.min(case((later, columns.next_attempt_at))).label("attempt_at"),
        func.min(case((columns.claimed_until > now, columns.claimed_until))).label("free_at"),
    ).where(columns.open_panel_id.is_not(None))
