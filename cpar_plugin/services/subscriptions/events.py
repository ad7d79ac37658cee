"""Gives numbers to what has happened on panels: for each subscription its own, in order, and each once.

Nothing is recorded for subscriptions alone. Memberships come from the ledger: each subscription knows the last
operation whose changes have numbers, and moves on in the transaction that writes those of the next. That a patient's
data have changed is noted in the transaction of the new version (store.versions), and taken from there.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    case,
    delete,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from ...domain.subscription import NUMBERED, PanelEventKind
from ...hooks import Host
from ...store import tables
from ..operations import clinic

_TABLE, _EVENT, _CHANGE = tables.subscription, tables.subscription_event, tables.patient_change
_LEDGER, _OPERATION, _MEMBER = tables.ledger, tables.operation, tables.member
_AT_ONCE = 500
_COLUMNS = (_EVENT.c.kind, _EVENT.c.patient_id, _EVENT.c.panel_id, _EVENT.c.from_panel_id, _EVENT.c.at)
_IS_NUMBERED = _TABLE.c.status.in_(NUMBERED)


def collect(host: Host) -> int:
    """Number whatever has happened since, for every subscription that is not off. Returns how many events that makes.

    Raises Refused when a change of memberships takes too long. Any number of processes may do so at once.
    """
    with host.database.engine.connect() as connection:
        subscription_ids = connection.scalars(select(_TABLE.c.subscription_id).where(_IS_NUMBERED)).all()
        behind = connection.scalar(select(func.min(_TABLE.c.collected_to)).where(_IS_NUMBERED))
        newest = connection.scalar(select(func.max(_LEDGER.c.operation_id))) or 0
        has_changes = connection.scalar(select(_CHANGE.c.change_id).limit(1)) is not None
    count = 0
    if behind is not None and behind < newest:
        until = last_operation(host)
        count += sum(_number_memberships(host, key, until) for key in subscription_ids)
    while has_changes:
        numbered, has_changes = _number_patients(host)
        count += numbered
    return count


def last_operation(host: Host) -> int:
    """The last operation that has changed memberships: none with a lower number is still under way."""
    with host.database.session() as session:
        clinic.lock(session)
        return last_locked(session)


def last_locked(session: Session) -> int:
    """The same, in a transaction that has the clinic's lock."""
    return session.scalar(select(func.max(_LEDGER.c.operation_id))) or 0


def panels_of(connection: Connection, subscription: Row[Any]) -> frozenset[int] | None:
    """The panels that a subscription is about: those asked for that its client may read. None: all of the clinic's."""
    of_client = select(tables.client_panel.c.panel_id).where(tables.client_panel.c.client_id == subscription.client_id)
    allowed = frozenset(connection.scalars(of_client))
    named = None if subscription.panels is None else frozenset(orjson.loads(subscription.panels))
    if named is None:
        return allowed or None
    return named & allowed if allowed else named


def _number_memberships(host: Host, subscription_id: int, until: int) -> int:
    with host.database.session() as session:
        row = _locked(session, _TABLE.c.subscription_id == subscription_id)
        if not row or row[0].collected_to >= until:
            return 0
        [subscription] = row
        panels = panels_of(session.connection(), subscription)
        entries = _memberships(panels).where(
            _LEDGER.c.operation_id > subscription.collected_to, _LEDGER.c.operation_id <= until
        )
        count = _write(session, subscription, entries, [_LEDGER.c.operation_id, _LEDGER.c.patient_id])
        _move_on(session, subscription, count, host.clock.now(), collected_to=until)
    return count


def _memberships(panels: frozenset[int] | None) -> Select[Any]:
    """What the ledger's entries are for someone who sees these panels, in `_COLUMNS`."""
    source, target = _LEDGER.c.from_panel_id, _LEDGER.c.to_panel_id
    left, joined = _seen(source, panels), _seen(target, panels)
    both = left & joined
    kind = case(
        (both & (source == target), PanelEventKind.CONFIRMED.value),
        (both, PanelEventKind.MOVED.value),
        (joined, PanelEventKind.ADDED.value),
        else_=PanelEventKind.REMOVED.value,
    )
    return (
        select(
            kind,
            _LEDGER.c.patient_id,
            case((joined, target), else_=source),
            case((both & (source != target), source), else_=null()),
            _OPERATION.c.at,
        )
        .join_from(_LEDGER, _OPERATION, _OPERATION.c.operation_id == _LEDGER.c.operation_id)
        .where(or_(left, joined))
    )


def _seen(panel_id: ColumnElement[int], panels: frozenset[int] | None) -> ColumnElement[bool]:
    present: ColumnElement[bool] = panel_id.is_not(None)
    if panels is None:
        return present
    return present & (panel_id.in_(sorted(panels)) if panels else false())


def _number_patients(host: Host) -> tuple[int, bool]:
    """How many events, and whether there may be more. All or none of what it takes: it is removed from its table."""
    with host.database.session() as session:
        subscriptions = _locked(session, _IS_NUMBERED)
        # After the lock: whoever had it before has removed what it took.
        change_ids = session.scalars(select(_CHANGE.c.change_id).order_by(_CHANGE.c.change_id).limit(_AT_ONCE)).all()
        if not change_ids:
            return 0, False
        count = 0
        for subscription in subscriptions:
            panels = panels_of(session.connection(), subscription)
            added = _write(session, subscription, _patients(change_ids, panels), [_MEMBER.c.patient_id])
            _move_on(session, subscription, added, host.clock.now())
            count += added
        session.execute(delete(_CHANGE).where(_CHANGE.c.change_id.in_(change_ids)))
    return count, len(change_ids) == _AT_ONCE


def _patients(change_ids: Collection[int], panels: frozenset[int] | None) -> Select[Any]:
    """The members who have changed, each once, in `_COLUMNS`."""
    return (
        select(
            literal(PanelEventKind.CHANGED.value),
            _MEMBER.c.patient_id,
            _MEMBER.c.panel_id,
            null(),
            func.max(_CHANGE.c.at),
        )
        .join_from(_CHANGE, _MEMBER, _MEMBER.c.patient_id == _CHANGE.c.patient_id)
        .where(_CHANGE.c.change_id.in_(change_ids), _seen(_MEMBER.c.panel_id, panels))
        .group_by(_MEMBER.c.patient_id, _MEMBER.c.panel_id)
    )


def _locked(session: Session, condition: ColumnElement[bool]) -> Sequence[Row[Any]]:
    query = select(_TABLE).where(condition, _IS_NUMBERED).order_by(_TABLE.c.subscription_id)
    return session.execute(query.with_for_update()).all()


def _write(session: Session, subscription: Row[Any], entries: Select[Any], order: Sequence[ColumnElement[Any]]) -> int:
    """Write the events after the last one that the subscription has. Returns how many. One statement."""
    number = literal(subscription.last_number) + func.row_number().over(order_by=order)
    numbered = entries.add_columns(literal(subscription.subscription_id), number)
    columns = [*_COLUMNS, _EVENT.c.subscription_id, _EVENT.c.number]
    written = session.execute(insert(_EVENT).from_select([column.name for column in columns], numbered))
    return int(written.rowcount)  # type: ignore[attr-defined]


def _move_on(session: Session, subscription: Row[Any], count: int, now: datetime, **values: Any) -> None:
    if count:
        values |= {"last_number": subscription.last_number + count, "last_event_at": now}
    if values:
        of_subscription = _TABLE.c.subscription_id == subscription.subscription_id
        session.execute(update(_TABLE).where(of_subscription).values(values))
