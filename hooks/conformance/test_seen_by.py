"""`Visits`: which provider has seen which patient, as SQL. A host without this port has nothing to check."""

from datetime import date, datetime, time
from typing import Any

import pytest
from sqlalchemy import RowMapping, select

from .. import Visits
from .bench import Bench, NewPatient, NewProvider, NewVisit, VisitOutcome

TODAY = date(2026, 11, 10)
FIRST = date(2026, 10, 1)


def _visits(bench: Bench) -> Visits:
    visits = bench.host.visits
    if visits is None:
        pytest.skip("this host cannot say who has seen patients")
    return visits


def _noon(bench: Bench) -> datetime:
    return datetime.combine(TODAY, time(12), bench.host.clock.zone)


def _seen(bench: Bench, patient_id: int, day: date, at: time | None = time(9), **more: Any) -> str:
    """A new provider who has seen the patient."""
    provider_id = bench.provider(NewProvider())
    bench.visit(NewVisit(patient_id=patient_id, provider_id=provider_id, day=day, time=at, **more))
    return provider_id


def _last_provider(bench: Bench, patient_id: int) -> Any:
    patient = bench.host.roster.patients()
    provider = _visits(bench).last_provider(patient.c.patient_id, _noon(bench))
    with bench.host.database.engine.connect() as connection:
        return connection.scalar(select(provider).where(patient.c.patient_id == patient_id))


def _attended(bench: Bench, *patient_ids: int) -> list[RowMapping]:
    visit = _visits(bench).attended(FIRST, _noon(bench))
    query = select(visit).where(visit.c.patient_id.in_(patient_ids)).order_by(visit.c.visited_on)
    with bench.host.database.engine.connect() as connection:
        return list(connection.execute(query).mappings())


def test_the_provider_last_seen_is_that_of_the_last_visit(bench: Bench) -> None:
    patient_id = bench.patient(NewPatient())
    _seen(bench, patient_id, date(2026, 10, 20))
    last = _seen(bench, patient_id, date(2026, 11, 2), time(15))
    _seen(bench, patient_id, date(2026, 11, 2), time(9))
    _seen(bench, patient_id, date(2026, 11, 3), outcome=VisitOutcome.NO_SHOW)
    _seen(bench, patient_id, TODAY, time(16), outcome=VisitOutcome.EXPECTED)
    assert _last_provider(bench, patient_id) == last


def test_a_patient_without_a_visit_was_last_seen_by_no_one(bench: Bench) -> None:
    patient_id = bench.patient(NewPatient(mrp_id=bench.provider(NewProvider())))
    _seen(bench, patient_id, date(2026, 10, 20), outcome=VisitOutcome.CANCELLED)
    assert _last_provider(bench, patient_id) is None


def test_what_a_record_merged_away_was_seen_for_counts_for_the_record_kept(bench: Bench) -> None:
    retired, kept = bench.patient(NewPatient()), bench.patient(NewPatient())
    provider_id = _seen(bench, retired, date(2026, 11, 2))
    bench.merge(retired, kept)
    assert _last_provider(bench, kept) == provider_id
    assert [row["patient_id"] for row in _attended(bench, retired, kept)] == [kept]


def test_a_visit_has_its_patient_its_provider_its_day_and_its_moment(bench: Bench) -> None:
    patient_id = bench.patient(NewPatient())
    day = date(2026, 10, 20)
    provider_id = _seen(bench, patient_id, day, time(9, 30))
    [visit] = _attended(bench, patient_id)
    assert set(visit) == {"patient_id", "provider_id", "visited_on", "started_at", "status", "visit_type", "reason"}
    assert (visit["patient_id"], visit["provider_id"]) == (patient_id, provider_id)
    assert (visit["visited_on"], visit["started_at"]) == (day, datetime.combine(day, time(9, 30)))


def test_a_visit_without_a_time_started_at_midnight(bench: Bench) -> None:
    patient_id = bench.patient(NewPatient())
    _seen(bench, patient_id, date(2026, 10, 20), None)
    assert [visit["started_at"] for visit in _attended(bench, patient_id)] == [
        datetime.combine(date(2026, 10, 20), time())
    ]


def test_a_visit_has_the_words_for_why(bench: Bench) -> None:
    patient_id = bench.patient(NewPatient())
    _seen(bench, patient_id, date(2026, 10, 20), visit_type="Physical", reason="Every year")
    _seen(bench, patient_id, date(2026, 10, 21))
    first, second = _attended(bench, patient_id)
    assert (first["visit_type"], first["reason"]) == ("Physical", "Every year")
    assert not second["visit_type"]
    assert not second["reason"]


def test_the_visits_of_one_patient_are_those_that_are_among_all_visits(bench: Bench) -> None:
    retired, kept, other = (bench.patient(NewPatient()) for _ in range(3))
    for patient_id in (retired, kept, other):
        _seen(bench, patient_id, date(2026, 10, 20))
    bench.merge(retired, kept)
    with bench.host.database.engine.connect() as connection:
        visit = _visits(bench).attended(FIRST, _noon(bench), kept)
        alone = {row["provider_id"] for row in connection.execute(select(visit)).mappings()}
    assert alone == {row["provider_id"] for row in _attended(bench, kept)}
    assert len(alone) == 2


def test_visits_begin_with_the_first_day_and_end_before_the_moment(bench: Bench) -> None:
    patient_id = bench.patient(NewPatient())
    days = (date(2026, 9, 30), FIRST, TODAY, date(2026, 11, 11))
    for day in days:
        _seen(bench, patient_id, day)
    _seen(bench, patient_id, TODAY, time(12))
    assert [row["visited_on"] for row in _attended(bench, patient_id)] == [FIRST, TODAY]


def test_what_did_not_take_place_is_not_among_the_visits(bench: Bench) -> None:
    patient_id = bench.patient(NewPatient())
    for outcome in (VisitOutcome.CANCELLED, VisitOutcome.NO_SHOW, VisitOutcome.DELETED):
        _seen(bench, patient_id, date(2026, 10, 20), outcome=outcome)
    assert _attended(bench, patient_id) == []
