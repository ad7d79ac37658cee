"""A confirmation that another program sends: a kiosk, or another check-in program. Carried out once for each key."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from ...domain.confirmation import ConfirmedHow
from ...domain.refusals import Refused
from ...hooks import Actor, Host
from ...store.tables import client_confirmation, member
from ..operations import clinic
from ..panels import one_patient
from ..panels.one_patient import MemberChange

_NOT_A_MEMBER = "This patient is not a member of this Group. Nothing was changed."
_OTHER_CONTENT = "This idempotencyKey was used for another confirmation. Use a new one. Nothing was changed."


class SentConfirmation(NamedTuple):
    """A client asked this patient of this panel on a civil day of the clinic. `key`: at most 64 characters."""

    key: str
    panel_id: int
    patient_id: int
    day: date


class Recorded(NamedTuple):
    """What came of it, and when. `unchanged`: the patient was confirmed on that day already, or later."""

    outcome: MemberChange
    at: datetime


def confirm(host: Host, actor: Actor, client_no: int, sent: SentConfirmation) -> Recorded:
    """Confirm a member as asked by a client. The same key again returns what it returned, and changes nothing.

    Raises Refused for a key used with other content, a day that cannot be, and a patient who cannot be confirmed on
    this panel. A refused key can be used again.
    """
    columns = client_confirmation.c
    with host.database.session() as session:
        clinic.lock(session)  # two with one key at once: the second one finds the first
        same = columns.client_id == client_no, columns.idempotency_key == sent.key
        earlier = session.execute(select(client_confirmation).where(*same)).one_or_none()
        if earlier:
            if (earlier.panel_id, earlier.patient_id, earlier.day) != sent[1:]:
                raise Refused(_OTHER_CONTENT)
            return Recorded(MemberChange(earlier.outcome), earlier.at)
        recorded = Recorded(_confirmed(session, host, actor, sent), host.clock.now())
        values = {"client_id": client_no, "idempotency_key": sent.key, **recorded._asdict()}
        values |= {"panel_id": sent.panel_id, "patient_id": sent.patient_id, "day": sent.day}
        session.execute(insert(client_confirmation).values(values))
    return recorded


def _confirmed(session: Session, host: Host, actor: Actor, sent: SentConfirmation) -> MemberChange:
    patient, zone = host.roster.patients(), host.clock.zone
    membership = session.execute(
        select(member.c.panel_id, member.c.since)
        .join(patient, patient.c.patient_id == member.c.patient_id)
        .where(member.c.patient_id == sent.patient_id)
    ).one_or_none()
    if membership is None or membership.panel_id != sent.panel_id:
        raise Refused(_NOT_A_MEMBER)
    if sent.day > host.clock.now().astimezone(zone).date():
        raise Refused("date is in the future. Send the day on which the patient was asked. Nothing was changed.")
    if sent.day < membership.since.astimezone(zone).date():
        raise Refused("date is before the patient was added to this Group. Nothing was changed.")
    how = ConfirmedHow.AT_CHECK_IN
    return one_patient.confirm_within(
        session, host, actor, sent.patient_id, how, seen_panel_id=sent.panel_id, on=sent.day
    )
