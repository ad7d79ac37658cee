"""Whom a bulk operation concerned but left alone, and why: kept with it, since the EMR changes afterwards."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, case, func, insert, literal, select
from sqlalchemy.orm import Session

from ...hooks import Actor, AuditEvent, Host
from ...store import tables
from ...store.tables import member, panel
from ..roster import merges
from ..roster.csv_file import csv_file
from .orders import Concerned, LeftAlone, Order, concerned, require_possible, status_label

HEAD: Final = (
    "Record",
    "Family name",
    "Given name",
    "Date of birth",
    "PHN",
    "Status",
    "Current panel",
    "Reason",
    "How to fix",
)
_AT_ONCE = 1000
_STATUS_LENGTH = 60
_REMEDY = {
    LeftAlone.NOT_VISIBLE: "Ask someone with access to this record to change it on the patient's page.",
    LeftAlone.OTHER_STATUS: "Correct the status, or repeat the Bulk Update with this status.",
    LeftAlone.ALREADY: "Nothing to do: the confirmation date is unchanged.",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """How many patients an operation left alone: those whom the reader may see by reason, and the others."""

    by_reason: Sequence[tuple[str, int]]
    hidden: int

    @property
    def listed(self) -> int:
        """How many the CSV file names."""
        return sum(count for _, count in self.by_reason)


def keep(session: Session, operation_id: int, whom: Concerned) -> None:
    """Write down whom the operation leaves alone. To be called before `ledger.carry_out`, which changes the answer."""
    kept = tables.left_alone.c
    columns = [kept.operation_id, kept.patient_id, kept.why, kept.status]
    rows = _rows(whom).with_only_columns(
        literal(operation_id), whom.patient_id, whom.left_alone, func.substr(whom.status, 1, _STATUS_LENGTH)
    )
    session.execute(insert(tables.left_alone).from_select(columns, rows))


def _rows(whom: Concerned) -> Select[Any]:
    return select(whom.patient_id).select_from(whom.source).where(whom.in_scope, whom.left_alone.is_not(None))


def counted(connection: Connection, host: Host, actor: Actor, operation_id: int) -> Counted:
    """How many an operation left alone. One statement."""
    kept = tables.left_alone.c
    visible = func.count(case((host.identity.visible(actor, kept.patient_id), 1)))
    rows = connection.execute(
        select(kept.why, kept.status, func.count(), visible)
        .where(kept.operation_id == operation_id)
        .group_by(kept.why, kept.status)
        .order_by(kept.why, kept.status)
    ).all()
    found: Counter[str] = Counter()
    for why, status, _, seen in rows:
        found[_reason(host, why, status)] += seen
    return Counted([(reason, count) for reason, count in found.items() if count], sum(row[2] - row[3] for row in rows))


def export(host: Host, actor: Actor, operation_id: int) -> Iterator[bytes]:
    """A CSV file of those whom an operation left alone, with the reason of then; the audit trail is told first.

    Patients whom the actor may not see are left out.
    """
    kept, patient = tables.left_alone.c, host.roster.patients()
    chosen = (
        select(*_columns(kept.patient_id, patient), kept.status, panel.c.number, kept.why)
        .select_from(
            tables.left_alone.outerjoin(patient, patient.c.patient_id == kept.patient_id)
            .outerjoin(member, member.c.patient_id == kept.patient_id)
            .outerjoin(panel, panel.c.panel_id == member.c.panel_id)
        )
        .where(kept.operation_id == operation_id, host.identity.visible(actor, kept.patient_id))
        .order_by(patient.c.family_name, patient.c.given_name, kept.patient_id)
    )
    return _file(host, actor, f"operation {operation_id}", chosen)


def export_preview(host: Host, actor: Actor, order: Order) -> Iterator[bytes]:
    """The same of those whom an order would leave alone now. Raises Refused and NotFound as `require_possible` does."""
    merges.catch_up(host)
    whom = concerned(host, actor, order)
    with host.database.engine.connect() as connection:
        require_possible(connection, host, order)
    chosen = (
        select(*_columns(whom.patient_id, whom.patient), whom.status, panel.c.number, whom.left_alone)
        .select_from(whom.source.outerjoin(panel, panel.c.panel_id == member.c.panel_id))
        .where(whom.in_scope, whom.left_alone.is_not(None), whom.visible)
        .order_by(whom.patient.c.family_name, whom.patient.c.given_name, whom.patient_id)
    )
    return _file(host, actor, f"panel {order.panel_id}, before a bulk update", chosen)


def _columns(patient_id: Any, patient: Any) -> tuple[Any, ...]:
    return (patient_id, patient.c.family_name, patient.c.given_name, patient.c.birth_date, patient.c.phn)


def _file(host: Host, actor: Actor, of: str, chosen: Select[Any]) -> Iterator[bytes]:
    with host.database.session() as session:
        event = AuditEvent(
            actor=actor, action="read", noun="cparPanelMember", key=of, detail="export of patients not changed"
        )
        host.audit.record(session, event)
    return csv_file(_lines(host, chosen.execution_options(yield_per=_AT_ONCE)))


def _lines(host: Host, chosen: Select[Any]) -> Iterator[tuple[object, ...]]:
    yield HEAD
    with host.database.engine.connect() as connection, connection.execute(chosen) as result:
        for *who, status, number, why in result:
            yield (*who, status_label(host, status), number, _reason(host, why, status), _REMEDY[LeftAlone(why)])


def _reason(host: Host, why: str, status: str) -> str:
    match LeftAlone(why):
        case LeftAlone.NOT_VISIBLE:
            return "The person who ran the bulk update had no access to the record"
        case LeftAlone.OTHER_STATUS:
            return f"Status is {status_label(host, status)}" if status else "No status"
        case LeftAlone.ALREADY:
            return "Already on the panel"
