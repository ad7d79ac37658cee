"""Many patients at once: preview an order, then carry it out as one operation that can be undone."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, case, false, func, null, or_, select
from sqlalchemy.orm import Session

from ...hooks import Actor, Host
from ...store import ledger, tables
from ...store.tables import member, panel, panel_provider
from ...store.types import LAST_KEY
from ..operations import clinic, memberships, record
from ..roster import merges
from . import skipped
from .attach import Attach
from .depart import Depart
from .fill import Fill
from .orders import Order, require_possible
from .scope import SkipReason


@dataclass(frozen=True, slots=True)
class MovedFrom:
    """How many patients leave a panel. `emptied`: none stays behind."""

    panel_id: int
    number: str
    patients: int
    emptied: bool


@dataclass(frozen=True, slots=True)
class Joining:
    """How many patients would be put on a panel, and those of its providers who would not be."""

    panel_id: int
    added: int  # who are on no panel
    moved: int
    skipped: Counter[SkipReason]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would do now, in numbers of patients."""

    provider: str  # with Assign the name of the MRP, else ''
    added: int  # who are on no panel
    leaving: tuple[MovedFrom, ...]  # to another panel, or with Remove to none
    joining: tuple[Joining, ...]  # with Fill, Attach and Depart: by panel_id
    on_same_panel: int  # changed on the panel that they are on
    skipped: Counter[SkipReason]
    without_visit: int  # of those changed: get no confirmation date
    later_confirmations: int  # of those changed: have a confirmation that is replaced by an earlier one, or none
    mrp_outside: int  # of those changed: their MRP is none of the panel's providers

    @property
    def changed(self) -> int:
        """How many patients the order would change."""
        return self.added + self.on_same_panel + sum(panel.patients for panel in self.leaving)


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What an order did. `operation_id` is None when there was no patient to change, and nothing was done."""

    operation_id: int | None
    added: int = 0
    moved: int = 0
    removed: int = 0
    confirmed: int = 0  # on the panel that they were on
    on_lists: int = 0  # memberships of affiliations and caseloads, with Depart

    @property
    def changed(self) -> int:
        """How many patients it changed on panels."""
        return self.added + self.moved + self.removed + self.confirmed


def preview(host: Host, actor: Actor, order: Order) -> Preview:
    """What the order would do. Changes nothing but to follow merges in the host.

    Raises Refused and NotFound as `require_possible` does.
    """
    merges.catch_up(host)
    with host.database.engine.connect() as connection:
        provider = require_possible(connection, host, order)
        rows = connection.execute(_by_panel(host, actor, order)).all()
    return Preview(
        provider=provider,
        added=sum(row.leaving for row in rows if row.panel_id is None),
        leaving=_leaving(rows),
        joining=_joining(rows) if isinstance(order, Fill | Attach | Depart) else (),
        on_same_panel=sum(row.on_same_panel for row in rows),
        skipped=_skipped(rows),
        without_visit=sum(row.without_visit for row in rows),
        later_confirmations=sum(row.later for row in rows),
        mrp_outside=sum(row.outside for row in rows),
    )


def _leaving(rows: Sequence[Row[Any]]) -> tuple[MovedFrom, ...]:
    sources = []
    for (panel_id, number), of_panel in groupby(rows, lambda row: (row.panel_id, row.number)):
        members, leaving = 0, 0
        for row in of_panel:
            members, leaving = row.members, leaving + row.leaving
        if panel_id is not None and leaving:
            sources.append(MovedFrom(panel_id, number, leaving, emptied=leaving == members))
    return tuple(sources)


def _joining(rows: Sequence[Row[Any]]) -> tuple[Joining, ...]:
    by_target: dict[int, list[Row[Any]]] = {}
    for row in rows:
        if row.to_panel_id is not None:
            by_target.setdefault(row.to_panel_id, []).append(row)
    return tuple(
        Joining(
            panel_id,
            added=sum(row.leaving for row in of_target if row.panel_id is None),
            moved=sum(row.leaving for row in of_target if row.panel_id is not None),
            skipped=_skipped(of_target),
        )
        for panel_id, of_target in sorted(by_target.items())
    )


def _skipped(rows: Sequence[Row[Any]]) -> Counter[SkipReason]:
    return Counter({reason: sum(row._mapping[reason.value] for row in rows) for reason in SkipReason})


def _by_panel(host: Host, actor: Actor, order: Order) -> Select[Any]:
    """How many patients, by the panel that they are on and the one that they are put on.

    One look at the roster, where no key finds those of an MRP.
    """
    scope = order.scope(host, actor)
    to_panel_id, _, confirmed_on, _ = order.after(host, scope)
    # The limit excludes no patient. It keeps databases from looking the visit up again for each mention below.
    one_by_one = (
        select(
            member.c.panel_id,
            member.c.confirmed_on,
            scope.skip_reason.label("skip_reason"),
            _mrp_outside(scope.patient, order.panel_id).label("outside"),
            to_panel_id.label("to_panel_id"),
            case((scope.changes, confirmed_on), else_=null()).label("to_confirmed_on"),
        )
        .select_from(scope.source)
        .where(scope.includes)
        .limit(LAST_KEY)
        .subquery("one_by_one")
    )
    columns = one_by_one.c
    changed, same_panel = columns.skip_reason.is_(None), columns.panel_id.is_not_distinct_from(columns.to_panel_id)
    remains = and_(changed, columns.to_panel_id.is_not(None))
    not_later = or_(columns.confirmed_on.is_(None), columns.to_confirmed_on >= columns.confirmed_on)
    members = select(func.count()).where(member.c.panel_id == columns.panel_id).correlate(one_by_one).scalar_subquery()
    return (
        select(
            columns.panel_id,
            panel.c.number,
            columns.to_panel_id,
            _how_many(changed, ~same_panel).label("leaving"),
            _how_many(changed, same_panel).label("on_same_panel"),
            *(_how_many(columns.skip_reason == reason.value).label(reason.value) for reason in SkipReason),
            _how_many(changed, columns.outside).label("outside"),
            _how_many(remains, columns.to_confirmed_on.is_(None)).label("without_visit"),
            (_how_many(remains) - _how_many(remains, not_later)).label("later"),
            members.label("members"),
        )
        .select_from(one_by_one.outerjoin(panel, panel.c.panel_id == columns.panel_id))
        .group_by(columns.panel_id, panel.c.number, columns.to_panel_id)
        .order_by(panel.c.number, columns.panel_id)
    )


def _mrp_outside(patient: FromClause, panel_id: int | None) -> ColumnElement[bool]:
    if panel_id is None:
        return false()
    providers = select(panel_provider.c.provider_id).where(panel_provider.c.panel_id == panel_id)
    outside: ColumnElement[bool] = patient.c.mrp_id.not_in(providers)
    return outside


def _how_many(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((and_(*conditions), 1)))


def carry_out(host: Host, actor: Actor, order: Order, form_key: str | None = None) -> BulkResult:
    """Carry the order out in one transaction, with the data at that time. A new confirmation date is the last visit's.

    `form_key` is the key of the form that asks for it. With one that has been carried out nothing is done, and the
    result is that of the first time: the button was clicked twice. Raises Refused and NotFound as
    `require_possible` does.
    """
    scope = order.scope(host, actor)
    with host.database.session() as session:
        clinic.lock(session)
        if form_key and (before := _result_of(session, form_key)):
            return before
        require_possible(session.connection(), host, order)
        merges.reconcile(session, host)
        changed = select(scope.patient_id).select_from(scope.source).where(scope.changes).limit(1)
        moves_on_lists = isinstance(order, Depart) and order.moves_on_lists(session, host, actor)
        if session.scalar(changed) is None and not moves_on_lists:
            return BulkResult(None)
        operation_id = record.begin(
            session,
            host,
            actor,
            order.kind,
            panel_id=order.panel_id,
            from_panel_id=order.from_panel_id,
            form_key=form_key,
        )
        skipped.keep(session, operation_id, scope)
        columns = (scope.patient_id, *ledger.columns(), *order.after(host, scope))
        ledger.append(session, operation_id, select(*columns).select_from(scope.source).where(scope.changes))
        ledger.drop_empty_confirmations(session, operation_id)
        memberships.carry_out(session, operation_id)
        record.record_patients(session, host, actor, order.kind, operation_id)
        result = _result(session, operation_id)
        if isinstance(order, Depart):
            result = replace(result, on_lists=order.move_on_lists(session, host, actor, operation_id))
        record.conclude(session, operation_id, order.detail | asdict(result))
    return result


def _result_of(session: Session, form_key: str) -> BulkResult | None:
    text = session.scalar(select(tables.operation.c.detail).where(tables.operation.c.form_key == form_key))
    detail = json.loads(text) if text else None
    return BulkResult(**{field: detail[field] for field in BulkResult.__slots__}) if detail else None


def _result(session: Session, operation_id: int) -> BulkResult:
    """What the ledger says that an operation did: whatever the order, only what happened is counted."""
    panel_before, panel_after = tables.ledger.c.from_panel_id, tables.ledger.c.to_panel_id
    kinds = {
        "added": panel_before.is_(None),
        "moved": panel_before != panel_after,  # NULL where there was no panel, or is none
        "removed": panel_after.is_(None),
        "confirmed": panel_before == panel_after,
    }
    counts = select(*(_how_many(condition).label(kind) for kind, condition in kinds.items()))
    row = session.execute(counts.where(tables.ledger.c.operation_id == operation_id)).one()
    return BulkResult(operation_id, **row._mapping)
