"""What people do with submissions: ask for one, call it off, try a failed one again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, exists, func, insert, select, update
from sqlalchemy.orm import Session

from ...domain.calendar import Calendar
from ...domain.dates import date_text, moment_text
from ...domain.panel_state import PanelState, not_submitted
from ...domain.refusals import NotFound, Refused, Stale
from ...domain.submission import RETRIED, SubmissionState
from ...hooks import Actor, AuditEvent, Host
from ...settings import Settings
from ...store.tables import member, panel, submission
from ..operations import clinic
from ..operations.lease import is_free
from ..roster.providers import actor_names
from .submitted_panels import IS_SUBMITTED
from .texts import STATE

_HAS_PATIENTS = exists().where(member.c.panel_id == panel.c.panel_id)


def ask(host: Host, settings: Settings, actor: Actor, panel_id: int) -> int:
    """Queue a panel for the first night run outside the blackout. Returns the submission's id.

    Raises Refused when the clinic is not set up or the panel is empty, NotFound when the panel is gone, Stale when it
    is already asked for.
    """
    calendar = settings.calendar(host.clock.zone)
    with host.database.session() as session:
        check(session, host, settings, panel_id)
        now = host.clock.now()
        return queue(session, host, actor, panel_id, SubmissionState.QUEUED, now, due_on=calendar.run_date(now))


@dataclass(frozen=True, slots=True)
class QueuedPanels:
    """The panels that were queued for a night run, by number, and why the others were not."""

    due_on: date
    queued: Sequence[str]
    skipped: Mapping[str, Sequence[str]]  # panel numbers by the reason in words


def ask_all(host: Host, settings: Settings, actor: Actor) -> QueuedPanels:
    """Queue every live panel that can be, as `ask` does for one. Raises Refused when the clinic is not set up.

    Six statements, however many panels.
    """
    calendar = settings.calendar(host.clock.zone)
    with host.database.session() as session:
        _check_clinic(session)
        rows = session.execute(_every_panel()).all()
        pending = [row for row in rows if row.state is not None]
        names = actor_names(session.connection(), host, {row.requested_by for row in pending}) if pending else {}
        skipped: dict[str, list[str]] = {}
        queued: dict[int, str] = {}
        for row in rows:
            if row.state is not None:
                skipped.setdefault(_pending(host, calendar, row, names[row.requested_by]), []).append(row.number)
            elif not PanelState(row.panel_state).is_submitted:
                skipped.setdefault("Ended.", []).append(row.number)
            elif not row.has_patients:
                skipped.setdefault("No patients.", []).append(row.number)
            else:
                queued[row.panel_id] = row.number
        now = host.clock.now()
        due_on = calendar.run_date(now)
        if queued:
            common = {"requested_at": now, "requested_by": actor.actor_id, "due_on": due_on}
            values = [_row(panel_id, SubmissionState.QUEUED) | common for panel_id in queued]
            session.execute(insert(submission), values)
            ids = select(submission.c.submission_id, submission.c.open_panel_id)
            requested = session.execute(ids.where(submission.c.open_panel_id.in_(queued)))
            events = [_event(actor, "add", submission_id, f"panel {panel_id}") for submission_id, panel_id in requested]
            host.audit.record(session, *events)
    return QueuedPanels(due_on, list(queued.values()), skipped)


def _every_panel() -> Select[Any]:
    """The live panels by number, each with what is queued or under way."""
    return (
        select(
            panel.c.panel_id,
            panel.c.number,
            panel.c.state.label("panel_state"),
            _HAS_PATIENTS.label("has_patients"),
            submission.c.state,
            submission.c.requested_by,
            submission.c.requested_at,
            submission.c.due_on,
        )
        .outerjoin_from(panel, submission, submission.c.open_panel_id == panel.c.panel_id)
        .where(panel.c.deleted_at.is_(None))
        .order_by(panel.c.number)
    )


def run_date(host: Host, settings: Settings) -> date:
    """The date of the night run that a request made now would go with."""
    return settings.calendar(host.clock.zone).run_date(host.clock.now())


def cancel(host: Host, actor: Actor, submission_id: int) -> None:
    """Cancel a submission before a worker has begun it. Raises NotFound, or Stale when it is too late for that."""
    with host.database.session() as session:
        clinic.lock(session)
        now = host.clock.now()
        cancelled = session.execute(
            update(submission)
            .where(submission.c.submission_id == submission_id, is_free(submission, now))
            .where(submission.c.state.in_([SubmissionState.QUEUED, SubmissionState.DUE]))
            .values(
                state=SubmissionState.CANCELLED,
                open_panel_id=None,
                finished_at=now,
                failure=f"Cancelled by {actor.display_name}.",
            )
        )
        if not cancelled.rowcount:  # type: ignore[attr-defined]
            state = session.scalar(select(submission.c.state).where(submission.c.submission_id == submission_id))
            if state is None:
                raise NotFound("Submission not found.")
            raise Stale(f"This submission can no longer be cancelled. Current status: {STATE[SubmissionState(state)]}.")
        record(session, host, actor, "delete", submission_id)


def retry(host: Host, settings: Settings, actor: Actor, submission_id: int) -> int:
    """Submit a panel again, as it is now, after its latest submission failed or was rejected. Returns the new id.

    It is sent at once, since the user waits for the answer; in the blackout, with the first night run after.
    Raises Refused, NotFound or Stale as `ask` does, and Stale when there is a later submission of the panel.
    """
    calendar = settings.calendar(host.clock.zone)
    with host.database.session() as session:
        before = session.execute(select(submission).where(submission.c.submission_id == submission_id)).one_or_none()
        if before is None:
            raise NotFound("Submission not found.")
        check(session, host, settings, before.panel_id)
        if before.state not in RETRIED:
            raise Stale(
                f"Only a failed submission can be retried. Current status: {STATE[SubmissionState(before.state)]}."
            )
        check_latest(session, before.panel_id, submission_id)
        now = host.clock.now()
        today = calendar.today(now)
        waits = calendar.in_blackout(today)
        state, due_on = (SubmissionState.QUEUED, calendar.run_date(now)) if waits else (SubmissionState.DUE, today)
        return queue(session, host, actor, before.panel_id, state, now, due_on=due_on, releases=before.releases)


def retry_all(host: Host, settings: Settings, actor: Actor) -> date | None:
    """Retry every panel whose latest submission failed or was rejected, as `retry` does: each panel as it is now.

    Returns the date of the night run that they go with, None where they go at once. Raises Refused, and Stale when
    there is none.
    """
    calendar = settings.calendar(host.clock.zone)
    with host.database.session() as session:
        _check_clinic(session)
        failed = session.execute(retriable_panels()).all()
        if not failed:
            raise Stale("No failed submission is left to retry. Reload the page to see how they stand.")
        now = host.clock.now()
        today = calendar.today(now)
        waits = calendar.in_blackout(today)
        state, due_on = (SubmissionState.QUEUED, calendar.run_date(now)) if waits else (SubmissionState.DUE, today)
        for row in failed:
            queue(session, host, actor, row.panel_id, state, now, due_on=due_on, releases=row.releases)
    return due_on if waits else None


def retriable_panels() -> Select[Any]:
    """The live panels with patients whose latest submission failed or was rejected."""
    latest = select(func.max(submission.c.submission_id)).group_by(submission.c.panel_id)
    return (
        select(submission.c.panel_id, submission.c.releases)
        .join_from(submission, panel, panel.c.panel_id == submission.c.panel_id)
        .where(submission.c.submission_id.in_(latest), submission.c.state.in_(RETRIED))
        .where(IS_SUBMITTED, _HAS_PATIENTS)
        .order_by(panel.c.number)
    )


def check(session: Session, host: Host, settings: Settings, panel_id: int) -> None:
    """Refuse what may not be submitted, under the lock that also deletes panels and begins the night run."""
    _check_clinic(session)
    live = panel.c.panel_id == panel_id, panel.c.deleted_at.is_(None)
    columns = panel.c.number, panel.c.state.label("panel_state"), _HAS_PATIENTS.label("has_patients")
    live_panel = session.execute(select(*columns).where(*live)).one_or_none()
    if live_panel is None:
        raise NotFound("Panel not found. It may have been deleted.")
    if not PanelState(live_panel.panel_state).is_submitted:
        raise Refused(not_submitted(live_panel.number))
    if not live_panel.has_patients:
        raise Refused(f"Panel {live_panel.number} has no patients, so there is nothing to submit. Add patients first.")
    pending = session.execute(select(submission).where(submission.c.open_panel_id == panel_id)).one_or_none()
    if pending is None:
        return
    name = actor_names(session.connection(), host, [pending.requested_by])[pending.requested_by]
    raise Stale(_pending(host, settings.calendar(host.clock.zone), pending, name))


def check_latest(session: Session, panel_id: int, submission_id: int) -> None:
    """Raises Stale when there is a later submission of the panel."""
    later = submission.c.panel_id == panel_id, submission.c.submission_id > submission_id
    if session.scalar(select(submission.c.submission_id).where(*later).limit(1)) is not None:
        raise Stale("There is a later submission of this panel: open that one.")


def _pending(host: Host, calendar: Calendar, pending: Row[Any], name: str) -> str:
    """Why a panel is not queued again: what is queued or under way, and who requested it."""
    message = (
        "The automatic submission already includes this panel."
        if pending.requested_by == host.identity.system.actor_id
        else f"{name} already queued this panel ({moment_text(pending.requested_at, calendar.zone)})."
    )
    if pending.state == SubmissionState.QUEUED:
        return f"{message} It will be submitted in the night run on {date_text(pending.due_on)}."
    return f"{message} Current status: {STATE[SubmissionState(pending.state)]}."


def _check_clinic(session: Session) -> None:
    site = clinic.lock(session)
    if not site.enabled:
        raise Refused("The CPAR integration is turned off. Ask your EMR administrator to turn it on.")
    if not site.configured:
        raise Refused("Enter the Clinic Name and Site ID in the CPAR Panel Management settings first.")


def queue(
    session: Session, host: Host, actor: Actor, panel_id: int, state: SubmissionState, now: datetime, **values: object
) -> int:
    """Add a request. Needs what `check` has locked. Returns its id."""
    inserted = session.execute(
        insert(submission).values(**_row(panel_id, state), requested_at=now, requested_by=actor.actor_id, **values)
    )
    submission_id: int = inserted.inserted_primary_key[0]  # type: ignore[attr-defined]
    record(session, host, actor, "add", submission_id, f"panel {panel_id}")
    return submission_id


def _row(panel_id: int, state: SubmissionState) -> dict[str, Any]:
    return {"panel_id": panel_id, "open_panel_id": panel_id, "state": state}


def record(session: Session, host: Host, actor: Actor, action: str, submission_id: int, detail: str = "") -> None:
    """Tell the host's audit what an actor did to a submission."""
    host.audit.record(session, _event(actor, action, submission_id, detail))


def _event(actor: Actor, action: str, submission_id: int, detail: str) -> AuditEvent:
    return AuditEvent(actor=actor, action=action, noun="cparSubmission", key=str(submission_id), detail=detail)
