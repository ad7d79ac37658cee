"""What reports say of one patient, and still is to do: for the patient's box."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, true

from ...domain.report_lines import TO_DO
from ...domain.reports import ReportKind
from ...hooks import Host
from ...store.folding import can_fold
from ...store.tables import report_line, report_row
from .mismatches import is_fixed

_line, _row = report_line.c, report_row.c


@dataclass(frozen=True, slots=True)
class ToDoOfPatient:
    """Lines of one kind. `since`: when the oldest of them came."""

    kind: ReportKind
    since: datetime


def to_do_of(host: Host, patient_id: int) -> list[ToDoOfPatient]:
    """Of patients who are certain or accepted, and of records that were merged into this one. One statement.

    Nothing of what does not match where the record has by now what the registry has.
    """
    merged, patient = host.roster.merged(), host.roster.patients()
    retired = select(merged.c.retired_id).where(merged.c.kept_id == patient_id)
    query = (
        select(_line.kind, func.min(_line.opened_at).label("since"))
        .join_from(report_row, report_line, (_line.report_id == _row.report_id) & (_line.line_key == _row.line_key))
        .outerjoin(patient, patient.c.patient_id == patient_id)
        .where(or_(_row.patient_id == patient_id, _row.patient_id.in_(retired)), _row.accepted == true())
        .where(_line.closed_at.is_(None), _line.state.in_(TO_DO))
        .where(or_(_line.kind != ReportKind.MISMATCH.value, ~is_fixed(patient)))
        .group_by(_line.kind)
    )
    with host.database.engine.connect() as connection:
        can_fold(connection)
        found = {ReportKind(row.kind): row.since for row in connection.execute(query)}
    return [ToDoOfPatient(kind, found[kind]) for kind in ReportKind if kind in found]
