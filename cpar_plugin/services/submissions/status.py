"""How submissions stand, for an operator."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select

from ...domain.calendar import Calendar
from ...domain.dates import moment_text
from ...domain.refusals import Refused
from ...domain.submission import SubmissionState
from ...hooks import HealthLevel, Host
from ...settings import Settings
from ...store.tables import clinic, panel, submission
from ...transport import for_settings
from ..operations import heartbeat
from ..roster.readable import reading_error
from . import mail
from .notices import notices
from .texts import STATE

_NAMED = 20


@dataclass(frozen=True, slots=True)
class Status:
    """How submissions stand. All is well when there is neither a problem nor a warning: what may become one."""

    facts: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def status(host: Host, settings: Settings, now: datetime) -> Status:
    """How submissions stand, in sentences for an operator, without patient data."""
    calendar = settings.calendar(host.clock.zone)
    with host.database.engine.connect() as connection:
        site = connection.execute(select(clinic)).one()
        if site.enabled_at is None:
            return Status(("The integration is turned off: nothing will be submitted. Turn it on with: cpar enable",))
        last_beat_at = heartbeat.last(connection, heartbeat.SUBMISSIONS)
        panels = connection.scalar(select(func.count()).select_from(panel).where(panel.c.deleted_at.is_(None)))
        open_ones = connection.execute(
            select(submission.c.state, func.count())
            .where(submission.c.open_panel_id.is_not(None))
            .group_by(submission.c.state)
        ).all()
        waiting = connection.execute(_waiting()).all()
        mails = mail.waiting(connection, settings, now)
        current = notices(connection, host, settings, now)
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
    warnings = tuple(notice.text for notice in current if notice.level is HealthLevel.WARNING)
    problems = [notice.text for notice in current if notice.level is HealthLevel.FAILURE]
    problems += _unreadable_host(host) + _wrong_settings(settings)
    return Status(tuple(facts), warnings, tuple(problems))


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
    kind = reading_error(host)
    if kind is None:
        return []
    return [f"The EMR's patients cannot be read ({kind}): check its database name and the permissions of our account."]


def _wrong_settings(settings: Settings) -> list[str]:
    try:
        for_settings(settings)
    except Refused as refused:
        return [str(refused)]
    return []
