"""Whom the reads of clients have given out, as it is recorded."""

from sqlalchemy import Select, select

from cpar_plugin.store.tables import read, read_set, read_set_patient

GIVEN_OUT: Select[tuple[int, int]] = (
    select(read.c.read_id, read_set_patient.c.patient_id)
    .select_from(read.join(read_set).join(read_set_patient))
    .order_by(read.c.read_id, read_set_patient.c.patient_id)
)
