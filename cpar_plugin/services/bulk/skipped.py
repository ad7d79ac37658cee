"""The patients that a bulk operation skipped, and why: stored with it, since the EMR changes afterwards."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, case, func, insert, literal, null, select
from sqlalchemy.orm import Session

from ...domain.csv_columns import PATIENT, CsvColumn, CsvHead
from ...domain.merged import merged_text
from ...hooks import Actor, Host
from ...store import tables
from ...store.tables import member, panel
from ..roster import merges
from . import texts
from .orders import Order, require_possible
from .scope import Scope, SkipReason
from .statuses import status_label

HEAD: Final[CsvHead] = (
    *PATIENT,
    CsvColumn.STATUS,
    CsvColumn.PANEL_NOW,
    CsvColumn.REASON,
    CsvColumn.HOW_TO_FIX,
)
_AT_ONCE = 1000
_STATUS_LENGTH = 60


@dataclass(frozen=True, slots=True)
class SkippedCounts:
    """How many patients an operation skipped: by reason those that the reader may see, and the others."""

    by_reason: Sequence[tuple[str, int]]
    hidden: int

    @property
    def listed(self) -> int:
        """How many the CSV file names."""
        return sum(count for _, count in self.by_reason)


def keep(session: Session, operation_id: int, scope: Scope) -> None:
    """Store the patients that the operation skips. To be called before `ledger.carry_out`, which changes the answer."""
    skipped = tables.skipped.c
    columns = [skipped.operation_id, skipped.patient_id, skipped.reason, skipped.status]
    status = func.substr(scope.status, 1, _STATUS_LENGTH)
    rows = (
        select(literal(operation_id), scope.patient_id, scope.skip_reason, status)
        .select_from(scope.source)
        .where(scope.includes, scope.skip_reason.is_not(None))
    )
    session.execute(insert(tables.skipped).from_select(columns, rows))


def counted(connection: Connection, host: Host, actor: Actor, operation_id: int) -> SkippedCounts:
    """How many an operation skipped. One statement."""
    skipped = tables.skipped.c
    visible = func.count(case((host.identity.visible(actor, skipped.patient_id), 1)))
    rows = connection.execute(
        select(skipped.reason, skipped.status, func.count(), visible)
        .where(skipped.operation_id == operation_id)
        .group_by(skipped.reason, skipped.status)
        .order_by(skipped.reason, skipped.status)
    ).all()
    counts: Counter[str] = Counter()
    for reason, status, _, visible_count in rows:
        counts[_reason(host, reason, status)] += visible_count
    hidden = sum(count - visible_count for *_, count, visible_count in rows)
    return SkippedCounts([(text, count) for text, count in counts.items() if count], hidden)


def export(host: Host, actor: Actor, operation_id: int) -> Iterator[tuple[object, ...]]:
    """The patients that an operation skipped, with the reason of then, as the rows of a file, streamed.

    Patients that the actor may not see are excluded.
    """
    skipped, patient, merged = tables.skipped.c, host.roster.patients(), host.roster.merged()
    rows = (
        select(*_columns(skipped.patient_id, patient), skipped.status, panel.c.number, skipped.reason, merged.c.kept_id)
        .select_from(
            tables.skipped.outerjoin(patient, patient.c.patient_id == skipped.patient_id)
            .outerjoin(merged, merged.c.retired_id == skipped.patient_id)
            .outerjoin(member, member.c.patient_id == skipped.patient_id)
            .outerjoin(panel, panel.c.panel_id == member.c.panel_id)
        )
        .where(skipped.operation_id == operation_id, host.identity.visible(actor, skipped.patient_id))
        .order_by(patient.c.family_name, patient.c.given_name, skipped.patient_id)
    )
    return _lines(host, rows)


def export_preview(host: Host, actor: Actor, order: Order) -> Iterator[tuple[object, ...]]:
    """The same of those that an order would skip now. Raises Refused and NotFound as `require_possible` does."""
    merges.catch_up(host)
    scope = order.scope(host, actor)
    with host.database.engine.connect() as connection:
        require_possible(connection, host, order)
    rows = (
        select(*_columns(scope.patient_id, scope.patient), scope.status, panel.c.number, scope.skip_reason, null())
        .select_from(scope.source.outerjoin(panel, panel.c.panel_id == member.c.panel_id))
        .where(scope.includes, scope.skip_reason.is_not(None), host.identity.visible(actor, scope.patient_id))
        .order_by(scope.patient.c.family_name, scope.patient.c.given_name, scope.patient_id)
    )
    return _lines(host, rows)


def _columns(patient_id: Any, patient: Any) -> tuple[Any, ...]:
    return (patient_id, patient.c.family_name, patient.c.given_name, patient.c.birth_date, patient.c.phn)


def _lines(host: Host, rows: Select[Any]) -> Iterator[tuple[object, ...]]:
    yield HEAD
    rows = rows.execution_options(yield_per=_AT_ONCE)
    with host.database.engine.connect() as connection, connection.execute(rows) as result:
        for *columns, status, number, reason, kept_id in result:
            remedy = texts.skip_remedy(SkipReason(reason)) if kept_id is None else merged_text(kept_id)
            yield (*columns, status_label(host, status), number, _reason(host, reason, status), remedy)


def _reason(host: Host, reason: str, status: str) -> str:
    return texts.skip_reason(SkipReason(reason), status_label(host, status) if status else "")
