"""Many patients at once, on affiliations and caseloads: a preview, one operation, and its undo."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, literal, select
from sqlalchemy.orm import Session

from ...domain.panel_kind import OtherKind, other_kind_of
from ...domain.refusals import NotFound, Refused
from ...hooks import Actor, Host
from ...store import other_ledger as ledger
from ...store.tables import operation, other_member
from ...store.types import KEYS
from ..operations import clinic, other_memberships, record
from ..operations.record import OperationKind
from ..roster import merges
from ..roster.providers import actor_names
from . import orders
from .orders import OtherAction, OtherOrder, order_text


@dataclass(frozen=True, slots=True)
class OtherPreview:
    """What an order would do now, in numbers of patients; after carrying it out, what it did."""

    added: int = 0  # who were on none of the kind
    moved: int = 0
    removed: int = 0
    same: int = 0  # on it already
    not_visible: int = 0  # to the actor
    without_date: int = 0  # of those added and moved: no date of the signed form
    dated: int = 0  # on it already, and the date of the form becomes another one
    before_birth: int = 0  # not dated, because they were born later

    @property
    def changed(self) -> int:
        """How many patients it changes."""
        return self.added + self.moved + self.removed + self.dated


@dataclass(frozen=True, slots=True)
class OtherOperation:
    """A bulk operation as its page shows it."""

    operation_id: int
    at: datetime
    by: str
    kind: OtherKind
    text: str
    done: OtherPreview
    undone_at: datetime | None


def preview(host: Host, actor: Actor, order: OtherOrder) -> OtherPreview:
    """What the order would do. Changes nothing but to follow merges. Raises Refused and NotFound."""
    merges.catch_up(host)
    with host.database.engine.connect() as connection:
        order_text(connection, host, order)
        return _count(connection, host, actor, order)


def carry_out(host: Host, actor: Actor, order: OtherOrder, form_key: str | None) -> int | None:
    """Carry the order out as one operation. Returns its id, None where there was no one to change.

    Sent twice with the same `form_key`, it is carried out once.
    """
    with host.database.session() as session:
        clinic.lock(session)
        if form_key and (done := done_with(session, form_key)):
            return done
        merges.reconcile(session, host)
        connection = session.connection()
        text = order_text(connection, host, order)
        counts = _count(connection, host, actor, order)
        if not counts.changed:
            return None
        operation_id = record.begin(session, host, actor, OperationKind.BULK_OTHER, form_key=form_key)
        of = orders.candidates(host, order)
        visible = host.identity.visible(actor, of.patient_id)
        changes: Select[*tuple[Any, ...]] = (
            select(of.patient_id, literal(order.kind.value), *ledger.columns(), *orders.after(host, order))
            .select_from(of.source)
            .where(*of.conditions, visible, orders.changes(order, of.patient))
        )
        ledger.append(session, operation_id, changes)
        other_memberships.finish(session, host, actor, OperationKind.BULK_OTHER, operation_id)
        record.conclude(session, operation_id, {"kind": order.kind.value, "text": text, "done": asdict(counts)})
    return operation_id


def undo(host: Host, actor: Actor, operation_id: int) -> tuple[int, int]:
    """Restore those who are still as the operation left them. Returns how many were, and how many were not, restored.

    Raises NotFound, and Refused: undone already, deleted or ended since, or nobody left to restore.
    """
    with host.database.session() as session:
        clinic.lock(session)
        _undoable(session, operation_id)
        merges.reconcile(session, host)
        undoing = record.begin(session, host, actor, OperationKind.UNDO_OTHER, undoes=operation_id)
        restored, total = other_memberships.restore(session, host, actor, operation_id, undoing)
        if not restored:
            raise Refused("Every patient in this operation has been changed since: there is nothing to undo.")
        other_memberships.finish(session, host, actor, OperationKind.UNDO_OTHER, undoing, restores=True)
        record.conclude(session, undoing, {"restored": restored, "not_restored": total - restored})
    return restored, total - restored


def operation_of(connection: Connection, host: Host, operation_id: int) -> OtherOperation:
    """A bulk operation. Raises NotFound."""
    rows = _operations(connection, host, operation.c.operation_id == operation_id) if operation_id in KEYS else []
    if not rows:
        raise NotFound("Operation not found.")
    return rows[0]


def latest(connection: Connection, host: Host, at_most: int = 10) -> list[OtherOperation]:
    """The last bulk operations, the latest first."""
    return _operations(connection, host, operation.c.kind == OperationKind.BULK_OTHER.value, at_most)


def _operations(
    connection: Connection, host: Host, which: ColumnElement[bool], at_most: int = 1
) -> list[OtherOperation]:
    undoing = operation.alias("undoing")
    columns = operation.c.operation_id, operation.c.at, operation.c.actor_id, operation.c.detail
    rows = connection.execute(
        select(*columns, undoing.c.at.label("undone_at"))
        .outerjoin_from(operation, undoing, undoing.c.undoes == operation.c.operation_id)
        .where(which, operation.c.kind == OperationKind.BULK_OTHER.value)
        .order_by(operation.c.operation_id.desc())
        .limit(at_most)
    ).all()
    names = actor_names(connection, host, {row.actor_id for row in rows})
    return [_operation(row, names[row.actor_id]) for row in rows]


def _operation(row: Row[*tuple[Any, ...]], by: str) -> OtherOperation:
    detail = orjson.loads(row.detail)
    done = OtherPreview(**detail["done"])
    kind = other_kind_of(detail["kind"])
    return OtherOperation(row.operation_id, row.at, by, kind, detail["text"], done, row.undone_at)


def done_with(session: Session, form_key: str) -> int | None:
    """The operation that a form with this key has asked for, None where it was not carried out yet."""
    return session.scalar(select(operation.c.operation_id).where(operation.c.form_key == form_key))


def _count(connection: Connection, host: Host, actor: Actor, order: OtherOrder) -> OtherPreview:
    of = orders.candidates(host, order)
    member, visible = other_member.c, host.identity.visible(actor, of.patient_id)
    changes, too_early = orders.changes(order, of.patient), orders.before_birth(order, of.patient)
    new, counted = member.other_panel_id.is_(None), orders.counted
    query = select(
        counted(and_(visible, changes, new)).label("new"),
        counted(and_(visible, changes, ~new)).label("present"),
        counted(and_(visible, ~changes, ~too_early)).label("same"),
        counted(and_(visible, too_early)).label("before_birth"),
        counted(~visible).label("not_visible"),
        counted(and_(visible, changes, member.signed_on.is_(None))).label("without_date"),
    )
    row = connection.execute(query.select_from(of.source).where(*of.conditions)).one()
    present = {
        OtherAction.ASSIGN: "moved",
        OtherAction.MOVE: "moved",
        OtherAction.REMOVE: "removed",
        OtherAction.SIGN: "dated",
    }[order.action]
    return OtherPreview(
        added=int(row.new),
        same=int(row.same),
        not_visible=int(row.not_visible),
        before_birth=int(row.before_birth),
        without_date=int(row.without_date) if order.to_id and order.kind.is_signed else 0,
        **{present: int(row.present)},
    )


def _undoable(session: Session, operation_id: int) -> None:
    columns = operation.c.kind, operation.c.operation_id
    row = session.execute(select(*columns).where(operation.c.operation_id == operation_id)).one_or_none()
    if operation_id not in KEYS or row is None or row.kind != OperationKind.BULK_OTHER:
        raise NotFound("Operation not found.")
    if session.scalar(select(operation.c.operation_id).where(operation.c.undoes == operation_id)) is not None:
        raise Refused("This operation has already been undone.")
