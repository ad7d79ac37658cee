"""What the calendar sets going: the night run with the automatic date, what is missed, what is put off."""

import logging
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Date, case, exists, insert, literal, null, select, update
from sqlalchemy.exc import SQLAlchemyError

from ...domain.calendar import Calendar
from ...domain.guard import WindowEnd
from ...domain.submission import SubmissionState
from ...hooks import Host
from ...settings import Settings
from ...store.tables import clinic as clinic_table
from ...store.tables import member, night_run, panel, submission
from ...store.types import Moment
from ..operations import clinic
from ..operations.lease import RELEASED, is_free
from . import texts
from .submitted_panels import IS_SUBMITTED

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

# Of the open states, those that a worker may have in its hands at this moment are missing: they finish by themselves.
_NOT_STARTED = (SubmissionState.QUEUED, SubmissionState.DUE)
_IS_OPEN = submission.c.open_panel_id.is_not(None)


def begin(host: Host, settings: Settings, now: datetime) -> bool:
    """Begin the night run of this moment's date, once: queued submissions and those of the automatic date come due.

    Returns False when there is none to begin. One transaction: two processes, or a clock that is set back, begin one.
    """
    calendar = settings.calendar(host.clock.zone)
    night = calendar.night_run_on(now)
    if night is None or _began(host, night):
        return False
    with host.database.session() as session:
        clinic.lock(session)
        if session.scalar(select(night_run.c.night).where(night_run.c.night == night)) is not None:
            return False
        _reconcile(session, host)
        automatic, _ = _automatic_dates(session.connection(), calendar, night)
        session.execute(insert(night_run).values(night=night, began_at=now, automatic=automatic))
        are_open = session.scalar(select(submission.c.submission_id).where(_IS_OPEN).limit(1)) is not None
        if are_open:
            in_time = submission.c.state.in_([SubmissionState.QUEUED]), submission.c.due_on <= night
            session.execute(update(submission).where(*in_time).values(state=SubmissionState.DUE))
        if settings.hold_window_end is WindowEnd.SEND and calendar.is_last_before_blackout(night):
            from . import releases  # once a month

            releases.release_at_window_end(session, host, night, now)
            are_open = True
        if automatic is not None:
            concerned = _concerned(calendar, automatic)
            if are_open:
                _include_open(session, concerned, automatic, now)
            _submit_every_panel(session, host, concerned, automatic, night, now)
    return True


def _reconcile(session: "Session", host: Host) -> None:
    """Follow merged records, where the roster can be read: else each panel says that it cannot."""
    from ..roster import merges  # once a night: cron asks every minute whether one begins
    from ..roster.readable import reading_error

    try:
        with session.begin_nested():
            merges.reconcile(session, host)
    except SQLAlchemyError as error:
        if reading_error(host) is None:
            raise
        log.error("night run: the EMR's patients cannot be read: %s", type(error).__name__)


def mark_missed(host: Host, settings: Settings, now: datetime) -> None:
    """Mark the automatic dates that can no longer be made up as missed, for each panel that they concerned."""
    calendar = settings.calendar(host.clock.zone)
    today = calendar.today(now)
    with host.database.engine.connect() as connection:
        if not _automatic_dates(connection, calendar, today)[1]:
            return
    with host.database.session() as session:
        clinic.lock(session)
        for automatic in _automatic_dates(session.connection(), calendar, today)[1]:
            mark_date(session, host, calendar, automatic, now, texts.missed(automatic))


def unprocessed_dates(connection: Connection, calendar: Calendar, now: datetime) -> list[date]:
    """The automatic dates that no night run has covered although their night has begun."""
    open_date, missed_dates = _automatic_dates(connection, calendar, calendar.today(now))
    dates = (*missed_dates, *([open_date] if open_date else ()))
    return [day for day in dates if calendar.moment(day, calendar.night_run_at) <= now]


def mark_date(session: "Session", host: Host, calendar: Calendar, automatic: date, now: datetime, failure: str) -> None:
    """Mark an automatic date as missed for each panel that it concerned: no night run will cover it."""
    _insert_for_panels(
        session,
        _concerned(calendar, automatic),
        automatic=literal(automatic, Date()),
        requested_at=literal(now, Moment()),
        requested_by=literal(host.identity.system.actor_id),
        due_on=literal(automatic, Date()),
        state=literal(SubmissionState.MISSED),
        attempts=literal(0),
        finished_at=literal(now, Moment()),
        failure=literal(failure),
    )
    if session.scalar(select(night_run.c.night).where(night_run.c.night == automatic)) is None:
        session.execute(insert(night_run).values(night=automatic, began_at=now, automatic=automatic))
    else:
        session.execute(update(night_run).where(night_run.c.night == automatic).values(automatic=automatic))


def postpone(host: Host, settings: Settings, now: datetime) -> None:
    """In the blackout: what came due and was not begun goes back into the queue, or is missed if only automatic."""
    calendar = settings.calendar(host.clock.zone)
    if not calendar.in_blackout(calendar.today(now)) or not _any(host, submission.c.state == SubmissionState.DUE):
        return
    waiting = submission.c.state == SubmissionState.DUE, is_free(submission, now)
    # What the window's end has released is still released in the first night run after the blackout.
    only_automatic = (submission.c.requested_by == host.identity.system.actor_id) & submission.c.automatic.is_not(None)
    with host.database.session() as session:
        clinic.lock(session)
        for automatic in session.scalars(
            select(submission.c.automatic).where(*waiting, only_automatic).distinct()
        ).all():
            session.execute(
                update(submission)
                .where(*waiting, only_automatic, submission.c.automatic == automatic)
                .values(**_ended(SubmissionState.MISSED, now, texts.missed(automatic)))
            )
        session.execute(
            update(submission).where(*waiting).values(state=SubmissionState.QUEUED, due_on=calendar.run_date(now))
        )


