"""Many patients at once: preview an order, then carry it out as one operation that can be undone."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, null, or_, select
from sqlalchemy.orm import Session

from ...domain.confirmation import ConfirmedHow
from ...hooks import Actor, Host
from ...store import ledger, tables
from ...store.tables import member, panel
from ...store.types import KEYS, Moment
from ..operations import clinic, record
from ..roster import merges
from . import skipped
from .orders import (
    KIND,
    Assign,
    Concerned,
    LeftAlone,
    Move,
    Order,
    Remove,
    StatusChoice,
    concerned,
    require_possible,
    status_choices,
    status_label,
)

__all__ = [
    "Assign",
    "Move",
    "MovedFrom",
    "Order",
    "Outcome",
    "Preview",
    "Remove",
    "StatusChoice",
    "carry_out",
    "preview",
    "status_choices",
    "status_label",
]


@dataclass(frozen=True, slots=True)
class MovedFrom:
    """How many patients leave a panel. `emptied`: none stays behind."""

    panel_id: int
    number: str
    patients: int
    emptied: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would do now, in numbers of patients."""

    provider: str  # with Assign the name of the MRP, else ''
    added: int  # who are on no panel
    leaving: tuple[MovedFrom, ...]  # to another panel, or with Remove to none
    already: int  # left alone: on the panel already
    other_status: int  # left alone: have another status
    not_visible: int  # left alone: the actor may not see them, and is not told of their status
    without_visit: int  # of those changed: get no confirmation date, and cannot be submitted
    later_confirmations: int  # of those changed: have been confirmed later than the last visit that replaces it
    mrp_outside: int  # of those changed: their MRP is none of the panel's providers

    @property
    def changed(self) -> int:
        """How many patients the order would change."""
        return self.added + sum(panel.patients for panel in self.leaving)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an order did. `operation_id` is None when there was nobody to change, and nothing was done."""

    operation_id: int | None
    added: int
    moved: int
    removed: int

    @property
    def changed(self) -> int:
        """How many patients it changed."""
        return self.added + self.moved + self.removed


def preview(host: Host, actor: Actor, order: Order) -> Preview:
    """What the order would do. Changes nothing but to follow merges in the host.

    Raises Refused and NotFound as `require_possible` does.
    """
    merges.catch_up(host)
    confirms = not isinstance(order, Remove)
    with host.database.engine.connect() as connection:
        provider = require_possible(connection, host, order)
        rows = connection.execute(_by_panel(host, concerned(host, actor, order), confirms=confirms)).all()
    leaving = [row for row in rows if row.panel_id is not None and row.changed]
    return Preview(
        provider=provider,
        added=sum(row.changed for row in rows if row.panel_id is None),
        leaving=tuple(
            MovedFrom(row.panel_id, row.number, row.changed, emptied=row.changed == row.members) for row in leaving
        ),
        already=sum(row.already for row in rows),
        other_status=sum(row.other_status for row in rows),
        not_visible=sum(row.not_visible for row in rows),
        without_visit=sum(row.without_visit for row in rows) if confirms else 0,
        later_confirmations=sum(row.later for row in rows) if confirms else 0,
        mrp_outside=sum(row.outside for row in rows) if confirms else 0,
    )


def _by_panel(host: Host, whom: Concerned, *, confirms: bool) -> Select[Any]:
    """How many patients, by the panel that they are on. One look at the roster, where no key finds those of an MRP."""
    visit = case((whom.changes, host.roster.last_visit_on(whom.patient_id, host.clock.now()))) if confirms else null()
    # The limit leaves nobody out. It keeps databases from looking the visit up again for each mention below.
    one_by_one = (
        select(
            member.c.panel_id,
            member.c.confirmed_on,
            whom.left_alone.label("left_alone"),
            whom.mrp_outside.label("outside"),
            visit.label("visit"),
        )
        .select_from(whom.source)
        .where(whom.in_scope)
        .limit(KEYS[-1])
        .subquery("one_by_one")
    )
    each = one_by_one.c
    changed = each.left_alone.is_(None)
    not_later = or_(each.confirmed_on.is_(None), each.visit >= each.confirmed_on)
    members = select(func.count()).where(member.c.panel_id == each.panel_id).correlate(one_by_one).scalar_subquery()
    return (
        select(
            each.panel_id,
            panel.c.number,
            _how_many(changed).label("changed"),
            *(_how_many(each.left_alone == why.value).label(why.name.lower()) for why in LeftAlone),
            _how_many(changed, each.outside).label("outside"),
            _how_many(changed, each.visit.is_(None)).label("without_visit"),
            (_how_many(changed) - _how_many(changed, not_later)).label("later"),
            members.label("members"),
        )
        .select_from(one_by_one.outerjoin(panel, panel.c.panel_id == each.panel_id))
        .group_by(each.panel_id, panel.c.number)
        .order_by(panel.c.number)
    )


def _how_many(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((and_(*conditions), 1)))


def carry_out(host: Host, actor: Actor, order: Order, form_key: str | None = None) -> Outcome:
    """Carry the order out in one transaction, as things stand then. A new confirmation date is the last visit's.

    `form_key` is the key of the form that asks for it. With one that has been carried out nothing is done, and the
    outcome is that of the first time: somebody has pressed the button twice. Raises Refused and NotFound as
    `require_possible` does.
    """
    whom = concerned(host, actor, order)
    with host.database.session() as session:
        clinic.lock(session)
        if form_key and (before := _outcome_of(session, form_key)):
            return before
        require_possible(session.connection(), host, order)
        merges.reconcile(session, host)
        anybody = select(whom.patient_id).select_from(whom.source).where(whom.changes).limit(1)
        if session.scalar(anybody) is None:
            return Outcome(None, added=0, moved=0, removed=0)
        operation_id = record.begin(
            session,
            host,
            actor,
            KIND[type(order)],
            panel_id=None if isinstance(order, Remove) else order.panel_id,
            from_panel_id=_leaves(order),
            form_key=form_key,
        )
        skipped.keep(session, operation_id, whom)
        changed = ledger.append(session, operation_id, _changes(host, whom, order))
        ledger.drop_empty_confirmations(session, operation_id)
        ledger.carry_out(session, operation_id)
        entries = tables.ledger.c
        new = select(func.count()).where(entries.operation_id == operation_id, entries.from_panel_id.is_(None))
        added = session.scalars(new).one()
        gone = changed if isinstance(order, Remove) else 0
        outcome = Outcome(operation_id, added=added, moved=changed - added - gone, removed=gone)
        record.conclude(session, operation_id, asdict(order) | asdict(outcome))
    return outcome


def _outcome_of(session: Session, form_key: str) -> Outcome | None:
    detail = session.scalar(select(tables.operation.c.detail).where(tables.operation.c.form_key == form_key))
    told = json.loads(detail) if detail else None
    return Outcome(**{field: told[field] for field in Outcome.__slots__}) if told else None


def _leaves(order: Order) -> int | None:
    if isinstance(order, Move):
        return order.from_panel_id
    return order.panel_id if isinstance(order, Remove) else None


def _changes(host: Host, whom: Concerned, order: Order) -> Select[Any]:
    """In the ledger's columns. The last visit stands there once only: databases look it up again for each mention."""
    now = host.clock.now()
    after = ledger.NONE
    if not isinstance(order, Remove):
        visit = host.roster.last_visit_on(whom.patient_id, now)
        after = (literal(order.panel_id), literal(now, Moment), visit, literal(ConfirmedHow.LAST_VISIT.value))
    columns: ledger.Columns = (whom.patient_id, *ledger.columns(), *after)
    return select(*columns).select_from(whom.source).where(whom.changes)
