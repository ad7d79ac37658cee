"""Undo a bulk operation: restore what it changed, where it has not been changed since."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import FromClause, Row, Select, func, not_, or_, select
from sqlalchemy.orm import Session

from ...domain.refusals import NotFound, Refused
from ...domain.submission import SubmissionState
from ...hooks import Actor, Host
from ...store import ledger, tables
from ...store.tables import member, operation, panel
from ...store.types import KEYS
from ..operations import clinic, memberships, other_memberships, record
from ..operations.record import BULK, OperationKind
from ..roster import merges
from .history import Undone
from .not_restored import movable

_ARRIVED = (
    SubmissionState.SENDING,
    SubmissionState.WAITING,
    SubmissionState.DELIVERED,
    SubmissionState.WRITTEN,
)


class UndoneAlready(Refused):
    """Someone else, or a second click of the button, came first: everything is as it was before the operation."""


def undo(host: Host, actor: Actor, operation_id: int) -> Undone:
    """Restore panel, dates and how of every patient who is still as the operation left them and visible to the actor.

    Raises NotFound, UndoneAlready, and Refused for what is no bulk operation, involves a panel deleted since, or has
    nothing left to restore, nor to move back.
    """
    with host.database.session() as session:
        clinic.lock(session)
        undone_operation = _undoable(session, operation_id)
        merges.reconcile(session, host)
        undoing = record.begin(
            session,
            host,
            actor,
            OperationKind.UNDO,
            panel_id=undone_operation.panel_id,
            from_panel_id=undone_operation.from_panel_id,
            undoes=operation_id,
        )
        entry = tables.ledger.alias("entry")
        as_left = _as_left(entry, operation_id)
        visible = host.identity.visible(actor, entry.c.patient_id)
        restored = ledger.append(session, undoing, as_left.where(visible))
        not_visible = session.scalars(select(func.count()).select_from(as_left.where(not_(visible)).subquery())).one()
        on_lists, _ = other_memberships.restore(session, host, actor, operation_id, undoing)
        if (
            not restored
            and not on_lists
            and session.scalar(_movable(host, actor, entry, operation_id).limit(1)) is None
        ):
            no_access = ", or you have no access" if not_visible else ""
            raise Refused(
                f"Every patient in this operation has been changed since{no_access}: there is nothing to undo."
            )
        memberships.carry_out(session, undoing, restores=True)
        record.record_patients(session, host, actor, OperationKind.UNDO, undoing)
        if on_lists:
            other_memberships.finish(session, host, actor, OperationKind.UNDO, undoing, restores=True)
        entries = select(func.count()).where(tables.ledger.c.operation_id == operation_id)
        changed_since = session.scalars(entries).one() - restored - not_visible
        undone = Undone(restored, changed_since, not_visible, on_lists)
        record.conclude(session, undoing, asdict(undone))
    return undone


def _undoable(session: Session, operation_id: int) -> Row[Any]:
    query = select(operation).where(operation.c.operation_id == operation_id)
    row = session.execute(query).one_or_none() if operation_id in KEYS else None
    if row is None:
        raise NotFound("Operation not found.")
    if row.kind not in BULK:
        raise Refused("Only a Bulk Update can be undone. Change this one on the patient's page.")
    if session.scalar(select(operation.c.operation_id).where(operation.c.undoes == operation_id)) is not None:
        raise UndoneAlready("This operation has already been undone.")
    _require_live_panels(session, operation_id)
    if row.kind == OperationKind.BULK_DEPARTURE:
        _refuse_submitted(session, row)
    return row


def _refuse_submitted(session: Session, departure: Row[Any]) -> None:
    """A departure is undone until a panel concerned was submitted since, or may have been."""
    concerned = tables.operation_panel.c
    arrived = tables.submission.c.state.in_(_ARRIVED) | tables.submission.c.in_doubt_since.is_not(None)
    submitted = session.execute(
        select(panel.c.number)
        .join_from(tables.submission, tables.snapshot, tables.snapshot.c.snapshot_id == tables.submission.c.snapshot_id)
        .join(tables.operation_panel, concerned.panel_id == tables.submission.c.panel_id)
        .join(panel, panel.c.panel_id == concerned.panel_id)
        .where(concerned.operation_id == departure.operation_id, tables.snapshot.c.taken_at > departure.at, arrived)
        .order_by(panel.c.number)
        .limit(1)
    ).one_or_none()
    if submitted is not None:
        raise Refused(
            f"Panel {submitted.number} has been submitted since: the registry has these patients with it, and the move "
            "can no longer be undone. Move patients with Bulk Update instead."
        )


def _require_live_panels(session: Session, operation_id: int) -> None:
    entry = tables.ledger.c
    involved = [
        panel.c.panel_id.in_(select(column).where(entry.operation_id == operation_id))
        for column in (entry.from_panel_id, entry.to_panel_id)
    ]
    number = session.scalar(select(panel.c.number).where(panel.c.live_number.is_(None), or_(*involved)).limit(1))
    if number is not None:
        raise Refused(f"Panel {number} has since been deleted: this operation can no longer be undone.")


def move_back(host: Host, actor: Actor, operation_id: int, patient_id: int | None = None) -> int:
    """After the undo, restore those it skipped who only were confirmed since on the panel where the operation put them.

    All of them that are visible to the actor, or one. Returns how many. Raises NotFound, and Refused for an operation
    that was not undone, that involves a panel deleted since, or where no such patient is left.
    """
    with host.database.session() as session:
        clinic.lock(session)
        undo_of = select(operation.c.operation_id).where(operation.c.undoes == operation_id)
        if operation_id not in KEYS or session.scalar(undo_of) is None:
            raise NotFound("This bulk update has not been undone.")
        _require_live_panels(session, operation_id)
        merges.reconcile(session, host)
        entry = tables.ledger.alias("entry")
        patients = _movable(host, actor, entry, operation_id)
        patients = patients.add_columns(*ledger.columns(), *ledger.before(entry))
        if patient_id is not None:
            patients = patients.where(entry.c.patient_id == patient_id)
        moving = record.begin(session, host, actor, OperationKind.MOVE_BACK)
        moved = ledger.append(session, moving, patients)
        if not moved:
            raise Refused("No patient was left to move back: they have been changed in the meantime.")
        memberships.carry_out(session, moving, restores=True)
        record.record_patients(session, host, actor, OperationKind.MOVE_BACK, moving)
        record.conclude(session, moving, {"of": operation_id, "restored": moved})
    return moved


def _movable(host: Host, actor: Actor, entry: FromClause, operation_id: int) -> Select[Any]:
    """Those whom `move_back` restores: the undo of the operation is already recorded in this transaction."""
    source = entry.outerjoin(member, member.c.patient_id == entry.c.patient_id)
    visible = host.identity.visible(actor, entry.c.patient_id)
    return select(entry.c.patient_id).select_from(source).where(*movable(entry, operation_id), visible)


def _as_left(entry: FromClause, operation_id: int) -> Select[Any]:
    as_left = zip(ledger.columns(), ledger.after(entry), strict=True)
    return (
        select(entry.c.patient_id, *ledger.columns(), *ledger.before(entry))
        .select_from(entry.outerjoin(member, member.c.patient_id == entry.c.patient_id))
        .where(entry.c.operation_id == operation_id, *(now.is_not_distinct_from(after) for now, after in as_left))
    )
