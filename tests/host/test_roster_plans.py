"""How the databases find one patient's last visit among those of the whole clinic."""

import datetime as dt
import time

import pytest
from sqlalchemy import insert, select

from cpar_plugin.host_kit.schemas import as_text
from oscar_host.host import OscarHost

PATIENTS, VISITS_EACH = 500, 10


@pytest.fixture
def clinic(emr: OscarHost, oscar):
    """A few thousand appointments, and a twentieth of the records merged away, in chains of two."""
    tables = oscar.tables
    day = dt.date(2020, 1, 1)
    merges = [
        {"demographic_no": retired, "merged_to": retired + 1, "deleted": 0}
        for start in range(1, PATIENTS, 40)
        for retired in (start, start + 1)
    ]
    visits = [
        {
            "demographic_no": patient_id,
            "appointment_date": day + dt.timedelta(days=(patient_id * 7 + number * 211) % 2000),
            "start_time": dt.time(9),
            "status": "B",
        }
        for patient_id in range(1, PATIENTS + 1)
        for number in range(VISITS_EACH)
    ]
    for number in range(1, PATIENTS + 1):
        oscar.patient(demographic_no=number)
    with emr.database.writing() as connection:
        connection.execute(insert(tables.appointment), visits)
        connection.execute(insert(tables.demographic_merged), merges)
    with emr.database.writing() as connection:  # a server that has run for a while knows its tables' sizes
        for table in (tables.appointment, tables.demographic, tables.demographic_merged):
            statement = "ANALYZE" if connection.dialect.name == "sqlite" else "ANALYZE TABLE"
            connection.exec_driver_sql(f"{statement} {table.fullname}").close()


def plan(host: OscarHost, query) -> list[str]:
    """One line for each access to a table, those that read it whole beginning with ALL."""
    sql = as_text(host.database.engine, query)
    with host.database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            rows = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + sql).all()
            return [row.detail.replace("SCAN", "ALL", 1) for row in rows]
        rows = connection.exec_driver_sql("EXPLAIN " + sql.replace("%", "%%")).all()
        return [f"{row.type} {row.table} by {row.key}" for row in rows]


def test_the_last_visit_of_one_patient_reads_only_that_patients_appointments(host: OscarHost, clinic):
    patients = host.roster.patients()
    visit = host.roster.last_visit_on(patients.c.patient_id, host.clock.now())
    lines = plan(host, select(patients.c.patient_id, visit).where(patients.c.patient_id == 3))
    visits = [line for line in lines if "own_visit" in line or "merged_visit" in line]
    assert len(visits) == 2, lines
    by_patient = ("demographic_no", "appointment_changed")  # either index begins with the patient
    assert all(any(key in line for key in by_patient) and not line.startswith("ALL") for line in visits), lines
    own = [line for line in lines if "demographic" in line and "merge" not in line and "visit" not in line]
    assert own, lines
    assert all("PRIMARY" in line for line in own), lines


def test_the_last_visits_of_everyone_take_one_look_at_the_merges(host: OscarHost, clinic):
    patients = host.roster.patients()
    query = select(patients.c.patient_id, host.roster.last_visit_on(patients.c.patient_id, host.clock.now()))
    started = time.perf_counter()
    with host.database.engine.connect() as connection:
        assert len(connection.execute(query).all()) == PATIENTS - 26
    assert time.perf_counter() - started < 20  # it takes a few hundredths; for each patient, it would take minutes


def test_who_saw_one_patient_last_is_found_among_that_patients_appointments(host: OscarHost, clinic):
    patients = host.roster.patients()
    provider = host.visits.last_provider(patients.c.patient_id, host.clock.now())
    lines = plan(host, select(patients.c.patient_id, provider).where(patients.c.patient_id == 3))
    visits = [line for line in lines if "own_visit" in line or "merged_visit" in line]
    assert len(visits) == 2, lines
    assert all("demographic_no" in line or "appointment_changed" in line for line in visits), lines
    assert not any(line.startswith("ALL") for line in visits), lines
