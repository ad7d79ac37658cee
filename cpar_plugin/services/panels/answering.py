"""Giving an answer to a caution, and taking one back: for everyone who may see the patient."""

from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.orm import Session

from ...domain.answers import fingerprint
from ...domain.cautions import Caution, values
from ...domain.refusals import Stale
from ...hooks import Actor, Host
from ...store.tables import answer, member
from ...store.types import KEYS
from ..operations import clinic, record
from ..operations.record import OperationKind
from ..roster import member_rows
from ..roster.member_rows import MemberRow

_CHANGED = "The patient's data has changed since this page was loaded. Nothing was saved: review it and try again."


class AnswerChange(StrEnum):
    """What came of a wish; `unchanged` when it was so already."""

    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"
    UNCHANGED = "unchanged"


def give(host: Host, actor: Actor, patient_id: int, caution: Caution, *, seen_fingerprint: str) -> AnswerChange:
    """Store that the actor checked a caution's values against the card: those of `seen_fingerprint`.

    Raises Stale when these are other values by now, or the patient is no longer on a panel.
    """
    with host.database.session() as session:
        clinic.lock(session)
        row = _row(session, host, patient_id)
        if fingerprint(caution, values(caution, row)) != seen_fingerprint:
            raise Stale(_CHANGED)
        last = _last(session, patient_id, caution)
        if last and last.fingerprint == seen_fingerprint:
            return AnswerChange.UNCHANGED
        _add(session, host, actor, patient_id, caution, seen_fingerprint)
        return AnswerChange.ANSWERED


def withdraw(host: Host, actor: Actor, patient_id: int, caution: Caution, *, seen_fingerprint: str) -> AnswerChange:
    """Withdraw an answer, of any user. Raises Stale when the last one is no longer that of `seen_fingerprint`."""
    with host.database.session() as session:
        clinic.lock(session)
        last = _last(session, patient_id, caution) if patient_id in KEYS else None
        if last is None or last.fingerprint is None:
            return AnswerChange.UNCHANGED
        if last.fingerprint != seen_fingerprint:
            raise Stale(_CHANGED)
        _add(session, host, actor, patient_id, caution, None)
        return AnswerChange.WITHDRAWN


def _row(session: Session, host: Host, patient_id: int) -> MemberRow:
    query = member_rows.members(host, now=host.clock.now()).where(member.c.patient_id == patient_id)
    row = session.execute(query).one_or_none() if patient_id in KEYS else None
    if row is None:
        raise Stale("This patient is no longer on a panel. Nothing was changed: reload the page.")
    return MemberRow._make(row)


def _last(session: Session, patient_id: int, caution: Caution) -> Row[Any] | None:
    conditions = answer.c.patient_id == patient_id, answer.c.caution == caution
    return session.execute(
        select(answer).where(*conditions).order_by(answer.c.operation_id.desc()).limit(1)
    ).one_or_none()


def _add(
    session: Session, host: Host, actor: Actor, patient_id: int, caution: Caution, seen_fingerprint: str | None
) -> None:
    kind = OperationKind.ANSWER if seen_fingerprint else OperationKind.WITHDRAW_ANSWER
    panel_id = session.scalar(select(member.c.panel_id).where(member.c.patient_id == patient_id))
    operation_id = record.begin(session, host, actor, kind, panel_id=panel_id, patient_id=patient_id)
    row = {"patient_id": patient_id, "caution": caution, "operation_id": operation_id, "fingerprint": seen_fingerprint}
    session.execute(insert(answer).values(row))
