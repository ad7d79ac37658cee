"""Through what the coming submission of a panel differs from its last one: operations of the ledger, and reasons.

The ledger's changes since the last submission, and who was excluded from it, are streamed in the order of patient ids,
side by side with the patients themselves: memory for one at a time.
"""

from collections import Counter
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, select

from ...domain.confirmation import ConfirmedHow
from ...domain.exhaustive import exhaustive
from ...domain.reasons import Reason
from ...hooks import Host
from ...store.tables import exclusion, ledger, operation, operation_panel
from ..bulk import history, texts
from ..operations.record import BULK, OperationKind
from ..roster.providers import actor_names
from ..snapshots.outlook import ComparedMember, LastSent, Standing
from .patients import reasons_in

_TOGETHER = frozenset({*BULK, OperationKind.UNDO, OperationKind.MOVE_BACK})  # each of them is named by itself
_NAMED = 200  # operations: of more, the rest of a kind is summed up
_ONE_BY_ONE = {
    OperationKind.ADD: "Added one by one",
    OperationKind.MOVE: "Moved one by one",
    OperationKind.REMOVE: "Removed one by one",
    OperationKind.CONFIRM: "Confirmed one by one",
    OperationKind.MERGE: "Records merged in the EMR",
    OperationKind.UNMERGE: "Records separated again in the EMR",
    OperationKind.DELETE_PANEL: "Another panel deleted",
}
_OTHER = "Changed otherwise"
_CONFIRMED = exhaustive(
    __name__,
    ConfirmedHow,
    {
        ConfirmedHow.ON_ADDING: "Added again",
        ConfirmedHow.LAST_VISIT: "Confirmation set to the last visit",
        ConfirmedHow.AT_CHECK_IN: "Answers at check-in",
        ConfirmedHow.BY_PERSON: "Confirmed one by one",
        ConfirmedHow.FROM_LIST: "Confirmed from the list",
        ConfirmedHow.IMPORTED: "Imported",
    },
)
_IN_EMR = exhaustive(
    __name__,
    Standing,
    {
        Standing.ADDED: "Not in the last submission",
        Standing.REMOVED: "No longer on the panel",
        Standing.CHANGED: "Visits and other data of the EMR",
        Standing.SAME: "",
        Standing.EXCLUDED: "",
    },
)


class Cause(NamedTuple):
    """Through what one patient is where they are: an operation, or a reason. `actor_id`: of operations one by one."""

    kind: OperationKind | None = None
    operation_id: int = 0  # of those done for many patients together
    actor_id: str = ""
    how: str = ""
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Through:
    """A cause in words, with the number of patients. `bulk_operation_id`: whose page shows it.

    `last_time`: of a reason for exclusion, how many were excluded for it from the last submission.
    """

    standing: Standing
    patients: int
    text: str
    by: str = ""
    at: datetime | None = None
    bulk_operation_id: int | None = None
    reason: Reason | None = None
    last_time: int | None = None


class Causes:
    """Finds the causes of patients who come by in ascending order. The connections are busy until the last one."""

    def __init__(
        self, changes: Connection, exclusions: Connection, host: Host, panel_id: int, last: LastSent | None
    ) -> None:
        self._counts: Counter[tuple[Standing, Cause]] = Counter()
        self._host, self._last = host, last
        self._changes = _Following(_changes(changes, panel_id, last))
        self._excluded = _Following(_excluded(exclusions, last))

    def of(self, one: ComparedMember) -> Sequence[Cause]:
        """The causes of one patient, who is counted: one operation, or each reason, or neither."""
        causes = self._causes(one)
        self._counts.update((one.standing, cause) for cause in causes)
        if one.reasons and one.standing is not Standing.EXCLUDED:
            self._counts.update((Standing.EXCLUDED, cause) for cause in causes)
        return causes

    def _causes(self, one: ComparedMember) -> Sequence[Cause]:
        change, was_excluded = self._changes.of(one.patient_id), self._excluded.of(one.patient_id)
        if one.reasons:
            return [Cause(reason=reason) for reason in one.reasons]
        sides = {Standing.ADDED: "joined", Standing.REMOVED: "left", Standing.CHANGED: "kept"}
        side = sides.get(one.standing)
        if side is None:
            return ()
        if change is not None and getattr(change, side):
            kind = OperationKind(getattr(change, f"{side}_kind"))
            if kind in _TOGETHER:
                return [Cause(kind, getattr(change, side))]
            how = change.how if side == "kept" else ""
            return [Cause(kind, actor_id=getattr(change, f"{side}_by"), how=how or "")]
        if one.standing is Standing.ADDED and was_excluded is not None:
            return [Cause(reason=reason) for reason in reasons_in(was_excluded.reasons)]
        return [Cause()]

    def close(self) -> None:
        """Release the connections, whatever has not been read."""
        self._changes.close()
        self._excluded.close()

    def through(self, connection: Connection) -> list[Through]:
        """All causes so far in words, those of most patients first. Four statements."""
        words = Words.read(connection, self._host, {cause for _, cause in self._counts})
        all_causes = [words.through(*key, patients) for key, patients in self._counts.most_common()]
        if self._last is None:
            return all_causes
        return [
            replace(one, last_time=self._last.reasons.get(one.reason, 0))
            if one.reason and one.standing is Standing.EXCLUDED
            else one
            for one in all_causes
        ]


