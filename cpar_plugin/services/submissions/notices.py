"""What went wrong or is delayed, for people: above every page of those who manage panels, and for operators.

One outage is one notice, however many panels it concerns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, or_, select

from ...domain.calendar import RETRY_FOR, Calendar, last_attempt
from ...domain.dates import date_text, moment_text
from ...domain.submission import LOUD, SubmissionState
from ...hooks import HealthLevel, Host
from ...settings import Settings
from ...store.tables import clinic, panel, submission
from ...store.tables import heartbeat as heartbeats
from ..operations import heartbeat
from . import rehearsals
from .attention import needs_attention
from .texts import REQUESTED, STATE, Stage, advice, panels_text, would_be_held

QUIET_AFTER = timedelta(minutes=15)
DELAYED_AFTER = timedelta(hours=1)
DRAINING = "Submissions are paused for maintenance: nothing new will be submitted until it ends."


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionNotice:
    """Something to know or to do, in plain words without patient data.

    `submission_ids` are those that it is about, none where it concerns the whole clinic; `stage` is what they have in
    common, None where they are of several. `panel_ids`: of coming submissions, the panels to rehearse.
    """

    level: HealthLevel
    text: str
    submission_ids: tuple[int, ...] = ()
    stage: Stage | None = None
    panel_ids: tuple[int, ...] = ()


def notices(connection: Connection, host: Host, settings: Settings, now: datetime) -> list[SubmissionNotice]:
    """A scheduler that stands still, panels whose latest submission came to nothing, and those that are delayed.

    And those whose coming submission would be held. Three statements, whatever the number of panels.
    """
    calendar = settings.calendar(host.clock.zone)
    last_beat = select(heartbeats.c.at).where(heartbeats.c.name == heartbeat.SUBMISSIONS).scalar_subquery()
    enabled_at, last_beat_at = connection.execute(select(clinic.c.enabled_at, last_beat)).one()
    if enabled_at is None:
        return []
    quiet = quiet_since(enabled_at, last_beat_at, now)
    result = []
    if quiet is not None:
        result.append(_quiet(quiet, settings, calendar))
    by_text: dict[str, list[Row[Any]]] = {}
    delayed: list[Row[Any]] = []
    passed: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(_unresolved(now)):
        if row.guard_note is not None and SubmissionState(row.state) in Stage.DELIVERED.states:
            passed.setdefault(row.guard_note, []).append(row)
        elif SubmissionState(row.state) in LOUD:
            by_text.setdefault(_what_happened(row), []).append(row)
        else:
            delayed.append(row)
    result += [_failure(text, rows) for text, rows in by_text.items()]
    result += [_passed(text, rows) for text, rows in passed.items()]
    result += _rehearsed(rehearsals.would_be_held(connection, host, settings, now))
    return [*result, _delay(delayed, calendar)] if delayed else result


def _quiet(since: datetime, settings: Settings, calendar: Calendar) -> SubmissionNotice:
    moment = moment_text(since, calendar.zone)
    if settings.draining:
        text = f"{DRAINING} The submission scheduler last ran {moment}."
        return SubmissionNotice(level=HealthLevel.WARNING, text=text)
    text = (
        f"The submission scheduler has not run since {moment}. Nothing will be submitted until it runs. Contact your "
        "EMR administrator."
    )
    return SubmissionNotice(level=HealthLevel.FAILURE, text=text)


def quiet_since(enabled_at: datetime, last_beat_at: datetime | None, now: datetime) -> datetime | None:
    """Since when nothing has looked for work, though it should have; None when all is well."""
    last = max(last_beat_at or enabled_at, enabled_at)
    return last if now - last > QUIET_AFTER else None


def _unresolved(now: datetime) -> Select[Any]:
    """What needs attention, and what is delayed: tried for an hour without a clear answer, and tried again."""
    delayed = and_(
        submission.c.state.in_([SubmissionState.WAITING, SubmissionState.SENDING]),
        submission.c.failure.is_not(None),
        submission.c.first_attempt_at <= now - DELAYED_AFTER,
    )
    again = submission.alias("again")
    return (
        select(submission, panel.c.number, again.c.due_on.label("again_on"), again.c.state.label("again_state"))
        .join_from(submission, panel, panel.c.panel_id == submission.c.panel_id)
        .outerjoin(again, again.c.open_panel_id == submission.c.panel_id)
        .where(or_(needs_attention(now), delayed))
        .order_by(panel.c.number)
    )


def _what_happened(row: Row[Any]) -> str:
    """Without the panel: the same for all that one outage concerns."""
    state = SubmissionState(row.state)
    if row.again_on is None:
        to_do = REQUESTED if row.release_requested_by else advice(state)
    elif row.again_state == SubmissionState.QUEUED:
        to_do = f"It will be submitted again on {date_text(row.again_on)}."
    else:
        to_do = "It is being submitted again."
    return f"{STATE[state].lower()}. {row.failure} {to_do}"


def _failure(text: str, rows: Sequence[Row[Any]]) -> SubmissionNotice:
    return SubmissionNotice(
        level=HealthLevel.FAILURE,
        text=f"{_panels(rows)}: {text}",
        submission_ids=tuple(row.submission_id for row in rows),
        stage=Stage.of(SubmissionState(rows[0].state)),
    )


def _passed(text: str, rows: Sequence[Row[Any]]) -> SubmissionNotice:
    ids = tuple(row.submission_id for row in rows)
    level = HealthLevel.WARNING
    return SubmissionNotice(level=level, text=f"{_panels(rows)}: {text}", submission_ids=ids, stage=Stage.DELIVERED)


def _rehearsed(rows: Sequence[Row[Any]]) -> list[SubmissionNotice]:
    by_text: dict[str, list[Row[Any]]] = {}
    for row in rows:
        by_text.setdefault(would_be_held(row.held, row.automatic), []).append(row)
    return [
        SubmissionNotice(
            level=HealthLevel.WARNING,
            text=f"{_panels(same)}: {text}",
            panel_ids=tuple(row.panel_id for row in same),
        )
        for text, same in by_text.items()
    ]


def _delay(rows: Sequence[Row[Any]], calendar: Calendar) -> SubmissionNotice:
    """One for all: what keeps one panel from being sent keeps them all. The cause is that of the latest attempt."""
    zone = calendar.zone
    latest = max(rows, key=lambda row: last_attempt(row.next_attempt_at, row.attempts))
    until = min(row.first_attempt_at for row in rows) + RETRY_FOR
    under_way = any(SubmissionState(row.state) is SubmissionState.SENDING for row in rows)
    following = (
        "An attempt is in progress"
        if under_way
        else f"Next attempt: {moment_text(min(row.next_attempt_at for row in rows), zone)}"
    )
    text = (
        f"{_panels(rows)}: not delivered yet. {latest.failure} "
        f"Last attempt: {moment_text(last_attempt(latest.next_attempt_at, latest.attempts), zone)}. {following}. "
        f"Nothing needs to be done until {moment_text(until, zone)}: it is retried automatically until then."
    )
    ids = tuple(row.submission_id for row in rows)
    return SubmissionNotice(level=HealthLevel.WARNING, text=text, submission_ids=ids, stage=Stage.OPEN)


def _panels(rows: Sequence[Row[Any]]) -> str:
    return panels_text([row.number for row in rows])
