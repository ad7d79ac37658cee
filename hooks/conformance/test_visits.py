"""`Roster.last_visit_on`: the latest attended visit before a moment, as SQL."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import insert, select

from .bench import Bench, NewPatient, NewProvider, NewVisit, VisitOutcome
from .reading import last_visit, plugin_table

TODAY = date(2026, 11, 10)
BEFORE = date(2026, 10, 5)


def _noon(bench: Bench) -> datetime:
    return datetime.combine(TODAY, time(12), bench.host.clock.zone)


def _patient_with_visits(
    bench: Bench, *visits: tuple[date, time | None], outcome: VisitOutcome = VisitOutcome.ATTENDED, patient_id: int = 0
) -> int:
    """A patient, a new one unless given, with these appointments."""
    doctor = bench.provider(NewProvider())
    patient_id = patient_id or bench.patient(NewPatient(mrp_id=doctor))
    for day, at in visits:
        bench.visit(NewVisit(patient_id=patient_id, provider_id=doctor, day=day, time=at, outcome=outcome))
    return patient_id


def test_the_last_visit_is_the_latest_of_all(bench: Bench) -> None:
    patient_id = _patient_with_visits(
        bench, (date(2026, 3, 4), time(9)), (BEFORE, time(9)), (date(2026, 4, 4), time(9))
    )
    assert last_visit(bench.host, patient_id, _noon(bench)) == "2026-10-05"


def test_a_visit_to_any_provider_counts(bench: Bench) -> None:
    patient_id = bench.patient(NewPatient(mrp_id=bench.provider(NewProvider())))
    _patient_with_visits(bench, (BEFORE, time(9)), patient_id=patient_id)
    assert last_visit(bench.host, patient_id, _noon(bench)) == "2026-10-05"


def test_without_a_visit_the_last_one_is_null(bench: Bench) -> None:
    assert last_visit(bench.host, _patient_with_visits(bench), _noon(bench)) is None


def test_the_last_visit_is_a_date(bench: Bench) -> None:
    patient_id, patient = _patient_with_visits(bench, (BEFORE, time(9))), bench.host.roster.patients()
    visit = bench.host.roster.last_visit_on(patient.c.patient_id, _noon(bench))
    with bench.host.database.engine.connect() as connection:
        visited_on = connection.scalar(select(visit).where(patient.c.patient_id == patient_id))
    assert type(visited_on) is date, "give the scalar the type Date"


def test_what_has_not_begun_is_no_visit_yet(bench: Bench) -> None:
    later = ((TODAY, time(12, 1)), (TODAY, time(23, 59)), (TODAY + timedelta(days=1), time(9)))
    patient_id = _patient_with_visits(bench, (BEFORE, time(9)), *later)
    assert last_visit(bench.host, patient_id, _noon(bench)) == "2026-10-05"


def test_what_begins_at_the_very_moment_is_no_visit_yet(bench: Bench) -> None:
    patient_id = _patient_with_visits(bench, (BEFORE, time(9)), (TODAY, time(12)))
    assert last_visit(bench.host, patient_id, _noon(bench)) == "2026-10-05"


def test_what_began_earlier_the_same_day_is_a_visit(bench: Bench) -> None:
    patient_id = _patient_with_visits(bench, (TODAY, time(11, 59)))
    assert last_visit(bench.host, patient_id, _noon(bench)) == "2026-11-10"


def test_a_visit_without_a_time_counts_from_the_next_day_on(bench: Bench) -> None:
    patient_id = _patient_with_visits(bench, (BEFORE, time(9)), (TODAY, None))
    end_of_day = datetime.combine(TODAY, time(23, 59), bench.host.clock.zone)
    assert last_visit(bench.host, patient_id, end_of_day) == "2026-10-05"
    assert last_visit(bench.host, patient_id, end_of_day + timedelta(minutes=2)) == "2026-11-10"


def test_a_moment_in_another_zone_is_the_same_moment(bench: Bench) -> None:
    """Evening in the clinic is the next day in UTC."""
    patient_id = _patient_with_visits(bench, (BEFORE, time(9)), (TODAY, time(21, 30)))
    evening = datetime.combine(TODAY, time(21), bench.host.clock.zone)
    assert last_visit(bench.host, patient_id, evening.astimezone(UTC)) == "2026-10-05"


def test_a_cancelled_appointment_is_no_visit(bench: Bench) -> None:
    _is_no_visit(bench, VisitOutcome.CANCELLED)


def test_a_missed_appointment_is_no_visit(bench: Bench) -> None:
    _is_no_visit(bench, VisitOutcome.NO_SHOW)


def test_a_deleted_appointment_is_no_visit(bench: Bench) -> None:
    _is_no_visit(bench, VisitOutcome.DELETED)


def _is_no_visit(bench: Bench, outcome: VisitOutcome) -> None:
    patient_id = _patient_with_visits(bench, (date(2026, 4, 4), time(9)))
    _patient_with_visits(bench, (BEFORE, time(9)), outcome=outcome, patient_id=patient_id)
    assert last_visit(bench.host, patient_id, _noon(bench)) == "2026-04-04"


def test_the_last_visit_belongs_to_the_given_column(bench: Bench) -> None:
    """The plugin asks for its own members, for patients, and for patients under another name."""
    host = bench.host
    first, second = (
        _patient_with_visits(bench, (BEFORE, time(9))),
        _patient_with_visits(bench, (date(2026, 4, 4), time(9))),
    )
    other = host.roster.patients().alias("other")
    with plugin_table(host) as table:
        with host.database.session() as session:
            session.execute(insert(table), [{"number": first}, {"number": second}])
        with host.database.engine.connect() as connection:
            for column in (table.c.number, other.c.patient_id):
                visit = host.roster.last_visit_on(column, _noon(bench))
                rows = connection.execute(select(column, visit).where(column.in_([first, second])))
                dates = {patient_id: str(day)[:10] for patient_id, day in rows}
                assert dates == {first: "2026-10-05", second: "2026-04-04"}, "use the column that is given"


def test_the_last_visit_can_be_filtered_joined_sorted_by_and_used_twice(bench: Bench) -> None:
    host, moment, june = bench.host, _noon(bench), datetime(2026, 6, 1, tzinfo=bench.host.clock.zone)
    first = _patient_with_visits(bench, (date(2026, 4, 4), time(9)))
    second = _patient_with_visits(bench, (date(2026, 3, 3), time(9)), (BEFORE, time(9)))
    patient = host.roster.patients()
    visit, before_june = (host.roster.last_visit_on(patient.c.patient_id, until) for until in (moment, june))
    query = select(patient.c.patient_id).where(patient.c.patient_id.in_([first, second]))
    with plugin_table(host) as table:
        with host.database.session() as session:
            session.execute(insert(table).values(number=second))
        statements = {
            "where": query.where(visit >= date(2026, 5, 1)),
            "order by": query.order_by(visit.desc()),
            "join": query.join(table, table.c.number == patient.c.patient_id).where(visit.is_not(None)),
            "twice": query.where(visit != before_june),
        }
        with host.database.engine.connect() as connection:
            results = {place: connection.scalars(statement).all() for place, statement in statements.items()}
    assert results == {"where": [second], "order by": [second, first], "join": [second], "twice": [second]}


def test_a_moment_without_a_zone_is_refused(bench: Bench) -> None:
    patient = bench.host.roster.patients()
    with pytest.raises(ValueError):  # noqa: PT011  # its words are the host's
        bench.host.roster.last_visit_on(patient.c.patient_id, datetime(2026, 11, 10, 12))  # noqa: DTZ001
