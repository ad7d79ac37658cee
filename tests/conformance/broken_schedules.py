"""Hosts that break one rule each about the appointments of a day."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, func, not_, null, or_, select, union

from .breaking import breaks, with_port
from .oscar_bench import OscarBench


def schedule(bench: OscarBench, **wrong: Any) -> OscarBench:
    """The real one, with columns replaced by what these functions make of it."""
    real = bench.host.schedule
    assert real

    def appointments(day: date) -> FromClause:
        booked = real.appointments(day)
        columns = (
            wrong[column.name](booked.c).label(column.name) if column.name in wrong else column for column in booked.c
        )
        return select(*columns).subquery()

    return with_port(bench, "schedule", appointments=appointments)


@breaks("test_an_appointment_has_its_patient_its_provider_and_its_time")
def nobody_is_seen_by_anyone(bench: OscarBench) -> OscarBench:
    return schedule(bench, provider_id=lambda booked: func.coalesce(null(), ""))


@breaks("test_a_patient_with_two_appointments_is_there_twice")
def a_patient_is_there_once(bench: OscarBench) -> OscarBench:
    real = bench.host.schedule
    assert real

    def appointments(day: date) -> FromClause:
        booked = real.appointments(day)
        first = select(func.min(booked.c.appointment_id)).group_by(booked.c.patient_id)
        return select(booked).where(booked.c.appointment_id.in_(first)).subquery()

    return with_port(bench, "schedule", appointments=appointments)


@breaks("test_other_days_are_not_in_it")
def the_day_after_is_in_it(bench: OscarBench) -> OscarBench:
    real = bench.host.schedule
    assert real
    return with_port(
        bench,
        "schedule",
        appointments=lambda day: union(
            *(select(real.appointments(each)) for each in (day, day + timedelta(days=1)))
        ).subquery(),
    )


@breaks("test_what_was_cancelled_missed_or_deleted_is_not_in_it")
def what_was_cancelled_is_in_it(bench: OscarBench) -> OscarBench:
    real, table = bench.host.schedule, bench.oscar.tables.appointment
    assert real

    def appointments(day: date) -> FromClause:
        cancelled = select(
            table.c.appointment_no, table.c.demographic_no, table.c.provider_no, table.c.start_time, null()
        ).where(table.c.appointment_date == day, table.c.status == "C")
        return union(select(real.appointments(day)), cancelled).subquery()

    return with_port(bench, "schedule", appointments=appointments)


@breaks("test_a_patient_seen_has_arrived_and_one_expected_has_not")
def whoever_has_arrived_is_expected(bench: OscarBench) -> OscarBench:
    return schedule(bench, arrived=lambda booked: not_(booked.arrived))


@breaks("test_an_appointment_of_a_record_merged_away_is_that_of_the_record_kept")
def records_merged_away_keep_their_appointments(bench: OscarBench) -> OscarBench:
    table = bench.oscar.tables.appointment
    own = select(table.c.demographic_no).correlate_except(table)
    return schedule(
        bench,
        patient_id=lambda booked: own.where(table.c.appointment_no == booked.appointment_id).scalar_subquery(),
    )


def next_on(bench: OscarBench, status: tuple[str, ...], *, latest: bool = False) -> OscarBench:
    """The first of these statuses, or the last one, also of records merged into the patient's."""
    table, merged = bench.oscar.tables.appointment, bench.host.roster.merged()
    day = (func.max if latest else func.min)(table.c.appointment_date)

    def first(patient_id: ColumnElement[int], after: date) -> ColumnElement[date]:
        retired = select(merged.c.retired_id).where(merged.c.kept_id == patient_id).correlate_except(merged)
        own = or_(table.c.demographic_no == patient_id, table.c.demographic_no.in_(retired))
        days = select(day).where(own, table.c.appointment_date > after, table.c.status.in_(status))
        return days.correlate_except(table).scalar_subquery()

    return with_port(bench, "schedule", next_on=first)


@breaks("test_the_next_appointment_of_a_patient_is_the_first_one_after_the_day")
def the_last_appointment_is_the_next(bench: OscarBench) -> OscarBench:
    return next_on(bench, ("t", "B"), latest=True)


@breaks("test_the_next_appointments_of_many_patients_are_read_in_one_statement")
def every_patient_has_the_next_appointment_of_anyone(bench: OscarBench) -> OscarBench:
    real, table = bench.host.schedule, bench.oscar.tables.appointment
    assert real

    def first(patient_id: ColumnElement[int], after: date) -> ColumnElement[date]:
        if isinstance(patient_id, BindParameter):
            return real.next_on(patient_id, after)
        days = select(func.min(table.c.appointment_date)).where(table.c.appointment_date > after)
        return days.correlate_except(table).scalar_subquery()

    return with_port(bench, "schedule", next_on=first)


@breaks("test_the_next_appointment_is_one_that_was_not_cancelled")
def a_cancelled_appointment_is_the_next(bench: OscarBench) -> OscarBench:
    return next_on(bench, ("t", "B", "C"))


@breaks("test_the_next_appointment_of_a_record_merged_away_is_that_of_the_record_kept")
def records_merged_away_keep_their_next_appointment(bench: OscarBench) -> OscarBench:
    table = bench.oscar.tables.appointment

    def first(patient_id: ColumnElement[int], after: date) -> ColumnElement[date]:
        own = (table.c.demographic_no == patient_id, table.c.appointment_date > after)
        days = select(func.min(table.c.appointment_date)).where(*own, table.c.status.in_(("t", "B")))
        return days.correlate_except(table).scalar_subquery()

    return with_port(bench, "schedule", next_on=first)
