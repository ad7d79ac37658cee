"""The patients that an undo did not restore, and why: by name those that a person may see, as a count the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
)

from ...domain.csv_columns import PATIENT, CsvColumn, CsvHead
from ...domain.merged import merged_text
from ...hooks import Actor, Host
from ...store import ledger
from ...store.tables import ledger as entries
from ...store.tables import member, operation, panel
from ..operations.record import OperationKind
from ..roster.csv_file import moment_cell
from ..roster.providers import actor_names
from . import texts

NAMED: Final = 50
HEAD: Final[CsvHead] = (
    *PATIENT,
    CsvColumn.PANEL_BEFORE,
    CsvColumn.PANEL_NOW,
    CsvColumn.CHANGE,
    CsvColumn.CHANGED_BY,
    CsvColumn.CHANGED_AT,
    CsvColumn.MAY_MOVE_BACK,
)
_AT_ONCE: Final = 1000


class NotRestoredPatient(NamedTuple):
    """One patient. Names are None without a record; `changed_by` and `changed_at` where nothing changed since."""

    patient_id: int
    family_name: str | None
    given_name: str | None
    birth_date: str | None
    phn: str | None
    number_before: str | None  # of the panel before the operation, None for none
    number_now: str | None
    change: str  # what changed since the operation, in words
    changed_by: str | None  # a name
    changed_at: datetime | None
    may_move_back: bool
    merged_into: int | None  # the record kept, for one that was merged away


@dataclass(frozen=True, slots=True)
class NotRestored:
    """Patients by name, at most NAMED of them."""

    patients: Sequence[NotRestoredPatient]
    more: int  # that the person may see, too
    hidden: int
    may_move_back: int  # of those that the person may see
    restored_since: int  # are as before the operation now


def not_restored(host: Host, actor: Actor, operation_id: int) -> NotRestored:
    """Those of an operation that was undone."""
    entry = entries.alias("entry")
    visible = host.identity.visible(actor, entry.c.patient_id)
    as_before = _is(member, ledger.before(entry))
    counts = (
        select(
            func.count(case((not_(as_before), 1))),
            func.count(case((and_(not_(as_before), visible), 1))),
            func.count(case((and_(_may_move_back(entry), visible), 1))),
            func.count(case((as_before, 1))),
        )
        .select_from(entry.outerjoin(member, member.c.patient_id == entry.c.patient_id))
        .where(*_skipped_by_undo(entry, operation_id))
    )
    with host.database.session() as session:
        total, visible_count, movable, restored_since = session.execute(counts).one()
        query = _patients(host, entry, operation_id).where(visible, not_(as_before))
        connection = session.connection()
        patients = list(_read(connection, host, operation_id, query.limit(NAMED))) if visible_count else []
    return NotRestored(patients, visible_count - len(patients), total - visible_count, movable, restored_since)


def export(host: Host, actor: Actor, operation_id: int) -> Iterator[tuple[object, ...]]:
    """All of them that the actor may see as the rows of a file, streamed.

    Nobody stands in it while the operation is not undone.
    """
    entry = entries.alias("entry")
    visible, as_before = host.identity.visible(actor, entry.c.patient_id), _is(member, ledger.before(entry))
    return _lines(host, operation_id, _patients(host, entry, operation_id).where(visible, not_(as_before)))


def _lines(host: Host, operation_id: int, query: Select[Any]) -> Iterator[tuple[object, ...]]:
    yield HEAD
    with host.database.engine.connect() as connection:
        for patient in _read(connection, host, operation_id, query.execution_options(yield_per=_AT_ONCE)):
            *values, change, changed_by, changed_at, may_move_back, merged_into = patient
            if merged_into is not None:
                change = f"{change}. {merged_text(merged_into)}"
            moment = moment_cell(changed_at, host.clock.zone)
            yield (*values, change, changed_by, moment, "yes" if may_move_back else "no")


def movable(entry: FromClause, operation_id: int) -> tuple[ColumnElement[bool], ...]:
    """The entries of an operation that its undo skipped and that can be restored nevertheless, joined as `member`."""
    return *_skipped_by_undo(entry, operation_id), _may_move_back(entry)


def _may_move_back(entry: FromClause) -> ColumnElement[bool]:
    """Whether the patient is still on the panel where the operation left them, and at most was confirmed there.

    After an operation that only confirmed, a later confirmation stays.
    """
    on_panel = and_(
        member.c.panel_id.is_not_distinct_from(entry.c.to_panel_id),
        member.c.since.is_not_distinct_from(entry.c.to_since),
    )
    other_panel = entry.c.from_panel_id.is_distinct_from(entry.c.to_panel_id)
    return and_(on_panel, or_(other_panel, _is(member, ledger.after(entry))))


def _is(membership: FromClause, values: ledger.Columns) -> ColumnElement[bool]:
    return and_(*(now.is_not_distinct_from(then) for now, then in zip(ledger.columns(membership), values, strict=True)))


def _skipped_by_undo(entry: FromClause, operation_id: int) -> tuple[ColumnElement[bool], ...]:
    """The entries of an operation that its undo left as they were."""
    again = entries.alias("again")
    restored = exists().where(again.c.operation_id == _undo_id(operation_id), again.c.patient_id == entry.c.patient_id)
    return entry.c.operation_id == operation_id, not_(restored)


def _undo_id(operation_id: int) -> Any:
    return select(operation.c.operation_id).where(operation.c.undoes == operation_id).scalar_subquery()


def _change_ids(entry: FromClause, operation_id: int) -> ColumnElement[int]:
    """The change between the operation and its undo that tells most: the last one of panel, else the last one."""
    later = entries.alias("later")
    query = select(func.max(later.c.operation_id)).where(
        later.c.patient_id == entry.c.patient_id,
        later.c.operation_id > operation_id,
        later.c.operation_id < _undo_id(operation_id),
    )
    of_panel = query.where(later.c.from_panel_id.is_distinct_from(later.c.to_panel_id))
    return func.coalesce(of_panel.correlate(entry).scalar_subquery(), query.correlate(entry).scalar_subquery())


def _patients(host: Host, entry: FromClause, operation_id: int) -> Select[Any]:
    """By name, joined with their membership and the change since."""
    patient, change, by = host.roster.patients(), entries.alias("change"), operation.alias("by_operation")
    merged = host.roster.merged()
    before, now, source, target = (panel.alias(name) for name in ("before", "now", "source", "target"))
    of_change = change.c.operation_id == _change_ids(entry, operation_id), change.c.patient_id == entry.c.patient_id
    return (
        select(
            entry.c.patient_id,
            patient.c.family_name,
            patient.c.given_name,
            patient.c.birth_date,
            patient.c.phn,
            before.c.number.label("number_before"),
            now.c.number.label("number_now"),
            by.c.kind,
            source.c.number.label("source"),
            target.c.number.label("target"),
            by.c.actor_id,
            by.c.at,
            _may_move_back(entry).label("may_move_back"),
            merged.c.kept_id,
        )
        .select_from(entry)
        .outerjoin(member, member.c.patient_id == entry.c.patient_id)
        .outerjoin(patient, patient.c.patient_id == entry.c.patient_id)
        .outerjoin(merged, merged.c.retired_id == entry.c.patient_id)
        .outerjoin(change, and_(*of_change))
        .outerjoin(by, by.c.operation_id == change.c.operation_id)
        .outerjoin(before, before.c.panel_id == entry.c.from_panel_id)
        .outerjoin(now, now.c.panel_id == member.c.panel_id)
        .outerjoin(source, source.c.panel_id == change.c.from_panel_id)
        .outerjoin(target, target.c.panel_id == change.c.to_panel_id)
        .where(*_skipped_by_undo(entry, operation_id))
        .order_by(patient.c.family_name, patient.c.given_name, entry.c.patient_id)
    )


def _read(connection: Connection, host: Host, operation_id: int, query: Select[Any]) -> Iterator[NotRestoredPatient]:
    changers = (
        select(operation.c.actor_id)
        .join(entries, entries.c.operation_id == operation.c.operation_id)
        .where(operation.c.operation_id > operation_id, operation.c.operation_id < _undo_id(operation_id))
    )
    undone_by = connection.scalar(select(operation.c.actor_id).where(operation.c.undoes == operation_id))
    if undone_by is None:
        return
    names = actor_names(connection, host, {*connection.scalars(changers.distinct()), undone_by})
    with connection.execute(query) as result:
        for row in result:
            kind = OperationKind(row.kind) if row.kind else None
            yield NotRestoredPatient(
                patient_id=row.patient_id,
                family_name=row.family_name,
                given_name=row.given_name,
                birth_date=row.birth_date,
                phn=row.phn,
                number_before=row.number_before,
                number_now=row.number_now,
                change=texts.change_since(kind, row.source, row.target, names[undone_by]),
                changed_by=names[row.actor_id] if row.actor_id else None,
                changed_at=row.at,
                may_move_back=bool(row.may_move_back),
                merged_into=row.kept_id,
            )
