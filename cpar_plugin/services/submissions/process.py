"""One submission's work: take the snapshot, send it, write down the answer. A crash at any point is taken up later.

Broken off while preparing: a new snapshot. Broken off with a stored snapshot: the same bytes and identifier again,
since it is not known whether the first one arrived.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, assert_never

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ...domain.calendar import RETRY_FOR
from ...domain.guard import SentBefore, SubmissionOutlook, WindowEnd, hold
from ...domain.refusals import NotFound, Refused
from ...domain.submission import FINAL, SubmissionState
from ...hooks import AuditEvent, Host
from ...settings import Settings
from ...store.tables import panel, snapshot, submission
from ...tracing import about
from ...transport import DeliveryOutcome, DeliveryResult, Envelope, Transport
from ..roster import merges
from ..roster.readable import reading_error
from ..snapshots import build as snapshots
from ..snapshots.outlook import last_sent
from . import texts
from .lease import Claim, Now, keep_until, move_on, renewed

log = logging.getLogger(__name__)

PREPARATIONS = 5
_PAUSE = timedelta(minutes=1)


def advance(host: Host, settings: Settings, transport: Transport, claim: Claim, now: Now) -> SubmissionState | None:
    """Bring a claimed submission as far as it goes now. Returns its state then; None when the claim was lost."""
    with about(panel=claim.panel_id, submission=claim.submission_id):
        if claim.state not in (SubmissionState.DUE, SubmissionState.PREPARING):
            return _send(host, settings, transport, claim, now)
        with renewed(host, settings, claim, now):
            state, ready = _prepare(host, settings, claim, now)
        return _send(host, settings, transport, ready, now) if ready else state


def _prepare(host: Host, settings: Settings, claim: Claim, now: Now) -> tuple[SubmissionState | None, Claim | None]:
    if not _can_send(host, settings, now()):
        return _finish(host, claim, SubmissionState.FAILED, now(), failure=texts.BLACKOUT_BEGAN), None
    if claim.attempts >= PREPARATIONS:
        return _finish(host, claim, SubmissionState.FAILED, now(), failure=texts.BROKE_OFF), None
    with host.database.session() as session:
        if not move_on(session, claim, SubmissionState.PREPARING, now(), attempts=claim.attempts + 1):
            return None, None
    notes: list[str] = []
    try:
        _forget_leftovers(host, claim)
        merges.catch_up(host)
        result = snapshots.take(
            host, settings, claim.panel_id, now=now(), guard=_guard(host, settings, claim, now(), notes)
        )
    except _HeldError as held:
        return _finish(host, claim, SubmissionState.HELD, now(), failure=str(held)), None
    except NotFound:
        # The user who deleted the panel needs no message that nothing was sent.
        notified_at = now()
        return _finish(
            host, claim, SubmissionState.NOTHING_TO_SEND, notified_at, failure=texts.DELETED, notified_at=notified_at
        ), None
    except Refused as refused:
        return _finish(host, claim, SubmissionState.FAILED, now(), failure=str(refused)), None
    except Exception as error:
        # Only the kind of error: its text may hold patient data.
        log.error("submission %d could not be prepared: %s", claim.submission_id, type(error).__name__)
        if claim.attempts + 1 >= PREPARATIONS and _is_unreadable(host, claim):
            return _finish(host, claim, SubmissionState.HELD, now(), failure=texts.UNREADABLE), None
        with host.database.session() as session:
            holds_claim = keep_until(session, claim, now() + _PAUSE)
        return (SubmissionState.PREPARING if holds_claim else None), None
    values: dict[str, Any] = {"guard_note": notes[-1]} if notes else {}
    if not result.sent:
        values["failure"] = texts.NO_ONE_VALID if result.excluded else texts.EMPTY
        if not result.excluded:
            values["notified_at"] = now()  # whoever emptied the panel need not be told that nothing was sent
    reached = SubmissionState.READY if result.sent else SubmissionState.NOTHING_TO_SEND
    with host.database.session() as session:
        moved = move_on(session, claim, reached, now(), snapshot_id=result.snapshot_id, attempts=0, **values)
        if moved:
            _audit(session, host, claim, reached)
    if not moved:
        snapshots.forget(host, result.snapshot_id)
        return None, None
    if reached in FINAL:
        return reached, None
    return reached, replace(claim, state=reached, snapshot_id=result.snapshot_id, attempts=0)


class _HeldError(Exception):
    """The guard holds it: the message says why."""


def _guard(host: Host, settings: Settings, claim: Claim, moment: datetime, notes: list[str]) -> snapshots.Guard | None:
    """What looks at a panel before its snapshot is whole; nothing does at one that was released.

    In the last night before the blackout nobody could release it in time: where the setting says so it is sent, and why
    it would have been held is added to `notes`.
    """
    if claim.releases is not None:
        return None
    calendar = settings.calendar(host.clock.zone)
    window_ends = calendar.is_last_before_blackout(calendar.today(moment))
    sends = window_ends and settings.hold_window_end is WindowEnd.SEND
    limits = settings.guard_limits

    def look(before: SentBefore | None, outlook: SubmissionOutlook) -> None:
        found = hold(before, outlook, limits)
        if before is None or found is None:
            return
        why = texts.held(found, before, outlook, limits)
        if not sends:
            raise _HeldError(why)
        notes.append(texts.sent_all_the_same(why))

    return look


def _is_unreadable(host: Host, claim: Claim) -> bool:
    """Whether the roster cannot be read, of a panel that was submitted before and was not released."""
    if claim.releases is not None or reading_error(host) is None:
        return False
    with host.database.engine.connect() as connection:
        return last_sent(connection, claim.panel_id) is not None


def _forget_leftovers(host: Host, claim: Claim) -> None:
    """Remove whole snapshots of the panel whose worker died before it could record them."""
    unused = ~exists().where(submission.c.snapshot_id == snapshot.c.snapshot_id)
    with host.database.engine.connect() as connection:
        ids = connection.scalars(
            select(snapshot.c.snapshot_id).where(snapshot.c.panel_id == claim.panel_id, unused)
        ).all()
    for snapshot_id in ids:
        snapshots.forget(host, snapshot_id)


def _send(host: Host, settings: Settings, transport: Transport, claim: Claim, now: Now) -> SubmissionState | None:
    """Send what is stored. `claim` has a snapshot."""
    moment = now()
    tried_for = moment - (claim.first_attempt_at or moment)
    if tried_for > RETRY_FOR:
        failure = texts.gave_up(claim.failure or texts.BROKE_OFF_SENDING, claim.in_doubt_since)
        return _finish(host, claim, SubmissionState.FAILED, moment, failure=failure)
    if not _can_send(host, settings, moment):
        return _finish(host, claim, SubmissionState.FAILED, moment, failure=texts.BLACKOUT_BEGAN)
    first, attempts = claim.first_attempt_at or moment, claim.attempts + 1
    with host.database.session() as session:
        claimed_until = moment + settings.claim_time
        sending = {"first_attempt_at": first, "attempts": attempts, "claimed_until": claimed_until}
        # Until an answer says otherwise: it is not known what was sent when this worker dies.
        in_doubt: dict[str, datetime | None] = {"in_doubt_since": claim.in_doubt_since or moment}
        if not move_on(session, claim, SubmissionState.SENDING, moment, **sending, **in_doubt):
            return None
    # A worker that sends for longer than allowed has stopped: another worker takes over.
    with renewed(host, settings, claim, now, at_most_seconds=settings.registry_seconds):
        answer = _answer(host, transport, claim)
    # By the snapshot the registry knows the request, too: it is the header X-Request-Id.
    log.info("snapshot %s, attempt %d: %s (status %s)", claim.snapshot_id, attempts, answer.outcome, answer.status)
    state = _final(answer.outcome)
    if state:
        reason = answer.message if state is SubmissionState.REFUSED else None
        return _finish(host, claim, state, now(), answer=answer, failure=reason)
    if answer.outcome is DeliveryOutcome.NOT_SENT:
        in_doubt = {"in_doubt_since": claim.in_doubt_since}
    retry_at = settings.calendar(host.clock.zone).next_attempt(first, attempts, now())
    if retry_at is None:
        reason = texts.gave_up(answer.message, in_doubt["in_doubt_since"])
        return _finish(host, claim, SubmissionState.FAILED, now(), answer=answer, failure=reason, **in_doubt)
    waiting = {"failure": answer.message, "next_attempt_at": retry_at}
    return _finish(host, claim, SubmissionState.WAITING, now(), answer=answer, **waiting, **in_doubt)


def _final(outcome: DeliveryOutcome) -> SubmissionState | None:
    """The state that an attempt ends in, None where it is worth another."""
    match outcome:
        case DeliveryOutcome.DELIVERED:
            return SubmissionState.DELIVERED
        case DeliveryOutcome.WRITTEN:
            return SubmissionState.WRITTEN
        case DeliveryOutcome.REFUSED:
            return SubmissionState.REFUSED
        case DeliveryOutcome.NOT_SENT | DeliveryOutcome.UNCLEAR:
            return None
        case _:
            assert_never(outcome)


def _can_send(host: Host, settings: Settings, moment: datetime) -> bool:
    calendar = settings.calendar(host.clock.zone)
    return not calendar.in_blackout(calendar.today(moment))


def _answer(host: Host, transport: Transport, claim: Claim) -> DeliveryResult:
    try:
        with host.database.engine.connect() as connection:
            stored = connection.execute(
                select(snapshot, panel.c.number)
                .join_from(snapshot, panel, panel.c.panel_id == snapshot.c.panel_id)
                .where(snapshot.c.snapshot_id == claim.snapshot_id)
            ).one()
        return transport.send(
            Envelope(
                snapshot_id=stored.snapshot_id,
                panel_number=stored.number,
                taken_at=stored.taken_at,
                sha256=stored.sha256,
                body_bytes=stored.body_bytes,
                entries=stored.entries,
                open_body=partial(snapshots.body, host, stored.snapshot_id),
            )
        )
    except Refused as refused:
        return DeliveryResult(outcome=DeliveryOutcome.UNCLEAR, message=str(refused))
    except Exception as error:
        log.error("submission %d could not be sent: %s", claim.submission_id, type(error).__name__)
        return DeliveryResult(
            outcome=DeliveryOutcome.UNCLEAR, message=f"Sending was interrupted ({type(error).__name__})."
        )


def _finish(
    host: Host,
    claim: Claim,
    state: SubmissionState,
    moment: datetime,
    *,
    answer: DeliveryResult | None = None,
    **values: Any,
) -> SubmissionState | None:
    if answer is not None:
        values |= {
            "answer_status": answer.status,
            "answer_id": answer.answer_id and answer.answer_id[:64],  # as long as FHIR lets an id be
            "answer_detail": answer.detail or None,
        }
    with host.database.session() as session:
        if not move_on(session, claim, state, moment, **values):
            return None
        _audit(session, host, claim, state)
    log.info("submission %d: %s", claim.submission_id, state)
    return state


def _audit(session: Session, host: Host, claim: Claim, state: SubmissionState) -> None:
    event = AuditEvent(
        actor=host.identity.system,
        action="sent" if state in (SubmissionState.DELIVERED, SubmissionState.WRITTEN) else "update",
        noun="cparSubmission",
        key=str(claim.submission_id),
        detail=f"panel {claim.panel_id}: {state}",
    )
    if state in FINAL:
        host.audit.record(session, event)
