"""Hosts that break one rule each about who has seen patients."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, extract, func, literal, null, select, union_all

from .breaking import breaks, with_port
from .broken_visits import NOBODY_CAME, begun
from .oscar_bench import OscarBench


def last_provider(bench: OscarBench, wrong: Callable[[ColumnElement[str], Any], ColumnElement[str]]) -> OscarBench:
    """The real one, made wrong by this function, which also has the patient's column."""
    real = bench.host.visits
    assert real
    return with_port(
        bench,
        "visits",
        last_provider=lambda patient_id, until: wrong(real.last_provider(patient_id, until), patient_id),
    )


def attended(bench: OscarBench, wrong: Callable[[Any, date, datetime], FromClause]) -> OscarBench:
    real = bench.host.visits
    assert real

    def made(first: date, until: datetime, patient_id: int | None = None) -> FromClause:
        return wrong(partial(real.attended, patient_id=patient_id), first, until)

    return with_port(bench, "visits", attended=made)


def with_column(bench: OscarBench, **wrong: Callable[[Any], ColumnElement[Any]]) -> OscarBench:
    """The real visits with another value in some columns."""

    def other(real: Any, first: date, until: datetime) -> FromClause:
        visit = real(first, until)
        kept = (column for column in visit.c if column.name not in wrong)
        return select(*kept, *(made(visit).label(name) for name, made in wrong.items())).subquery()

    return attended(bench, other)


def last_booked(bench: OscarBench, patient_id: Any) -> Any:
    booked = bench.oscar.tables.appointment.alias("booked")
    latest = select(booked.c.provider_no).where(booked.c.demographic_no == patient_id)
    return latest.order_by(booked.c.appointment_date.desc()).limit(1).correlate_except(booked).scalar_subquery()


@breaks("test_the_provider_last_seen_is_that_of_the_last_visit")
def whoever_was_booked_last_has_seen_the_patient(bench: OscarBench) -> OscarBench:
    return last_provider(
        bench,
        lambda real, patient_id: case(
            (real.is_(None), null()), else_=func.coalesce(last_booked(bench, patient_id), real)
        ),
    )


@breaks("test_a_patient_without_a_visit_was_last_seen_by_no_one")
def without_a_visit_the_provider_is_an_empty_text(bench: OscarBench) -> OscarBench:
    return last_provider(bench, lambda real, _: func.coalesce(real, ""))


@breaks("test_what_a_record_merged_away_was_seen_for_counts_for_the_record_kept")
def visits_stay_with_the_record_merged_away(bench: OscarBench) -> OscarBench:
    def of_own_record(patient_id: ColumnElement[int], until: datetime) -> ColumnElement[str]:
        visit, now = bench.oscar.tables.appointment.alias("visit"), until.astimezone(bench.host.clock.zone)
        own = select(visit.c.provider_no).where(visit.c.demographic_no == patient_id)
        own = own.where(begun(visit.c, now.replace(tzinfo=None)), visit.c.status.not_in(NOBODY_CAME))
        own = own.order_by(visit.c.appointment_date.desc(), visit.c.start_time.desc()).limit(1)
        return own.correlate_except(visit).scalar_subquery()

    return with_port(bench, "visits", last_provider=of_own_record)


@breaks("test_a_visit_has_its_patient_its_provider_its_day_and_its_moment")
def visits_have_a_column_that_no_one_knows(bench: OscarBench) -> OscarBench:
    def wider(real: Any, first: date, until: datetime) -> FromClause:
        visit = real(first, until)
        return select(visit, literal("").label("room")).subquery()

    return attended(bench, wider)


@breaks("test_a_visit_without_a_time_started_at_midnight")
def a_visit_without_a_time_has_no_moment(bench: OscarBench) -> OscarBench:
    def or_nothing(visit: Any) -> ColumnElement[Any]:
        return case((extract("hour", visit.c.started_at) > 0, visit.c.started_at), else_=null())

    return with_column(bench, started_at=or_nothing)


@breaks("test_a_visit_has_the_words_for_why")
def the_reason_of_a_visit_is_its_type(bench: OscarBench) -> OscarBench:
    return with_column(bench, reason=lambda visit: visit.c.visit_type)


@breaks("test_the_visits_of_one_patient_are_those_that_are_among_all_visits")
def the_visits_of_one_patient_are_those_of_everyone(bench: OscarBench) -> OscarBench:
    return attended(bench, lambda real, first, until: real(first, until, patient_id=None))


@breaks("test_visits_begin_with_the_first_day_and_end_before_the_moment")
def visits_begin_a_day_early(bench: OscarBench) -> OscarBench:
    return attended(bench, lambda real, first, until: real(first - timedelta(days=1), until))


@breaks("test_visits_begin_with_the_first_day_and_end_before_the_moment")
def visits_end_a_day_late(bench: OscarBench) -> OscarBench:
    return attended(bench, lambda real, first, until: real(first, until + timedelta(days=1)))


@breaks("test_what_did_not_take_place_is_not_among_the_visits")
def what_was_missed_is_a_visit(bench: OscarBench) -> OscarBench:
    def with_missed(real: Any, first: date, until: datetime) -> FromClause:
        visit, booked = real(first, until), bench.oscar.tables.appointment
        if real.keywords["patient_id"] is not None:
            return visit  # type: ignore[no-any-return]
        missed = select(booked.c.demographic_no, booked.c.provider_no, booked.c.appointment_date)
        missed = missed.add_columns(*(null().label(name) for name in ("started_at", "status", "visit_type", "reason")))
        missed = missed.where(booked.c.appointment_date >= literal(first), booked.c.status == "N")
        before = booked.c.appointment_date < until.date()
        return union_all(select(visit), missed.where(before)).subquery()

    return attended(bench, with_missed)
