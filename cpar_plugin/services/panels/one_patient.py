"""Changes to the panel of one patient: put on a panel, moved, removed, confirmed."""

from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ...domain.confirmation import ConfirmedHow, may_confirm
from ...domain.refusals import NotFound, Refused, Stale
from ...domain.removal import NO_REASON, Removal
from ...domain.wording import kind_of
from ...hooks import Actor, Host, StatusKind
from ...store import ledger, tables
from ...store.ledger import PanelMembership
from ...store.types import KEYS
from ..operations import clinic, memberships, record
from ..operations.record import OperationKind

NO_RECORD = "Record not found in the EMR, or it was merged into another: open the record that was kept."


class MemberChange(StrEnum):
    """What came of a wish; `unchanged` when it was so already."""

    ADDED = "added"
    MOVED = "moved"
    REMOVED = "removed"
    CONFIRMED = "confirmed"
    UNCHANGED = "unchanged"


def choose(host: Host, actor: Actor, patient_id: int, panel_id: int, *, seen_panel_id: int | None) -> MemberChange:
    """Put the patient on a panel, from whatever panel they are on; confirmed today.

    Raises Stale when the patient is no longer on the panel that the actor saw (`seen_panel_id`, None for none), and
    NotFound for a patient or panel that is not there.
    """
    with host.database.session() as session:
        clinic.lock(session)
        _require_patient(session, host, patient_id)
        _require_live_panel(session, panel_id)
        before = ledger.membership_of(session, patient_id)
        if before and before.panel_id == panel_id:
            return MemberChange.UNCHANGED
        _refuse_unseen(session, before, seen_panel_id)
        now = host.clock.now()
        after = PanelMembership(panel_id, now, _civil(now, host), ConfirmedHow.ON_ADDING)
        _change(session, host, actor, OperationKind.MOVE if before else OperationKind.ADD, patient_id, before, after)
        return MemberChange.MOVED if before else MemberChange.ADDED


def remove(
    host: Host, actor: Actor, patient_id: int, *, seen_panel_id: int | None, removal: Removal = NO_REASON
) -> MemberChange:
    """Take the patient off the panel that the actor saw, with why. Raises Stale when they are on another one by now."""
    with host.database.session() as session:
        clinic.lock(session)
        return remove_within(session, host, actor, patient_id, seen_panel_id=seen_panel_id, removal=removal)


def remove_within(
    session: Session,
    host: Host,
    actor: Actor,
    patient_id: int,
    *,
    seen_panel_id: int | None,
    removal: Removal,
) -> MemberChange:
    """The same within a transaction that has the clinic's lock."""
    before = _membership(session, patient_id)
    if before is None:
        return MemberChange.UNCHANGED
    _refuse_unseen(session, before, seen_panel_id)
    _change(session, host, actor, OperationKind.REMOVE, patient_id, before, None, removal)
    return MemberChange.REMOVED


def confirm(host: Host, actor: Actor, patient_id: int, *, seen_panel_id: int | None) -> MemberChange:
    """Store that the actor has confirmed the membership today.

    Raises Stale, and Refused for a patient who is on no panel, or deceased.
    """
    with host.database.session() as session:
        clinic.lock(session)
        return confirm_within(session, host, actor, patient_id, ConfirmedHow.BY_PERSON, seen_panel_id=seen_panel_id)


def confirm_within(
    session: Session,
    host: Host,
    actor: Actor,
    patient_id: int,
    how: ConfirmedHow,
    *,
    seen_panel_id: int | None,
    on: date | None = None,
) -> MemberChange:
    """The same within a transaction that has the clinic's lock, with how it came about.

    `on`: the civil day of the confirmation, None for today. A later one that there is already stays.
    """
    before = _membership(session, patient_id)
    _refuse_unseen(session, before, seen_panel_id)
    if before is None:
        raise Refused(
            "This patient is not on a panel. Add the patient to a panel; this also sets the confirmation date."
        )
    day = on or _civil(host.clock.now(), host)
    status = _status(session, host, patient_id)
    if kind_of(host.roster, status) is StatusKind.DECEASED:
        raise Refused(
            "This patient is deceased and cannot be confirmed. Remove the patient from the panel, or correct the "
            "status if it is wrong."
        )
    is_later = on is not None and before.confirmed_on is not None and before.confirmed_on > on
    if is_later or not may_confirm(before.confirmed_on, day, kind_of(host.roster, status)):
        return MemberChange.UNCHANGED
    after = replace(before, confirmed_on=day, confirmed_how=how)
    _change(session, host, actor, OperationKind.CONFIRM, patient_id, before, after)
    return MemberChange.CONFIRMED


def _civil(moment: datetime, host: Host) -> date:
    return moment.astimezone(host.clock.zone).date()


def _membership(session: Session, patient_id: int) -> PanelMembership | None:
    return ledger.membership_of(session, patient_id) if patient_id in KEYS else None


def _require_patient(session: Session, host: Host, patient_id: int) -> None:
    patient = host.roster.patients()
    query = select(patient.c.patient_id).where(patient.c.patient_id == patient_id)
    if patient_id not in KEYS or session.scalar(query) is None:
        raise NotFound(NO_RECORD)


def _status(session: Session, host: Host, patient_id: int) -> str | None:
    patient = host.roster.patients()
    return session.scalar(select(patient.c.status).where(patient.c.patient_id == patient_id))


def _panel_number(session: Session, panel_id: int) -> str | None:
    return session.scalar(select(tables.panel.c.live_number).where(tables.panel.c.panel_id == panel_id))


def _require_live_panel(session: Session, panel_id: int) -> None:
    if panel_id not in KEYS or _panel_number(session, panel_id) is None:
        raise NotFound("This panel has been deleted: select another one.")


def _refuse_unseen(session: Session, before: PanelMembership | None, seen_panel_id: int | None) -> None:
    if before is None and seen_panel_id is not None:
        raise Stale(
            "Someone else removed this patient from the panel in the meantime. Nothing was changed: reload the page."
        )
    if before and before.panel_id != seen_panel_id:
        number = _panel_number(session, before.panel_id)
        raise Stale(
            f"Someone else moved this patient to panel {number} in the meantime. Nothing was changed: reload the page."
        )


def _change(
    session: Session,
    host: Host,
    actor: Actor,
    kind: OperationKind,
    patient_id: int,
    before: PanelMembership | None,
    after: PanelMembership | None,
    removal: Removal = NO_REASON,
) -> None:
    from_panel_id = before.panel_id if before else None
    panel_id = after.panel_id if after else None
    operation_id = record.begin(
        session,
        host,
        actor,
        kind,
        panel_id=panel_id,
        from_panel_id=from_panel_id,
        patient_id=patient_id,
        detail=removal.detail,
    )
    memberships.change_one(session, operation_id, patient_id, before, after)
