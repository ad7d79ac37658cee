"""The patients that an undo did not restore: by name those that a person may see, as a count the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, case, exists, func, not_, select

from ...hooks import Actor, AuditEvent, Host
from ...store.tables import ledger, operation

NAMED = 50


@dataclass(frozen=True, slots=True)
class NotRestored:
    """Patients as `patient_id`, `family_name`, `given_name`, at most NAMED of them; names are None without a record."""

    patients: Sequence[Row[Any]]
    more: int  # that the person may see, too
    hidden: int


def not_restored(host: Host, actor: Actor, operation_id: int) -> NotRestored:
    """Those of an operation that was undone. Names that are shown leave a record in the audit trail."""
    entry, again, undoing = ledger.alias("entry"), ledger.alias("again"), operation.alias("undoing")
    restored = exists().where(
        undoing.c.undoes == operation_id,
        again.c.operation_id == undoing.c.operation_id,
        again.c.patient_id == entry.c.patient_id,
    )
    remaining = entry.c.operation_id == operation_id, not_(restored)
    visible, patient = host.identity.visible(actor, entry.c.patient_id), host.roster.patients()
    named: Select[Any] = (
        select(entry.c.patient_id, patient.c.family_name, patient.c.given_name)
        .outerjoin_from(entry, patient, patient.c.patient_id == entry.c.patient_id)
        .where(*remaining, visible)
        .order_by(patient.c.family_name, patient.c.given_name, entry.c.patient_id)
        .limit(NAMED)
    )
    with host.database.session() as session:
        total, visible_count = session.execute(
            select(func.count(), func.count(case((visible, 1)))).where(*remaining)
        ).one()
        patients = session.execute(named).all() if visible_count else []
        if patients:
            key = f"operation {operation_id}"
            event = AuditEvent(
                actor=actor, action="read", noun="cparPanelMember", key=key, detail="patients its undo skipped"
            )
            host.audit.record(session, event)
    return NotRestored(patients, visible_count - len(patients), total - visible_count)
