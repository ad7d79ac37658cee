"""Every change of membership: written into the ledger first, then carried out on `cpar_member` from there."""

from collections.abc import Collection
from dataclasses import astuple, dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from .tables import ledger, member, operation, operation_panel, panel
from .versions import later, number_at, to_the_second

Columns = tuple[ColumnElement[Any], ...]
NONE: Columns = (null(), null(), null(), null())


@dataclass(frozen=True, slots=True)
class PanelMembership:
    """A patient's membership: which panel, on it since when, confirmed when and how."""

    panel_id: int
    since: datetime
    confirmed_on: date | None
    confirmed_how: str | None


def columns(source: FromClause = member) -> Columns:
    """The current membership, in the ledger's order."""
    return (source.c.panel_id, source.c.since, source.c.confirmed_on, source.c.confirmed_how)


def before(source: FromClause = ledger) -> Columns:
    """The membership before an operation; `NONE` where there was none."""
    return (source.c.from_panel_id, source.c.from_since, source.c.from_confirmed_on, source.c.from_confirmed_how)


def after(source: FromClause = ledger) -> Columns:
    """The membership after an operation; `NONE` where there is none."""
    return (source.c.to_panel_id, source.c.to_since, source.c.to_confirmed_on, source.c.to_confirmed_how)


_ENTRY = [ledger.c.patient_id, *before(), *after(), ledger.c.operation_id]


def membership_of(session: Session, patient_id: int) -> PanelMembership | None:
    """The membership of one patient, None where there is none."""
    row = session.execute(select(*columns()).where(member.c.patient_id == patient_id)).one_or_none()
    return PanelMembership(**row._mapping) if row else None


def append_one(
    session: Session,
    operation_id: int,
    patient_id: int,
    membership_before: PanelMembership | None,
    membership_after: PanelMembership | None,
) -> None:
    """Write the change of one patient. `membership_before` is what it is now. `carry_out` follows."""
    sides = (astuple(side) if side else (None,) * 4 for side in (membership_before, membership_after))
    entry = zip((column.name for column in _ENTRY), (patient_id, *chain(*sides), operation_id), strict=True)
    session.execute(insert(ledger).values(dict(entry)))


def append(session: Session, operation_id: int, changes: Select[Any]) -> int:
    """Write changes of many patients, selected as patient_id, `before`, `after`. Returns how many.

    They are only stored: `carry_out` follows.
    """
    written = session.execute(insert(ledger).from_select(_ENTRY, changes.add_columns(literal(operation_id))))
    return int(written.rowcount)  # type: ignore[attr-defined]


def drop_empty_confirmations(session: Session, operation_id: int) -> None:
    """Nothing was confirmed where there is no date. Before `carry_out` only."""
    session.execute(
        update(ledger)
        .where(ledger.c.operation_id == operation_id, ledger.c.to_confirmed_on.is_(None))
        .values(to_confirmed_how=None)
    )


def carry_out(session: Session, operation_id: int) -> None:
    """Make `cpar_member` what the ledger says of this operation, once the whole of it is there.

    The Groups of the panels concerned move on with it.
    """
    apply(session, operation_id)
    concerned = session.execute(
        select(operation_panel.c.panel_id, operation.c.at)
        .join(operation)
        .where(operation_panel.c.operation_id == operation_id)
    ).all()
    if concerned:
        move_groups(session, {row.panel_id for row in concerned}, concerned[0].at)


def apply(session: Session, operation_id: int) -> None:
    """The same for the members alone: `move_changed_groups` follows, when all operations of the change are done."""
    of_operation = ledger.c.operation_id == operation_id
    had_a_panel = ledger.c.from_panel_id.is_not(None)
    if session.get_bind().dialect.name == "sqlite":  # which has no DELETE over two tables
        patient_ids = select(ledger.c.patient_id).where(of_operation, had_a_panel)
        session.execute(delete(member).where(member.c.patient_id.in_(patient_ids)))
    else:  # MariaDB 10.11 would read every member for an IN
        session.execute(delete(member).where(member.c.patient_id == ledger.c.patient_id, of_operation, had_a_panel))
    now = select(ledger.c.patient_id, *after()).where(of_operation, ledger.c.to_panel_id.is_not(None))
    session.execute(insert(member).from_select([member.c.patient_id, *columns()], now))
    session.execute(insert(operation_panel).from_select(list(operation_panel.c), _by_panel(operation_id)))


def _by_panel(operation_id: int) -> Select[Any]:
    """What an operation did to each panel, in the columns of `cpar_operation_panel`."""
    source, target, of_operation = ledger.c.from_panel_id, ledger.c.to_panel_id, ledger.c.operation_id == operation_id
    elsewhere = case((source.is_distinct_from(target), 1), else_=0)
    sides = union_all(
        select(
            target.label("panel_id"),
            elsewhere.label("added"),
            literal(0).label("removed"),
            (1 - elsewhere).label("kept"),
        ).where(of_operation, target.is_not(None)),
        select(source, literal(0), elsewhere, literal(0)).where(of_operation, source.is_not(None)),
    ).subquery("side")
    counts = (func.sum(sides.c[name]) for name in ("added", "removed", "kept"))
    return select(literal(operation_id), sides.c.panel_id, *counts).group_by(sides.c.panel_id)


def move_changed_groups(session: Session, operation_ids: Collection[int], at: datetime) -> None:
    """Move on the Groups of the panels where these operations, taken together, have changed a membership."""
    ends = (
        select(func.min(ledger.c.operation_id).label("first"), func.max(ledger.c.operation_id).label("last"))
        .add_columns(ledger.c.patient_id)
        .where(ledger.c.operation_id.in_(operation_ids))
        .group_by(ledger.c.patient_id)
        .subquery()
    )
    first, last = ledger.alias("first_entry"), ledger.alias("last_entry")
    concerned = session.execute(
        select(first.c.from_panel_id, last.c.to_panel_id)
        .select_from(ends)
        .join(first, (first.c.operation_id == ends.c.first) & (first.c.patient_id == ends.c.patient_id))
        .join(last, (last.c.operation_id == ends.c.last) & (last.c.patient_id == ends.c.patient_id))
        .where(or_(*(was.is_distinct_from(now) for was, now in zip(before(first), after(last), strict=True))))
        .distinct()
    ).all()
    if panel_ids := {panel_id for row in concerned for panel_id in row if panel_id}:
        move_groups(session, panel_ids, at)


def move_groups(session: Session, panel_ids: Collection[int], at: datetime) -> None:
    """The members of these panels are others than before: their Groups have a new version."""
    session.execute(
        update(panel)
        .where(panel.c.panel_id.in_(panel_ids))
        .values(
            group_version=later(panel.c.group_version, number_at(at)),
            group_members_version=panel.c.group_members_version + 1,
            group_changed_at=to_the_second(at),
        )
    )
