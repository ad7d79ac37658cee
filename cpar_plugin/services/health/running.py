"""Whether the regular work is done: the scheduler, the night run, submissions, the refresh of FHIR resources."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, exists, func, select

from ...domain.dates import date_text, moment_text
from ...hooks import Health, HealthLevel, Host
from ...settings import Settings
from ...store import tables
from ..operations import heartbeat
from ..operations.record import OperationKind
from ..submissions import notices
from . import regular_work

_OFF: Final = Health.ok("The integration is turned off.")
_END_DRAINING: Final = "To end that: cpar fleet drain --end, with the name of the clinic."
_REFRESHES_MISSED: Final = 3


def scheduler(host: Host, settings: Settings) -> Health:
    """Whether something looks for work, and by the time zone rules of today. Reads two rows."""
    calendar = settings.calendar(host.clock.zone)
    with host.database.engine.connect() as connection:
        enabled_at = _enabled_at(connection)
        last = heartbeat.last(connection, heartbeat.SUBMISSIONS)
        outdated = heartbeat.by_other_zone_rules(connection, host, heartbeat.SUBMISSIONS)
    if enabled_at is None:
        return _OFF
    quiet = notices.quiet_since(enabled_at, last, host.clock.now())
    if quiet is not None and settings.draining:
        return Health.warning(
            f"{notices.DRAINING} The scheduler last ran: {moment_text(quiet, calendar.zone)}.",
            _END_DRAINING,
        )
    if quiet is not None:
        return Health.failure(
            f"The scheduler has not run since {moment_text(quiet, calendar.zone)}: nothing will be submitted.",
            regular_work.remedy(settings),
        )
    if outdated:
        return Health.warning(
            "The time zone rules were updated after the service started; it still uses the old ones.",
            "Restart the service.",
        )
    return Health.ok(f"The scheduler last ran: {moment_text(last or enabled_at, calendar.zone)}.")


def night_run(host: Host, settings: Settings) -> Health:
    """Whether the latest night run has taken place. Reads a few rows."""
    calendar = settings.calendar(host.clock.zone)
    expected = calendar.last_night(host.clock.now())
    with host.database.engine.connect() as connection:
        since = _configured_at(connection)
        nights = tables.night_run.c
        began_at = connection.scalar(select(nights.began_at).where(nights.night == expected))
        last = connection.scalar(select(func.max(nights.night)))
    if began_at is not None:
        return Health.ok(f"The last night run began {moment_text(began_at, calendar.zone)}.")
    if since is None or since > calendar.moment(expected, calendar.night_run_at):
        return Health.ok("No night run has been due yet.")
    before = f"the last one was on {date_text(last)}" if last else "there has never been one"
    return Health.warning(
        f"The night run of {date_text(expected)} did not take place; {before}.",
        f"Whatever was due will be submitted in the next night run. {_END_DRAINING}"
        if settings.draining
        else f"Whatever was due will be submitted in the next night run. Make sure the machine is on from "
        f"{settings.night_run_at:%H:%M} to {settings.catch_up_until:%H:%M}. {regular_work.remedy(settings)}",
    )


def submissions(host: Host, settings: Settings) -> Health:
    """Whether a panel's latest submission failed. Reads a row for each panel."""
    with host.database.engine.connect() as connection:
        clinic_notices = notices.notices(connection, host, settings, host.clock.now())
    of_panels = [notice for notice in clinic_notices if notice.submission_ids]
    failures = [notice.text for notice in of_panels if notice.level is HealthLevel.FAILURE]
    if failures:
        return Health.failure(" ".join(failures), "See Submission History for how to fix each panel.")
    if of_panels:
        return Health.warning(
            " ".join(notice.text for notice in of_panels), "Check the connection: cpar doctor asks the registry too."
        )
    return Health.ok("No submission failed, was rejected or was missed.")


def fhir_refresh(host: Host, settings: Settings) -> Health:
    """Whether versions of FHIR resources still follow the EMR, where a client reads them. Reads two rows."""
    calendar, now = settings.calendar(host.clock.zone), host.clock.now()
    with host.database.engine.connect() as connection:
        read = connection.scalar(select(exists().where(tables.client.c.revoked_at.is_(None))))
        since = _configured_at(connection)
        last = heartbeat.last(connection, heartbeat.FHIR)
    if not read or since is None:
        return Health.ok("No FHIR client is registered.")
    latest = max(last or since, since)
    if now - latest > _REFRESHES_MISSED * timedelta(minutes=settings.fhir_refresh_minutes):
        return Health.warning(
            f"FHIR resources have not been compared with the EMR since {moment_text(latest, calendar.zone)}: versions "
            "and exports of changes are behind.",
            _END_DRAINING if settings.draining else regular_work.remedy(settings, jobs=True),
        )
    return Health.ok(f"FHIR resources were last compared with the EMR {moment_text(latest, calendar.zone)}.")


def _enabled_at(connection: Connection) -> datetime | None:
    return connection.scalar(select(tables.clinic.c.enabled_at))


def _configured_at(connection: Connection) -> datetime | None:
    """Since when there is work to do: the integration on, clinic name and Site ID entered. None while there is none."""
    entered = connection.scalar(
        select(func.min(tables.operation.c.at)).where(tables.operation.c.kind == OperationKind.SETTINGS)
    )
    enabled_at = _enabled_at(connection)
    return max(enabled_at, entered) if enabled_at and entered else None
