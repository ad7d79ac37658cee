"""Storing what came of asking a patient at check-in, with the change that follows from it, in one transaction."""

from datetime import date
from typing import assert_never

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from ...domain.check_in import CheckInAnswer
from ...domain.confirmation import ConfirmedHow
from ...domain.refusals import Stale
from ...domain.removal import Removal, RemovalReason
from ...hooks import Actor, Host
from ...store import ledger
from ...store.tables import check_in
from ..conflicts import ending
from ..operations import clinic
from ..panels import one_patient


def answer(
    host: Host, actor: Actor, patient_id: int, given: CheckInAnswer, *, day: date, seen_panel_id: int | None
) -> None:
    """Store an answer of today; the same one twice changes nothing more.

    `day` and `seen_panel_id` are those of the list that the person saw. Raises Stale when it is another day by now, or
    the patient is on another panel, and Refused for a patient who cannot be confirmed.
    """
    now = host.clock.now()
    if now.astimezone(host.clock.zone).date() != day:
        raise Stale("This list is of another day. Nothing was saved: reload the page.")
    with host.database.session() as session:
        clinic.lock(session)
        learned = ending.learn(session, host, actor, patient_id, given)
        paneled = seen_panel_id is not None or ledger.membership_of(session, patient_id) is not None
        if paneled or not learned:  # who is on no panel is asked about a conflict alone
            _carry_out(session, host, actor, patient_id, given, seen_panel_id)
        same = check_in.c.day == day, check_in.c.patient_id == patient_id
        session.execute(delete(check_in).where(*same))
        row = {"day": day, "patient_id": patient_id, "answer": given, "at": now, "actor_id": actor.actor_id}
        session.execute(insert(check_in).values(row))


def _carry_out(
    session: Session, host: Host, actor: Actor, patient_id: int, given: CheckInAnswer, seen_panel_id: int | None
) -> None:
    match given:
        case CheckInAnswer.CONFIRMED:
            one_patient.confirm_within(
                session, host, actor, patient_id, ConfirmedHow.AT_CHECK_IN, seen_panel_id=seen_panel_id
            )
        case CheckInAnswer.OTHER_PROVIDER | CheckInAnswer.MOVED_AWAY:
            removal = Removal(RemovalReason(given.value))
            one_patient.remove_within(session, host, actor, patient_id, seen_panel_id=seen_panel_id, removal=removal)
        case CheckInAnswer.SKIPPED:
            pass
        case _:
            assert_never(given)
