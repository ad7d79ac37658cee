"""Working on lines: take them, assign them, release them, set how far they are, note something. Of open lines only.

A line of which someone else has saved a change since it was shown stays as it is, and the answer says who has it. Every
change first takes `clinic.lock`, as what opens and closes lines does. Raises Refused where that takes too long.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Row, Select, Table, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from ...hooks import Actor, AuditEvent, Host
from ..operations import clinic, record
from ..roster.providers import actor_names
from ..roster.same_phn import portions
from . import keeping
from .changes import NO_ONE, LineChange, LineConflict, LineId, LinesChanged, SeenLine, WorkList

CONFLICTS_NAMED: Final = 20
_AT_ONCE: Final = 1000


def narrowing(table: Table, owner_id: str | None, state: str | None) -> list[ColumnElement[bool]]:
    """The conditions on owner, or NO_ONE, and state."""
    line, conditions = table.c, list[ColumnElement[bool]]()
    if owner_id == NO_ONE:
        conditions.append(line.owner_id.is_(None))
    elif owner_id is not None:
        conditions.append(line.owner_id == owner_id)
    if state is not None:
        conditions.append(line.state == state)
    return conditions


def change_seen(
    host: Host, actor: Actor, work: WorkList, lines: Collection[SeenLine], change: LineChange
) -> LinesChanged:
    """Change these lines, which a page showed, unless someone else was faster."""
    with host.database.session() as session:
        clinic.lock(session)
        found: list[Row[Any]] = []
        for seen in portions(lines):
            values = [(*line.key, line.version) for line in seen]
            found += session.execute(open_lines(work, tuple_(*work.key, work.table.c.version).in_(values))).all()
        operation_id = carry_out(session, host, actor, work, found, change)
        unchanged = {line.key for line in lines} - {key_of(work, row) for row in found}
        conflicts = conflicts_of(session, host, work, sorted(unchanged)[:CONFLICTS_NAMED])
    return LinesChanged(len(found), conflicts, 0, operation_id)


def change_found(
    host: Host,
    actor: Actor,
    work: WorkList,
    conditions: Sequence[ColumnElement[bool]],
    change: LineChange,
    *,
    of_others: bool = False,
) -> LinesChanged:
    """Change all open lines that the conditions find, on whatever page; `of_others`: also what others have taken."""
    owner_id = work.table.c.owner_id
    is_free = or_(owner_id.is_(None), owner_id == actor.actor_id)
    with host.database.session() as session:
        clinic.lock(session)
        changed, skipped, operation_id, last = 0, 0, None, None
        if not of_others:
            taken = select(func.count()).select_from(work.source)
            taken = taken.where(*conditions, work.table.c.closed_at.is_(None), work.visible, ~is_free)
            skipped = session.scalar(taken) or 0
            conditions = (*conditions, is_free)
        while True:
            query = open_lines(work, *conditions)
            if last is not None:
                query = query.where(tuple_(*work.key) > last)
            found = session.execute(query.order_by(*work.key).limit(_AT_ONCE)).all()
            if not found:
                return LinesChanged(changed, (), skipped, operation_id)
            last = key_of(work, found[-1])
            operation_id = carry_out(session, host, actor, work, found, change, operation_id)
            changed += len(found)


def carry_out(
    session: Session,
    host: Host,
    actor: Actor,
    work: WorkList,
    found: Sequence[Row[Any]],
    change: LineChange,
    operation_id: int | None = None,
) -> int | None:
    """Change lines that were found open: rows of the key and `about_patient_id`, after `clinic.lock`.

    Returns the operation, which is begun with the first lines; None while there were none.
    """
    if not found:
        return operation_id
    if operation_id is None:
        operation_id = record.begin(session, host, actor, work.kinds[change.action])
    values = change.values(actor)
    line = work.table.c
    changed: dict[str, Any] = {
        "changed_at": host.clock.now(),
        "changed_by": actor.actor_id,
        "version": line.version + 1,
    }
    for some in portions(found):
        these = is_one_of(work, [key_of(work, row) for row in some])
        if work.changes is not None:
            keeping.keep(session, work.table, work.changes, these, values, operation_id)
        session.execute(update(work.table).where(these).values(**values, **changed))
        host.audit.record(session, *events(actor, operation_id, work, some, change.logged))
    return operation_id


def is_one_of(work: WorkList, keys: Collection[LineId]) -> ColumnElement[bool]:
    """Which lines these are."""
    if len(work.key) == 1:
        return work.key[0].in_([key[0] for key in keys])
    return tuple_(*work.key).in_(keys)


def within(work: WorkList, source: FromClause) -> WorkList:
    """The same lines, of a longer join that conditions are about."""
    return replace(work, source=source)


def open_lines(work: WorkList, *conditions: ColumnElement[bool]) -> Select[Any]:
    """The open lines that fit and that the actor may see."""
    columns = (*work.key, work.patient_id.label("about_patient_id"))
    return select(*columns).select_from(work.source).where(*conditions, work.table.c.closed_at.is_(None), work.visible)


def key_of(work: WorkList, row: Row[Any]) -> LineId:
    return tuple(row[: len(work.key)])


def events(
    actor: Actor, operation_id: int, work: WorkList, rows: Collection[Row[Any]], logged: str
) -> Iterator[AuditEvent]:
    for row in rows:
        yield AuditEvent(
            actor=actor,
            action="update",
            noun=work.noun,
            key=str(operation_id),
            patient_id=row.about_patient_id,
            detail=f"{work.about(key_of(work, row))}: {logged}",
        )


def conflicts_of(session: Session, host: Host, work: WorkList, keys: Collection[LineId]) -> list[LineConflict]:
    """Who has these lines now, and who changed them last; nothing of those that the actor may not see."""
    if not keys:
        return []
    line = work.table.c
    columns = (*work.key, work.patient_id.label("about_patient_id"))
    columns = (*columns, line.owner_id, line.closed_at, line.changed_by, line.changed_at)
    query = select(*columns).select_from(work.source).where(is_one_of(work, keys), work.visible).order_by(*work.key)
    rows = session.execute(query).all()
    people = {person for row in rows for person in (row.owner_id, row.changed_by) if person}
    names = actor_names(session.connection(), host, people)
    return [
        LineConflict(
            key=key_of(work, row),
            patient_id=row.about_patient_id,
            owner=names[row.owner_id] if row.owner_id else "",
            changed_by=names[row.changed_by] if row.changed_by else "",
            changed_at=row.changed_at,
            closed=row.closed_at is not None,
        )
        for row in rows
    ]
