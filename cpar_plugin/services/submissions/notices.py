"""What went wrong, for people: the banner for those who manage panels, and the operator's status."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, select
from sqlalchemy.exc import SQLAlchemyError

from ...domain.calendar import Calendar
from ...domain.dates import date_text, moment_text
from ...domain.refusals import Refused
from ...domain.submission import LOUD, SubmissionState
from ...hooks import Host
from ...settings import Settings
from ...store.tables import clinic, panel, submission
from ...store.tables import heartbeat as heartbeats
from ...transport import for_settings
from ..operations import heartbeat
from . import mail
from .texts import STATE

QUIET_AFTER = timedelta(minutes=15)
_NAMED = 20
_ENDED = frozenset({*LOUD, SubmissionState.DELIVERED, SubmissionState.WRITTEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionNotice:
    """Something that needs a person, in plain words without patient data. `panel_id` is None for the clinic's whole."""

    text: str
    panel_id: int | None = None
    submission_id: int | None = None
    state: SubmissionState | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The state of submissions, for an operator. All is well when there is no problem."""

    facts: tuple[str, ...]
    problems: tuple[str, ...]


def notices(connection: Connection, host: Host, settings: Settings, now: datetime) -> list[SubmissionNotice]:
    """Panels whose latest submission failed, and a scheduler that has stopped.

    Two statements, whatever the number of panels.
    """
    calendar = settings.calendar(host.clock.zone)
    last_beat = select(heartbeats.c.at).where(heartbeats.c.name == heartbeat.SUBMISSIONS).scalar_subquery()
    enabled_at, last_beat_at = connection.execute(select(clinic.c.enabled_at, last_beat)).one()
    if enabled_at is None:
        return []
    quiet = quiet_since(enabled_at, last_beat_at, now)
    result = []
    if quiet is not None:
        text = (
            f"The submission scheduler has not run since {moment_text(quiet, calendar.zone)}. Nothing will be "
            "submitted until it runs. Contact your EMR administrator."
        )
        result.append(SubmissionNotice(text=text))
    return result + [_notice(row) for row in connection.execute(_unresolved())]


def quiet_since(enabled_at: datetime, last_beat_at: datetime | None, now: datetime) -> datetime | None:
    """Since when nothing has looked for work, though it should have; None when all is well."""
    last = max(last_beat_at or enabled_at, enabled_at)
    return last if now - last > QUIET_AFTER else None


def _unresolved() -> Select[Any]:
    """The live panels whose latest finished submission failed."""
    latest = (
        select(func.max(submission.c.submission_id).label("submission_id"))
        .where(submission.c.state.in_(_ENDED))
        .group_by(submission.c.panel_id)
        .subquery()
    )
    queued = submission.alias("queued")
    return (
        select(submission, panel.c.number, queued.c.due_on.label("again_on"))
        .join_from(submission, latest, latest.c.submission_id == submission.c.submission_id)
        .join(panel, and_(panel.c.panel_id == submission.c.panel_id, panel.c.deleted_at.is_(None)))
        .outerjoin(queued, queued.c.open_panel_id == submission.c.panel_id)
        .where(submission.c.state.in_(LOUD))
        .order_by(panel.c.number)
    )


def _notice(row: Row[Any]) -> SubmissionNotice:
    state = SubmissionState(row.state)
    retry_text = f" It will be submitted again on {date_text(row.again_on)}." if row.again_on else ""
    text = f"Panel {row.number}: {STATE[state].lower()}. {row.failure}{retry_text}"
    return SubmissionNotice(text=text, panel_id=row.panel_id, submission_id=row.submission_id, state=state)


def status(host: Host, settings: Settings, now: datetime) -> Status:
    """The state of submissions, in sentences for an operator, without patient data."""
    calendar = settings.calendar(host.clock.zone)
    with host.database.engine.connect() as connection:
        site = connection.execute(select(clinic)).one()
        if site.enabled_at is None:
            return Status(
                ("The integration is turned off: nothing will be submitted. Turn it on with: cpar enable",), ()
            )
        last_beat_at = heartbeat.last(connection, heartbeat.SUBMISSIONS)
        panels = connection.scalar(select(func.count()).select_from(panel).where(panel.c.deleted_at.is_(None)))
        open_ones = connection.execute(
            select(submission.c.state, func.count())
            .where(submission.c.open_panel_id.is_not(None))
            .group_by(submission.c.state)
        ).all()
        waiting = connection.execute(_waiting()).all()
        mails = mail.waiting(connection, settings, now)
        problems = [notice.text for notice in notices(connection, host, settings, now)]
    facts = [f"The integration has been on since {moment_text(site.enabled_at, calendar.zone)}. Panels: {panels}."]
    if not (site.name and site.site_id):
        facts.append("The Clinic Name and Site ID have not been entered: nothing will be submitted.")
    if last_beat_at is not None:
        facts.append(f"The scheduler last ran: {moment_text(last_beat_at, calendar.zone)}.")
    if site.restored_at is not None:
        facts.append(
            f"A backup was restored (cpar after-restore completed {moment_text(site.restored_at, calendar.zone)})."
        )
    facts += [f"{STATE[SubmissionState(state)]}: {count}." for state, count in open_ones]
    facts += [_waits(row, calendar) for row in waiting[:_NAMED]]
    if len(waiting) > _NAMED:
        facts.append(f"More panels waiting: {len(waiting) - _NAMED}.")
    if mails:
        facts.append(f"Emails about submissions waiting for {settings.smtp_host}: {mails}.")
    facts.append(f"Next night run: {_next_night(calendar, now)}.")
    problems += _unreadable_host(host) + _wrong_settings(settings)
    return Status(tuple(facts), tuple(problems))


def _waiting() -> Select[Any]:
    """What waits for another machine at this moment, or for another attempt at it."""
    return (
        select(submission, panel.c.number)
        .join_from(submission, panel, panel.c.panel_id == submission.c.panel_id)
        .where(submission.c.state.in_([SubmissionState.SENDING, SubmissionState.WAITING]))
        .order_by(panel.c.number)
    )


def _waits(row: Row[Any], calendar: Calendar) -> str:
    if SubmissionState(row.state) is SubmissionState.SENDING:
        return f"Panel {row.number} is waiting for the registry: attempt {row.attempts} is in progress."
    retry_at = moment_text(row.next_attempt_at, calendar.zone)
    return f"Panel {row.number} will be retried (attempt {row.attempts + 1}) on {retry_at}. {row.failure}"


def _next_night(calendar: Calendar, now: datetime) -> str:
    return moment_text(calendar.moment(calendar.run_date(now), calendar.night_run_at), calendar.zone)


def _unreadable_host(host: Host) -> list[str]:
    try:
        with host.database.engine.connect() as connection:
            for source in (host.roster.patients(), host.roster.providers()):
                connection.execute(select(source).limit(1)).all()
    except SQLAlchemyError as error:
        kind = type(error).__name__
        return [
            f"The EMR's patients cannot be read ({kind}): check its database name and the permissions of our account."
        ]
    return []


def _wrong_settings(settings: Settings) -> list[str]:
    try:
        for_settings(settings)
    except Refused as refused:
        return [str(refused)]
    return []
