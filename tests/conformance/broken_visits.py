"""Hosts that break one rule each about the last visit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, func, literal_column, or_, select, type_coerce

from .breaking import breaks, with_roster
from .oscar_bench import OscarBench

NOBODY_CAME = ("C", "N", "D")


def begun(visit: Any, now: datetime) -> ColumnElement[bool]:
    """The rule as it should be."""
    return or_(visit.appointment_date < now.date(), and_(visit.appointment_date == now.date(), earlier(visit, now)))


def earlier(visit: Any, now: datetime) -> ColumnElement[bool]:
    return and_(visit.start_time.is_not(None), visit.start_time < now.time())


@dataclass
class Visits:
    """The last visit in the plainest SQL, of which each part can be replaced by a wrong one."""

    bench: OscarBench
    begun: Callable[[Any, datetime], ColumnElement[bool]] = begun
    latest: Callable[[ColumnElement[Any]], ColumnElement[Any]] = func.max
    no_visit: tuple[str, ...] = NOBODY_CAME
    patient_id: ColumnElement[int] | None = None
    in_the_zone: bool = True
    by: str = ""  # the column by which they are sorted, and the first one taken
    also: Callable[[Any], ColumnElement[bool]] | None = None

    def __call__(self, patient_id: ColumnElement[int], until: datetime) -> ColumnElement[Any]:
        if until.tzinfo is None:
            raise ValueError("until needs a time zone")
        now = (until.astimezone(self.bench.host.clock.zone) if self.in_the_zone else until).replace(tzinfo=None)
        provider = patient_id if self.patient_id is None else self.patient_id
        visit, merged = self.bench.oscar.tables.appointment.alias("visit"), self.bench.host.roster.merged().alias()
        retired = select(merged.c.retired_id).where(merged.c.kept_id == provider).correlate_except(merged)
        conditions = [
            or_(visit.c.demographic_no == provider, visit.c.demographic_no.in_(retired)),
            self.begun(visit.c, now),
            visit.c.status.not_in(self.no_visit),
        ]
        if self.also is not None:
            conditions.append(self.also(visit.c))
        query = select(self.latest(visit.c.appointment_date)).where(*conditions)
        if self.by:
            query = query.order_by(visit.c[self.by].desc()).limit(1)
        return query.correlate_except(visit).scalar_subquery()


def visits(bench: OscarBench, **wrong: Any) -> OscarBench:
    return with_roster(bench, last_visit_on=Visits(bench, **wrong))


@breaks("test_the_last_visit_is_the_latest_of_all")
def the_last_visit_is_the_one_entered_last(bench: OscarBench) -> OscarBench:
    return visits(bench, latest=lambda day: day, by="appointment_no")


@breaks("test_a_visit_to_any_provider_counts")
def visits_to_the_mrp_count_only(bench: OscarBench) -> OscarBench:
    record = bench.oscar.tables.demographic
    mrp = select(record.c.provider_no).correlate_except(record)

    def to_the_mrp(visit: Any) -> ColumnElement[bool]:
        of_patient = mrp.where(record.c.demographic_no == visit.demographic_no).scalar_subquery()
        return visit.provider_no == func.coalesce(of_patient, visit.provider_no)

    return visits(bench, also=to_the_mrp)


@breaks("test_without_a_visit_the_last_one_is_null")
def without_a_visit_there_is_a_first_day_of_all(bench: OscarBench) -> OscarBench:
    return visits(bench, latest=lambda day: func.coalesce(func.max(day), date(1, 1, 1)))


@breaks("test_the_last_visit_is_a_date")
def the_last_visit_is_text(bench: OscarBench) -> OscarBench:
    return visits(bench, latest=lambda day: type_coerce(func.max(day), String))


@breaks("test_what_has_not_begun_is_no_visit_yet")
def what_is_booked_for_tomorrow_counts(bench: OscarBench) -> OscarBench:
    return visits(
        bench,
        begun=lambda visit, now: or_(begun(visit, now), visit.appointment_date == now.date() + timedelta(days=1)),
    )


@breaks("test_what_begins_at_the_very_moment_is_no_visit_yet")
def the_very_moment_counts(bench: OscarBench) -> OscarBench:
    return visits(
        bench,
        begun=lambda visit, now: or_(
            visit.appointment_date < now.date(),
            and_(visit.appointment_date == now.date(), visit.start_time <= now.time()),
        ),
    )


@breaks("test_what_began_earlier_the_same_day_is_a_visit")
def today_never_counts(bench: OscarBench) -> OscarBench:
    return visits(bench, begun=lambda visit, now: visit.appointment_date < now.date())


@breaks("test_a_visit_without_a_time_counts_from_the_next_day_on")
def without_a_time_it_is_midnight(bench: OscarBench) -> OscarBench:
    return visits(
        bench, begun=lambda visit, now: or_(begun(visit, now), and_(visit.start_time.is_(None), _by(visit, now)))
    )


@breaks("test_a_visit_without_a_time_counts_from_the_next_day_on")
def without_a_time_it_never_counts(bench: OscarBench) -> OscarBench:
    return visits(bench, begun=lambda visit, now: and_(begun(visit, now), visit.start_time.is_not(None)))


def _by(visit: Any, now: datetime) -> ColumnElement[bool]:
    return visit.appointment_date <= now.date()


@breaks("test_a_moment_in_another_zone_is_the_same_moment")
def a_moment_is_read_off_its_own_clock(bench: OscarBench) -> OscarBench:
    return visits(bench, in_the_zone=False)


@breaks("test_a_cancelled_appointment_is_no_visit")
def cancelled_ones_count(bench: OscarBench) -> OscarBench:
    return visits(bench, no_visit=("N", "D"))


@breaks("test_a_missed_appointment_is_no_visit")
def those_to_which_no_one_came_count(bench: OscarBench) -> OscarBench:
    return visits(bench, no_visit=("C", "D"))


@breaks("test_a_deleted_appointment_is_no_visit")
def deleted_ones_count(bench: OscarBench) -> OscarBench:
    return visits(bench, no_visit=("C", "N"))


@breaks("test_the_last_visit_belongs_to_the_given_column")
def the_column_is_taken_from_the_patients(bench: OscarBench) -> OscarBench:
    return visits(bench, patient_id=literal_column("patient.patient_id"))


@breaks("test_the_last_visit_can_be_filtered_joined_sorted_by_and_used_twice")
def two_moments_share_a_parameter(bench: OscarBench) -> OscarBench:
    def by_parameters(visit: Any, now: datetime) -> ColumnElement[bool]:
        today = bindparam("today", now.date())
        moment = bindparam("now", now.time(), type_=visit.start_time.type)
        return or_(visit.appointment_date < today, and_(visit.appointment_date == today, visit.start_time < moment))

    return visits(bench, begun=by_parameters)


@breaks("test_a_moment_without_a_zone_is_refused")
def a_moment_without_a_zone_is_the_clinics(bench: OscarBench) -> OscarBench:
    real = bench.host.roster.last_visit_on

    def forgiving(patient_id: ColumnElement[int], until: datetime) -> ColumnElement[date]:
        return real(patient_id, until if until.tzinfo else until.replace(tzinfo=bench.host.clock.zone))

    return with_roster(bench, last_visit_on=forgiving)