_Rows = Generator[Row[Any], None, None]


class _Following:
    """Rows in the order of patient ids, from which patients are looked up in the same order."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows
        self._ahead = next(rows, None)

    def close(self) -> None:
        self._rows.close()

    def of(self, patient_id: int) -> Row[Any] | None:
        while self._ahead is not None and self._ahead.patient_id < patient_id:
            self._ahead = next(self._rows, None)
        return self._ahead if self._ahead is not None and self._ahead.patient_id == patient_id else None


def _streamed(connection: Connection, query: Select[Any] | None) -> _Rows:
    if query is None:
        return
    with connection.execute(query.execution_options(yield_per=1000)) as result:
        yield from result


def _excluded(connection: Connection, last: LastSent | None) -> _Rows:
    """Who was excluded from the last submission, by patient id."""
    if last is None:
        return _streamed(connection, None)
    of_last = exclusion.c.snapshot_id == last.snapshot_id
    return _streamed(connection, select(exclusion).where(of_last).order_by(exclusion.c.patient_id))


def _changes(connection: Connection, panel_id: int, last: LastSent | None) -> _Rows:
    """Each patient whose membership of the panel was changed since, by id: the last operation that put them on it, that
    took them off, and that changed the membership itself (`joined`, `left`, `kept`), with kind and actor of each."""
    if last is None:
        return _streamed(connection, None)
    here, there = ledger.c.to_panel_id == panel_id, ledger.c.from_panel_id == panel_id
    moved = ledger.c.from_panel_id.is_distinct_from(ledger.c.to_panel_id)

    def latest(condition: ColumnElement[bool], label: str) -> ColumnElement[int]:
        return func.max(case((condition, ledger.c.operation_id))).label(label)

    ends = (
        select(
            ledger.c.patient_id,
            latest(and_(here, moved), "joined"),
            latest(and_(there, moved), "left"),
            latest(and_(here, ~moved), "kept"),
        )
        .join_from(operation_panel, operation, operation.c.operation_id == operation_panel.c.operation_id)
        .join(ledger, ledger.c.operation_id == operation_panel.c.operation_id)
        .where(operation_panel.c.panel_id == panel_id, operation.c.at > last.taken_at)
        .group_by(ledger.c.patient_id)
        .subquery("ends")
    )
    columns: list[ColumnElement[Any]] = [*ends.c]
    query = select(*columns)
    for side in ("joined", "left", "kept"):
        named = operation.alias(side)
        query = query.outerjoin(named, named.c.operation_id == ends.c[side])
        query = query.add_columns(named.c.kind.label(f"{side}_kind"), named.c.actor_id.label(f"{side}_by"))
    kept = ledger.alias("kept_entry")
    of_kept = and_(kept.c.operation_id == ends.c.kept, kept.c.patient_id == ends.c.patient_id)
    query = query.outerjoin(kept, of_kept).add_columns(kept.c.to_confirmed_how.label("how"))
    return _streamed(connection, query.order_by(ends.c.patient_id))


@dataclass(frozen=True, slots=True)
class Words:
    """What operations and people are called, of those among some causes."""

    operations: Mapping[int, Row[Any]]
    bulk: Mapping[int, history.BulkOperation]
    names: Mapping[str, str]

    @classmethod
    def read(cls, connection: Connection, host: Host, causes: Collection[Cause]) -> "Words":
        """Read them. Four statements."""
        ids = list(islice(sorted({cause.operation_id for cause in causes if cause.operation_id}, reverse=True), _NAMED))
        rows = connection.execute(select(operation).where(operation.c.operation_id.in_(ids))).all()
        operations = {row.operation_id: row for row in rows}
        shown = history.several(connection, host, [row.undoes or row.operation_id for row in rows])
        people = {cause.actor_id for cause in causes if cause.actor_id} | {row.actor_id for row in rows}
        return cls(operations, shown, actor_names(connection, host, people))

    def text(self, standing: Standing, cause: Cause) -> str:
        """A cause in words."""
        if cause.reason is not None:
            return f"No longer: {cause.reason.label}" if standing is Standing.ADDED else cause.reason.label
        if cause.kind is None:
            return _IN_EMR[standing]
        row = self.operations.get(cause.operation_id)
        if cause.operation_id:
            bulk = self.bulk.get((row.undoes or row.operation_id) if row else 0)
            sentence = texts.summary(bulk) if bulk else "A bulk update."
            return f"Undo: {sentence}" if cause.kind not in BULK else sentence
        if cause.how:
            return _CONFIRMED[ConfirmedHow(cause.how)]
        return _ONE_BY_ONE.get(cause.kind, _OTHER)

    def through(self, standing: Standing, cause: Cause, patients: int) -> Through:
        """A cause, with the number of patients."""
        row = self.operations.get(cause.operation_id)
        actor_id = row.actor_id if row else cause.actor_id
        return Through(
            standing=standing,
            patients=patients,
            text=self.text(standing, cause),
            by=self.names.get(actor_id, ""),
            at=row.at if row else None,
            bulk_operation_id=(row.undoes or row.operation_id) if row else None,
            reason=cause.reason,
        )
