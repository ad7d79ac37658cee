"""Whom the reads of clients have given out, as it is recorded."""

from sqlalchemy import Select, func, select

from cpar_plugin.store.tables import read, read_set, read_set_patient

PATIENT = func.coalesce(read.c.patient_id, read_set_patient.c.patient_id).label("patient_id")
GIVEN_OUT: Select[tuple[int, int]] = (
    select(read.c.read_id, PATIENT)
    .select_from(read.outerjoin(read_set).outerjoin(read_set_patient))
    .where(PATIENT.is_not(None))
    .order_by(read.c.read_id, PATIENT)
)
