"""Changes of one patient: put on an affiliation or a caseload, moved, removed; the date of the signed form."""

from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ...domain.other_panel import signed_on
from ...domain.panel_kind import OtherKind
from ...domain.refusals import NotFound, Refused, Stale
from ...hooks import Actor, Host
from ...store import other_ledger as ledger
from ...store.other_ledger import OtherMembership
from ...store.tables import other_panel
from ...store.types import KEYS
from ..operations import clinic, other_memberships, record
from ..operations.record import OperationKind
from .listing import get

_NO_RECORD: Final = "Record not found in the EMR, or it was merged into another: open the record that was kept."
SIGNED: Final = "signed_on"


class OtherChange(StrEnum):
    """What came of a wish; `unchanged` when it was so already."""

    ADDED = "added"
    MOVED = "moved"
    REMOVED = "removed"
    SIGNED = "signed"
    UNCHANGED = "unchanged"


def choose(
    host: Host, actor: Actor, patient_id: int, other_panel_id: int, *, seen_id: int | None, signed: str = ""
) -> OtherChange:
    """Put the patient on it, from whatever one of the same kind they are on.

    `signed` is the date of the signed form as typed; '' keeps the one that there is. Raises Refused (`signed_on`),
    Stale when the patient is no longer on the one that the actor saw, and NotFound.
    """
    with host.database.session() as session:
        clinic.lock(session)
        panel = get(session.connection(), host, other_panel_id)
        born = _birth_date(session, host, patient_id)
        before = ledger.membership_of(session, patient_id, panel.kind)
        if before and before.other_panel_id == other_panel_id:
            return (
                _sign(session, host, actor, patient_id, panel.kind, before, signed, born)
                if signed.strip()
                else OtherChange.UNCHANGED
            )
        _refuse_unseen(session, panel.kind, before, seen_id)
        day = _signed_on(host, panel.kind, signed, born) or (before.signed_on if before else None)
        after = OtherMembership(other_panel_id, host.clock.now(), day)
        kind = OperationKind.MOVE_IN_OTHER if before else OperationKind.ADD_TO_OTHER
        _change(session, host, actor, kind, patient_id, panel.kind, before, after)
        return OtherChange.MOVED if before else OtherChange.ADDED


def remove(host: Host, actor: Actor, patient_id: int, kind: OtherKind, *, seen_id: int | None) -> OtherChange:
    """Take the patient off the one that the actor saw. Raises Stale when they are on another one by now."""
    with host.database.session() as session:
        clinic.lock(session)
        before = ledger.membership_of(session, patient_id, kind) if patient_id in KEYS else None
        if before is None:
            return OtherChange.UNCHANGED
        _refuse_unseen(session, kind, before, seen_id)
        _change(session, host, actor, OperationKind.REMOVE_FROM_OTHER, patient_id, kind, before, None)
        return OtherChange.REMOVED


def sign(
    host: Host, actor: Actor, patient_id: int, kind: OtherKind, *, seen_id: int | None, signed: str
) -> OtherChange:
    """Enter the date of the signed form, or take it away with ''. Raises Refused (`signed_on`), Stale, and NotFound."""
    with host.database.session() as session:
        clinic.lock(session)
        born = _birth_date(session, host, patient_id)
        before = ledger.membership_of(session, patient_id, kind)
        _refuse_unseen(session, kind, before, seen_id)
        if before is None:
            raise Stale("The patient is on none of this kind. Nothing was changed: reload the page.")
        return _sign(session, host, actor, patient_id, kind, before, signed, born)


def _sign(
    session: Session,
    host: Host,
    actor: Actor,
    patient_id: int,
    kind: OtherKind,
    before: OtherMembership,
    signed: str,
    born: str | None,
) -> OtherChange:
    day = _signed_on(host, kind, signed, born)
    if day == before.signed_on:
        return OtherChange.UNCHANGED
    after = replace(before, signed_on=day)
    _change(session, host, actor, OperationKind.SIGN_OTHER, patient_id, kind, before, after)
    return OtherChange.SIGNED


def _signed_on(host: Host, kind: OtherKind, signed: str, born: str | None) -> date | None:
    if signed.strip() and not kind.is_signed:
        raise Refused({SIGNED: f"A {kind.noun} has no signed form: leave the date empty."})
    return signed_on(signed, SIGNED, host.clock.now().astimezone(host.clock.zone).date(), born)


def _birth_date(session: Session, host: Host, patient_id: int) -> str | None:
    """As the EMR has it. Raises NotFound for a patient that it does not know."""
    patient = host.roster.patients()
    query = select(patient.c.patient_id, patient.c.birth_date).where(patient.c.patient_id == patient_id)
    row = session.execute(query).one_or_none() if patient_id in KEYS else None
    if row is None:
        raise NotFound(_NO_RECORD)
    return row.birth_date  # type: ignore[no-any-return]


def _refuse_unseen(session: Session, kind: OtherKind, before: OtherMembership | None, seen_id: int | None) -> None:
    now_id = before.other_panel_id if before else None
    if now_id == seen_id:
        return
    if now_id is None:
        raise Stale(
            f"Someone else removed this patient from the {kind.noun} in the meantime. Nothing was changed: reload the "
            "page."
        )
    name = session.scalar(select(other_panel.c.name).where(other_panel.c.other_panel_id == now_id))
    raise Stale(
        f"Someone else put this patient on the {kind.noun} {name} in the meantime. Nothing was changed: reload the "
        "page."
    )


def _change(
    session: Session,
    host: Host,
    actor: Actor,
    operation: OperationKind,
    patient_id: int,
    kind: OtherKind,
    before: OtherMembership | None,
    after: OtherMembership | None,
) -> None:
    ids = {"from": before and before.other_panel_id, "to": after and after.other_panel_id}
    operation_id = record.begin(
        session, host, actor, operation, patient_id=patient_id, detail={"kind": kind.value, **ids}
    )
    other_memberships.change_one(session, operation_id, patient_id, kind, before, after)
