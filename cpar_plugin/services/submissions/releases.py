"""Releasing what is held: a request that the guard lets pass, with the data of its night."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, exists, select, update
from sqlalchemy.orm import Session

from ...domain.dates import moment_text
from ...domain.guard import Releaser
from ...domain.refusals import NotFound, Stale
from ...domain.submission import SubmissionState
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import member, panel, submission
from ...store.types import KEYS
from ..operations import access, clinic
from . import requests, texts
from .history import Submission
from .submitted_panels import IS_SUBMITTED

_SECOND = (
    "This clinic wants two people to release a held submission: one has asked for it, and an EMR administrator "
    "releases it. Ask someone else with the admin role."
)


@dataclass(frozen=True, slots=True)
class ReleaseChoice:
    """What a person can do about a held submission: a button's label, "" for none, and who else is needed, and why."""

    button: str
    explanation: str = ""


def choice(host: Host, settings: Settings, actor: Actor, held: Submission) -> ReleaseChoice:
    """What is offered to this person."""
    if settings.hold_release_by is Releaser.ONE:
        return ReleaseChoice("Release")
    if held.release_requested_by is None or held.release_requested_at is None:
        return ReleaseChoice(
            "Request Release", "Two people release a submission: after you, someone else with the admin role."
        )
    requested = f"{held.release_requested_by} requested its release"
    requested += f" ({moment_text(held.release_requested_at, host.clock.zone)})."
    if held.release_requested_by_id == actor.actor_id:
        return ReleaseChoice("", f"{requested} Someone else with the admin role has to release it.")
    if not host.identity.has(actor, access.REGISTER_CLIENTS):
        return ReleaseChoice("", f"{requested} Someone with the admin role has to release it.")
    return ReleaseChoice("Release", requested)


def release(host: Host, settings: Settings, actor: Actor, submission_id: int) -> int | None:
    """Queue a held submission for the first night run outside the blackout, once. Returns the new one's id.

    Where the clinic wants two people, the first only asks for it: returns None. Raises NotFound, Refused or Stale as
    `requests.ask` does, Stale when it is no longer held or there is a later one, Forbidden for a second person who is
    no administrator, or is the first.
    """
    calendar = settings.calendar(host.clock.zone)
    with host.database.session() as session:
        clinic.lock(session)
        held = submission.c.submission_id == submission_id
        row = session.execute(select(submission).where(held)).one_or_none() if submission_id in KEYS else None
        if row is None:
            raise NotFound("Submission not found.")
        requests.check(session, host, settings, row.panel_id)
        if row.state != SubmissionState.HELD:
            state = texts.STATE[SubmissionState(row.state)]
            raise Stale(f"Only a held submission can be released. Current status: {state}.")
        requests.check_latest(session, row.panel_id, submission_id)
        now = host.clock.now()
        if settings.hold_release_by is Releaser.TWO:
            if row.release_requested_by is None:
                request = {"release_requested_by": actor.actor_id, "release_requested_at": now}
                session.execute(update(submission).where(held).values(**request))
                requests.record(session, host, actor, "update", submission_id, "asked for release")
                return None
            if row.release_requested_by == actor.actor_id:
                raise access.Forbidden(_SECOND)
            access.require_administrator(host, actor, _SECOND)
        return requests.queue(
            session,
            host,
            actor,
            row.panel_id,
            SubmissionState.QUEUED,
            now,
            due_on=calendar.run_date(now),
            releases=submission_id,
        )


def release_at_window_end(session: Session, host: Host, night: date, now: datetime) -> None:
    """Let go with this night run what is still held. Needs `clinic.lock`."""
    for row in session.execute(_held()).all():
        requests.queue(
            session,
            host,
            host.identity.system,
            row.panel_id,
            SubmissionState.DUE,
            now,
            due_on=night,
            releases=row.submission_id,
            guard_note=texts.sent_all_the_same(row.failure),
        )


def _held() -> Select[tuple[int, int, str]]:
    """The held submissions of live panels with patients after which nothing was asked for."""
    later = submission.alias("later")
    return (
        select(submission.c.panel_id, submission.c.submission_id, submission.c.failure)
        .join_from(submission, panel, panel.c.panel_id == submission.c.panel_id)
        .where(submission.c.state == SubmissionState.HELD, IS_SUBMITTED)
        .where(exists().where(member.c.panel_id == submission.c.panel_id))
        .where(
            ~exists().where(
                later.c.panel_id == submission.c.panel_id, later.c.submission_id > submission.c.submission_id
            )
        )
        .order_by(submission.c.submission_id)
    )
