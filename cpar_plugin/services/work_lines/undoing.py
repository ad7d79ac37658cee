"""Undo a change of lines: owner, state and note are restored where no person and no report has changed it since."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Table, and_, func, insert, literal, select, update
from sqlalchemy.orm import Session

from ...domain.refusals import NotFound, Refused
from ...hooks import Actor, Host
from ...store.tables import operation
from ...store.types import KEYS
from ..operations import clinic, record
from ..operations.record import OperationKind
from ..roster.same_phn import portions
from . import changing
from .changes import LineConflict, WorkList
from .keeping import CHANGED


@dataclass(frozen=True, slots=True)
class LinesUndone:
    """How many lines are as they were before. The others were changed since; at most some are named."""

    restored: int
    changed_since: int  # or closed, or of patients whom the actor may not see
    conflicts: Sequence[LineConflict]


def undo(host: Host, actor: Actor, work: WorkList, operation_id: int, kind: OperationKind) -> LinesUndone:
    """Undo an operation of the list, as an operation of this kind. Raises NotFound, and Refused where it is undone."""
    changes = work.changes
    assert changes is not None, "no changes of this list are kept"
    with host.database.session() as session:
        clinic.lock(session)
        _require_undoable(session, work, operation_id)
        change, line = changes.c, work.table.c
        on_line = and_(*(change[column.name] == column for column in work.key))
        source = work.source.join(changes, on_line)
        of_operation = change.operation_id == operation_id
        as_left = (of_operation, line.version == change.version, line.closed_at.is_(None), work.visible)
        keys = select(*work.key).select_from(source).where(*as_left)
        found = session.execute(keys.add_columns(work.patient_id.label("about_patient_id"))).all()
        changed = session.scalar(select(func.count()).select_from(changes).where(of_operation)) or 0
        others = select(*(change[column.name] for column in work.key)).where(of_operation)
        unrestored = {tuple(row) for row in session.execute(others.limit(len(found) + changing.CONFLICTS_NAMED))}
        unrestored -= {changing.key_of(work, row) for row in found}
        conflicts = changing.conflicts_of(session, host, work, sorted(unrestored)[: changing.CONFLICTS_NAMED])
        if found:
            undoing = record.begin(session, host, actor, kind, undoes=operation_id)
            _restore(session, host, actor, work, changes, operation_id, undoing)
            for some in portions(found):
                host.audit.record(session, *changing.events(actor, undoing, work, some, "undo"))
        undone = LinesUndone(len(found), changed - len(found), conflicts)
        if found:
            record.conclude(session, undoing, {"lines": undone.restored, "changed_since": undone.changed_since})
    return undone


def _require_undoable(session: Session, work: WorkList, operation_id: int) -> None:
    kinds = {kind.value for kind in work.kinds.values()}
    columns = operation.c.operation_id, operation.c.undoes
    query = select(operation.c.kind).where(columns[0] == operation_id)
    if operation_id not in KEYS or session.scalar(query) not in kinds:
        raise NotFound("Change not found. Start from the list.")
    if session.scalar(select(columns[0]).where(columns[1] == operation_id)) is not None:
        raise Refused("This change has already been undone.")


def _restore(
    session: Session, host: Host, actor: Actor, work: WorkList, changes: Table, operation_id: int, undoing: int
) -> None:
    """Two statements: the undo is a change that is kept, too, and the lines become what it says."""
    undone, line = changes.alias("undone"), work.table.c
    on_line = and_(*(undone.c[column.name] == column for column in work.key))
    columns = {"operation_id": literal(undoing), "version": line.version + 1}
    for name in CHANGED:
        columns[f"{name}_before"] = undone.c[f"{name}_after"]
        columns[f"{name}_after"] = undone.c[f"{name}_before"]
    columns |= {column.name: line[column.name] for column in changes.c if column.name not in columns}
    as_left = (line.version == undone.c.version, line.closed_at.is_(None), work.visible)
    rows = select(*columns.values()).select_from(work.source.join(undone, on_line))
    session.execute(
        insert(changes).from_select(list(columns), rows.where(undone.c.operation_id == operation_id, *as_left))
    )
    of_line = and_(changes.c.operation_id == undoing, *(changes.c[column.name] == column for column in work.key))
    before = {name: select(changes.c[f"{name}_after"]).where(of_line).scalar_subquery() for name in CHANGED}
    values = {"changed_at": host.clock.now(), "changed_by": actor.actor_id, "version": line.version + 1}
    session.execute(
        update(work.table).where(select(changes.c.operation_id).where(of_line).exists()).values(**before, **values)
    )
