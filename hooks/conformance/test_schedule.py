"""`Schedule`: the appointments of a day, and the next one of a patient, as SQL.

A host without a schedule has none to check.
"""

from datetime import date, time
from typing import Any

import pytest
from sqlalchemy import RowMapping, literal, select

from .bench import Bench, NewPatient, NewProvider, NewVisit, VisitOutcome

DAY = date(2026, 11, 10)


def _appointments(bench: Bench, day: date = DAY) -> list[RowMapping]:
    schedule = bench.host.schedule
    if schedule is None:
        pytest.skip("this host has no schedule")
    appointment = schedule.appointments(day)
    with bench.host.database.engine.connect() as connection:
        rows = connection.execute(select(appointment).order_by(appointment.c.starts_at, appointment.c.appointment_id))
        return list(rows.mappings())


def _booked(bench: Bench, at: time | None = time(9, 30), **more: Any) -> tuple[int, str]:
    """A new patient with an appointment, and its provider."""
    provider_id = bench.provider(NewProvider())
    patient_id = bench.patient(NewPatient(mrp_id=provider_id))
    fields: dict[str, Any] = {"day": DAY, "outcome": VisitOutcome.EXPECTED} | more
    bench.visit(NewVisit(patient_id=patient_id, provider_id=provider_id, time=at, **fields))
    return patient_id, provider_id


def _of(bench: Bench, patient_id: int) -> list[RowMapping]:
    return [row for row in _appointments(bench) if row["patient_id"] == patient_id]


def test_an_appointment_has_its_patient_its_provider_and_its_time(bench: Bench) -> None:
    patient_id, provider_id = _booked(bench)
    (appointment,) = _of(bench, patient_id)
    assert (appointment["provider_id"], appointment["starts_at"]) == (provider_id, time(9, 30))
    assert isinstance(appointment["appointment_id"], int)


def test_a_patient_with_two_appointments_is_there_twice(bench: Bench) -> None:
    patient_id, provider_id = _booked(bench)
    bench.visit(NewVisit(patient_id=patient_id, provider_id=provider_id, day=DAY, time=time(15)))
    assert [row["starts_at"] for row in _of(bench, patient_id)] == [time(9, 30), time(15)]


def test_other_days_are_not_in_it(bench: Bench) -> None:
    before, _ = _booked(bench, day=date(2026, 11, 9))
    after, _ = _booked(bench, day=date(2026, 11, 11))
    assert not {before, after} & {row["patient_id"] for row in _appointments(bench)}


def test_what_was_cancelled_missed_or_deleted_is_not_in_it(bench: Bench) -> None:
    gone = {
        _booked(bench, outcome=outcome)[0]
        for outcome in (VisitOutcome.CANCELLED, VisitOutcome.NO_SHOW, VisitOutcome.DELETED)
    }
    assert not gone & {row["patient_id"] for row in _appointments(bench)}


def test_a_patient_seen_has_arrived_and_one_expected_has_not(bench: Bench) -> None:
    seen, _ = _booked(bench, outcome=VisitOutcome.ATTENDED)
    expected, _ = _booked(bench)
    (of_seen,), (of_expected,) = _of(bench, seen), _of(bench, expected)
    assert of_seen["arrived"] in (True, None)
    assert of_expected["arrived"] in (False, None)


def test_an_appointment_of_a_record_merged_away_is_that_of_the_record_kept(bench: Bench) -> None:
    retired, _ = _booked(bench)
    kept = bench.patient(NewPatient())
    bench.merge(retired, kept)
    assert len(_of(bench, kept)) == 1
    assert not _of(bench, retired)


def _next(bench: Bench, patient_id: int) -> date | None:
    schedule = bench.host.schedule
    if schedule is None:
        pytest.skip("this host has no schedule")
    with bench.host.database.engine.connect() as connection:
        return connection.scalar(select(schedule.next_on(literal(patient_id), DAY)))


def test_the_next_appointment_of_a_patient_is_the_first_one_after_the_day(bench: Bench) -> None:
    patient_id, provider_id = _booked(bench)
    assert _next(bench, patient_id) is None
    later = [date(2026, 11, 20), date(2026, 11, 12)]
    expected: dict[str, Any] = {"outcome": VisitOutcome.EXPECTED}
    for day in later:
        bench.visit(NewVisit(patient_id=patient_id, provider_id=provider_id, day=day, time=time(9), **expected))
    assert _next(bench, patient_id) == min(later)


def test_the_next_appointments_of_many_patients_are_read_in_one_statement(bench: Bench) -> None:
    days = {_booked(bench, day=day)[0]: day for day in (date(2026, 11, 12), date(2026, 11, 20))}
    patient, schedule = bench.host.roster.patients(), bench.host.schedule
    if schedule is None:
        pytest.skip("this host has no schedule")
    query = select(patient.c.patient_id, schedule.next_on(patient.c.patient_id, DAY)).where(
        patient.c.patient_id.in_(days)
    )
    with bench.host.database.engine.connect() as connection:
        assert {row[0]: row[1] for row in connection.execute(query)} == days


def test_the_next_appointment_is_one_that_was_not_cancelled(bench: Bench) -> None:
    patient_id, _ = _booked(bench, day=date(2026, 11, 12), outcome=VisitOutcome.CANCELLED)
    assert _next(bench, patient_id) is None


def test_the_next_appointment_of_a_record_merged_away_is_that_of_the_record_kept(bench: Bench) -> None:
    retired, _ = _booked(bench, day=date(2026, 11, 12))
    kept = bench.patient(NewPatient())
    bench.merge(retired, kept)
    assert _next(bench, kept) == date(2026, 11, 12)
