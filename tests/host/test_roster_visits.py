"""The last visit: which appointments count, and since when."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, literal, select, text

from oscar_host.host import OscarHost

from ..conftest import ALBERTA
from ..examples import examples

YESTERDAY, TODAY, TOMORROW = dt.date(2026, 11, 9), dt.date(2026, 11, 10), dt.date(2026, 11, 11)


def test_a_patient_without_an_appointment_has_no_visit(oscar, last_visits):
    patient_id = oscar.patient()
    assert last_visits() == {patient_id: None}


def test_the_latest_of_several_visits_is_the_last(oscar, last_visits):
    patient_id = oscar.patient()
    for day in ("2026-01-05", "2026-08-05", "2025-12-31"):
        oscar.visit(patient_id, day)
    assert last_visits() == {patient_id: dt.date(2026, 8, 5)}


def test_an_appointment_of_no_one_or_someone_else_is_no_visit(oscar, last_visits):
    patient_id = oscar.patient()
    oscar.visit(0)
    oscar.visit(patient_id + 1)
    assert last_visits() == {patient_id: None}


@pytest.mark.parametrize("status", ["C", "CS", "CV", "N", "NS", "NV", "D", "DS"])
def test_a_cancelled_missed_or_deleted_appointment_is_no_visit(oscar, last_visits, status):
    patient_id = oscar.patient()
    oscar.visit(patient_id, status=status)
    assert last_visits() == {patient_id: None}


@pytest.mark.parametrize("status", ["t", "T", "H", "P", "E", "a", "b", "c", "d", "n", "h", "B", "BS", "cS", "", None])
def test_every_other_status_counts_also_the_small_letters_and_none(oscar, last_visits, status):
    patient_id = oscar.patient()
    oscar.visit(patient_id, status=status)
    assert last_visits() == {patient_id: dt.date(2026, 10, 5)}


@pytest.mark.parametrize("status", [" C", "\tN", "\u200bD", "\u00a0C", "\u202eN"])
def test_what_is_before_the_first_letter_that_can_be_seen_does_not_count(oscar, last_visits, status):
    patient_id = oscar.patient()
    oscar.visit(patient_id, status=status)
    assert last_visits() == {patient_id: None}


@pytest.mark.parametrize("status", [" B", " c", "\tt", "\u200bH", "  ", "\u200b", "1", "!C", "é"])
def test_any_other_first_letter_is_that_of_a_visit(oscar, last_visits, status):
    patient_id = oscar.patient()
    oscar.visit(patient_id, status=status)
    assert last_visits() == {patient_id: dt.date(2026, 10, 5)}


CANCELLED = ["Cancelled", "cancelled", "Canceled", "CANCELLED BY CLIN", " Cancelled ", "Late cancel", "Can\u00adcelled"]
NO_SHOWS = ["No-Show", "No Show", "NoShow", "NO_SHOW", "no\u2011show", "Patient No-Show"]


@pytest.mark.parametrize("word", [*CANCELLED, *NO_SHOWS])
def test_what_another_system_called_cancelled_or_a_no_show_is_no_visit(oscar, last_visits, word):
    patient_id = oscar.patient()
    oscar.visit(patient_id, status="g", imported_status=word)
    assert last_visits() == {patient_id: None}


@pytest.mark.parametrize("word", [None, "", "  ", "Confirmed", "No-Cancellation Allo", "Seen", "Billed", "Showed"])
def test_what_another_system_called_otherwise_counts(oscar, last_visits, word):
    patient_id = oscar.patient()
    oscar.visit(patient_id, status="g", imported_status=word)
    assert last_visits() == {patient_id: dt.date(2026, 10, 5)}


@pytest.mark.parametrize(
    ("day", "time", "counts"),
    [
        (TODAY, "09:59:59", True),
        (TODAY, "10:00", False),
        (TODAY, "10:00:01", False),
        (TOMORROW, "08:00", False),
        (YESTERDAY, "23:59", True),
        (TODAY, None, False),
        (YESTERDAY, None, True),
        (TODAY, "00:00", False),  # OSCAR keeps midnight where nobody has entered a time
        (YESTERDAY, "00:00", True),
        (TODAY, "00:00:01", True),
    ],
)
def test_a_visit_counts_once_it_has_started_in_the_clinics_time(oscar, last_visits, day, time, counts):
    patient_id = oscar.patient()
    oscar.visit(patient_id, day, time=time)
    assert last_visits() == {patient_id: day if counts else None}


def test_the_moment_may_be_given_in_any_zone(oscar, last_visits):
    patient_id = oscar.patient()
    oscar.visit(patient_id, TODAY, time="20:00")
    evening = dt.datetime(2026, 11, 10, 20, 0, tzinfo=ALBERTA).astimezone(dt.UTC)  # there it is the next day
    assert last_visits(evening) == {patient_id: None}
    assert last_visits(evening + dt.timedelta(microseconds=1)) == {patient_id: TODAY}


def test_a_moment_without_a_zone_is_an_error(host: OscarHost):
    with pytest.raises(ValueError, match="time zone"):
        host.roster.last_visit_on(literal(1), dt.datetime(2026, 11, 10))  # noqa: DTZ001


@pytest.mark.parametrize("day", ["0001-01-01", "0000-00-00"])
def test_the_day_that_no_one_has_entered_is_no_visit(emr: OscarHost, oscar, last_visits, day):
    patient_id = oscar.patient()
    visit = oscar.visit(patient_id)
    table = oscar.tables.appointment
    with emr.database.writing() as connection:
        name = table.fullname
        connection.execute(
            text(f"UPDATE {name} SET appointment_date = :day WHERE appointment_no = :no"), {"day": day, "no": visit}
        )
    assert last_visits() == {patient_id: None}
    oscar.visit(patient_id, "2020-02-29")
    assert last_visits() == {patient_id: dt.date(2020, 2, 29)}


def test_the_last_visit_can_be_read_for_one_id_and_within_a_change(host: OscarHost, oscar):
    from cpar_plugin.store.tables import member, panel

    retired, kept = oscar.patient(), oscar.patient()
    oscar.merge(retired, kept)
    oscar.visit(retired, "2026-03-04")
    oscar.visit(kept, "2026-03-03")
    now = host.clock.now()
    patients = host.roster.patients()
    with host.database.session() as session:
        session.execute(insert(panel).values(panel_id=1, number="1", notify="", version=1, created_at=now))
        rows = select(
            patients.c.patient_id,
            literal(1),
            literal(now, member.c.since.type),
            host.roster.last_visit_on(patients.c.patient_id, now),
        )
        session.execute(insert(member).from_select(["patient_id", "panel_id", "since", "confirmed_on"], rows))
    with host.database.session() as session:
        assert session.scalar(select(member.c.confirmed_on)) == dt.date(2026, 3, 4)
        session.execute(member.update().values(confirmed_on=None))
        session.execute(member.update().values(confirmed_on=host.roster.last_visit_on(member.c.patient_id, now)))
        assert session.execute(select(member.c.patient_id, member.c.confirmed_on)).all() == [
            (kept, dt.date(2026, 3, 4))
        ]
        assert session.scalar(select(host.roster.last_visit_on(literal(kept), now))) == dt.date(2026, 3, 4)


STATUSES = st.sampled_from([None, "", "t", "B", "BS", "C", "CS", "c", "cS", "N", "NV", "n", "D", "d", "h"])
TIMES = st.sampled_from([None, dt.time(0), dt.time(0, 0, 1), dt.time(9, 59, 59), dt.time(10), dt.time(10, 0, 1)])
APPOINTMENTS = st.tuples(st.integers(0, 5), st.dates(TODAY - dt.timedelta(3), TODAY + dt.timedelta(1)), TIMES, STATUSES)
MERGES = st.tuples(st.integers(1, 5), st.integers(1, 5), st.booleans())


def simply(appointments, merges, until):
    """The rule again, in plain words: (patients of the roster, their last visits)."""
    into = {}
    for retired, kept, deleted in merges:
        if not deleted and retired != kept:
            into[retired] = kept  # of several, the latest

    def heirs(record):
        seen = []
        while record in into and into[record] not in seen:
            record = into[record]
            seen.append(record)
        return seen

    last = {patient_id: None for patient_id in range(1, 6) if patient_id not in into}
    for record, day, time, status in appointments:
        attended = not status or status[0] not in "CND"
        timed = time not in (None, dt.time(0))
        started = dt.datetime.combine(day, time, ALBERTA) < until if timed else day < until.date()
        if attended and started:
            for patient_id in {record, *heirs(record)} & set(last):
                last[patient_id] = max(day, last[patient_id] or day)
    return last


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    appointments=st.lists(APPOINTMENTS, max_size=8),
    merges=st.lists(MERGES, max_size=6),
    microsecond=st.sampled_from([0, 1]),
)
def test_visits_and_merges_are_what_the_rule_says_in_plain_words(
    emr: OscarHost, oscar, last_visits, appointments, merges, microsecond
):
    until = dt.datetime(2026, 11, 10, 10, 0, 0, microsecond, tzinfo=ALBERTA)
    with emr.database.writing() as connection:
        for table in (oscar.tables.demographic, oscar.tables.appointment, oscar.tables.demographic_merged):
            connection.execute(delete(table))
    for patient_id in range(1, 6):
        oscar.patient(demographic_no=patient_id)
    for record, day, time, status in appointments:
        oscar.visit(record, day, time=time, status=status)
    for retired, kept, deleted in merges:
        oscar.merge(retired, kept, deleted=int(deleted))
    assert last_visits(until) == simply(appointments, merges, until)
