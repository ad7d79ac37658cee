"""Hosts that break one rule each about who has seen patients."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, func, literal, null, select, union_all

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
    return with_port(bench, "visits", attended=lambda first, until: wrong(real.attended, first, until))


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


@breaks("test_a_visit_has_its_patient_its_provider_and_its_day")
def no_visit_has_a_provider(bench: OscarBench) -> OscarBench:
    def nameless(real: Any, first: date, until: datetime) -> FromClause:
        visit = real(first, until)
        nobody = func.coalesce(null(), "").label("provider_id")
        return select(visit.c.patient_id, nobody, visit.c.visited_on).subquery()

    return attended(bench, nameless)


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
        missed = select(booked.c.demographic_no, booked.c.provider_no, booked.c.appointment_date)
        missed = missed.where(booked.c.appointment_date >= literal(first), booked.c.status == "N")
        before = booked.c.appointment_date < until.date()
        return union_all(select(visit), missed.where(before)).subquery()

    return attended(bench, with_missed)