def cancel_all(host: Host, now: datetime) -> None:
    """With the integration turned off nothing is sent: end what is open and without a worker."""
    if not _any(host, submission.c.open_panel_id.is_not(None)):
        return
    with host.database.session() as session:
        clinic.lock(session)
        end_open(session, now, texts.TURNED_OFF, is_free(submission, now))


def end_open(session: "Session", now: datetime, why: str, *conditions: ColumnElement[bool]) -> None:
    """End what is open: requests are cancelled, what was begun has failed. Needs `clinic.lock`."""
    open_ones = (submission.c.open_panel_id.is_not(None), *conditions)
    not_started = submission.c.state.in_(_NOT_STARTED)
    session.execute(
        update(submission).where(*open_ones, not_started).values(**_ended(SubmissionState.CANCELLED, now, why))
    )
    session.execute(update(submission).where(*open_ones).values(**_ended(SubmissionState.FAILED, now, why)))


def _began(host: Host, night: date) -> bool:
    with host.database.engine.connect() as connection:
        return connection.scalar(select(night_run.c.night).where(night_run.c.night == night)) is not None


def _any(host: Host, condition: ColumnElement[bool]) -> bool:
    with host.database.engine.connect() as connection:
        return connection.scalar(select(submission.c.submission_id).where(condition).limit(1)) is not None


def _automatic_dates(connection: Connection, calendar: Calendar, day: date) -> tuple[date | None, list[date]]:
    """The automatic date that a night run on `day` covers, and those that it is too late for.

    Only dates whose night run would have found the integration enabled.
    """
    dates = select(clinic_table.c.enabled_at, night_run.c.automatic)
    rows = connection.execute(dates.outerjoin_from(clinic_table, night_run, night_run.c.automatic.is_not(None))).all()
    enabled_at, processed = rows[0].enabled_at, {row.automatic for row in rows}
    if enabled_at is None:
        return None, []
    open_dates = [
        automatic
        for automatic in calendar.automatic_dates(calendar.today(enabled_at) - timedelta(days=1), day)
        if automatic not in processed and enabled_at <= calendar.moment(automatic, calendar.night_run_at)
    ]
    if open_dates and calendar.can_be_made_up(open_dates[-1], day):
        return open_dates[-1], open_dates[:-1]
    return None, open_dates


def _concerned(calendar: Calendar, automatic: date) -> ColumnElement[bool]:
    """Panels that are submitted, existed at the automatic date's night run, and have members."""
    existed = panel.c.created_at <= calendar.moment(automatic, calendar.night_run_at)
    return IS_SUBMITTED & existed & exists().where(member.c.panel_id == panel.c.panel_id)


def _include_open(session: "Session", concerned: ColumnElement[bool], automatic: date, now: datetime) -> None:
    """An open request serves the automatic date too, a stale one gives way."""
    why = case((submission.c.in_doubt_since.is_(None), texts.REPLACED), else_=texts.REPLACED_IN_DOUBT)
    session.execute(
        update(submission)
        .where(submission.c.state == SubmissionState.WAITING, is_free(submission, now))
        .where(exists().where(panel.c.panel_id == submission.c.panel_id, concerned))
        .values(**_ended(SubmissionState.FAILED, now, why))
    )
    session.execute(
        update(submission)
        .where(_IS_OPEN)
        .where(exists().where(panel.c.panel_id == submission.c.panel_id, concerned))
        .values(automatic=automatic)
    )
    session.execute(
        update(submission)
        .where(submission.c.state == SubmissionState.QUEUED, submission.c.automatic == automatic)
        .values(state=SubmissionState.DUE)
    )


def _submit_every_panel(
    session: "Session", host: Host, concerned: ColumnElement[bool], automatic: date, night: date, now: datetime
) -> None:
    """One submission for each panel that has no open one."""
    _insert_for_panels(
        session,
        concerned & ~exists().where(submission.c.open_panel_id == panel.c.panel_id),
        open_panel_id=panel.c.panel_id,
        automatic=literal(automatic, Date()),
        requested_at=literal(now, Moment()),
        requested_by=literal(host.identity.system.actor_id),
        due_on=literal(night, Date()),
        state=literal(SubmissionState.DUE),
        attempts=literal(0),
        finished_at=null(),
        failure=null(),
    )


def _insert_for_panels(session: "Session", condition: ColumnElement[bool], **values: ColumnElement[Any]) -> None:
    columns = {"panel_id": panel.c.panel_id, **values}
    session.execute(insert(submission).from_select(list(columns), select(*columns.values()).where(condition)))


def _ended(state: SubmissionState, now: datetime, failure: str | ColumnElement[str]) -> dict[str, object]:
    return {
        "state": state,
        "open_panel_id": None,
        "finished_at": now,
        "next_attempt_at": None,
        **RELEASED,
        "failure": failure,
    }
