"""The numbers of an overview: every picture counts every member once, whatever their dates are."""

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, example, given, settings
from sqlalchemy import delete, insert, literal, select

from cpar_plugin.domain import bands
from cpar_plugin.domain.birth import birth_date
from cpar_plugin.domain.reasons import Reason
from cpar_plugin.fhir_mappings.identifiers import gender
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.host_kit.sql import letters
from cpar_plugin.services import bulk, overview
from cpar_plugin.services.bulk import undo
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.roster.valid_dates import is_calendar_date
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..conftest import ALBERTA
from ..examples import examples

FIXTURES_STAY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
DAYS = st.dates(date(2021, 1, 1), date(2027, 12, 31))
BIRTHS = st.one_of(
    st.dates(date(1890, 1, 1), date(2030, 12, 31)).map(date.isoformat),
    st.sampled_from(["1980-02-30", "1900-02-29", "2000-02-29", "0000-01-01", "1980-13-01", "198-01-01", "1980--01"]),
)
MEMBERS = st.lists(
    st.tuples(st.none() | DAYS, st.none() | DAYS, BIRTHS, st.sampled_from([*"FMXOTUfm ", ""])), max_size=8
)


BORN = ("year_of_birth", "month_of_birth", "date_of_birth")


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=ALBERTA)  # type: ignore[arg-type, misc]


def now_of(host: OscarHost, clerk: Actor, panel_id: int | None) -> overview.Members:
    with host.database.engine.connect() as connection:
        return overview.members(connection, host, clerk, Settings(), panel_id)


def months_of(host: OscarHost, clerk: Actor, panel_id: int | None) -> dict[str, tuple[int, int, int]]:
    with host.database.engine.connect() as connection:
        patients = overview.members(connection, host, clerk, Settings(), panel_id).patients
        result = overview.months(connection, host, clerk, panel_id, patients)
    return {month.until.isoformat(): (month.joined, month.left, month.patients) for month in result}


def lapse(day: date | None, today: date) -> str:
    if day is None:
        return bands.NEVER
    return next((label for label, bound in bands.lapse_bounds(today) if day > bound), bands.LONGEST)


def age(born: date | None, today: date) -> str:
    if born is None or born > today:
        return bands.UNDATED
    return next((label for label, bound in bands.age_bounds(today) if born > bound), bands.OLDEST)


def test_every_picture_counts_every_member_once_in_the_band_of_the_rule(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, make_panel: Callable[..., int]
) -> None:
    panel, other = make_panel("1"), make_panel("2")

    @settings(max_examples=examples(8), suppress_health_check=FIXTURES_STAY)
    @given(people=MEMBERS, today=st.dates(date(2024, 1, 1), date(2027, 12, 31)))
    @example(people=[], today=date(2026, 11, 10))
    @example(people=[(date(2023, 2, 28), date(2024, 2, 29), "2014-03-01", "F")], today=date(2024, 2, 29))
    def check(people: list[Any], today: date) -> None:
        clock.move_to(at(today.year, today.month, today.day, 10))
        with site.database.session() as session:
            session.execute(delete(tables.member))
        confirmed, seen, ages = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
        for place, (confirmed_on, seen_on, born, code) in enumerate(people):
            patient_id = oscar.patient(sex=code, **dict(zip(BORN, born.split("-", 2), strict=True)))
            if seen_on:
                oscar.visit(patient_id, seen_on)
            row = {"panel_id": (panel, other)[place % 2], "since": clock.now(), "confirmed_on": confirmed_on}
            with site.database.session() as session:
                session.execute(insert(tables.member).values(patient_id=patient_id, **row))
            confirmed[lapse(confirmed_on, today)] += 1
            seen[lapse(seen_on if seen_on and seen_on <= today else None, today)] += 1
            ages[age(birth_date(born), today), gender(code)] += 1
        result = now_of(site, clerk, None)
        assert result.patients == len(people)
        assert Counter(result.confirmed) == confirmed
        assert Counter(result.seen) == seen
        assert Counter({(of, code): n for of, row in result.ages.items() for code, n in row.items()}) == ages
        each = [now_of(site, clerk, panel_id) for panel_id in (panel, other)]
        for one in each:
            sums = (
                sum(one.confirmed.values()),
                sum(one.seen.values()),
                sum(sum(row.values()) for row in one.ages.values()),
            )
            assert sums == (one.patients,) * 3
        assert sum(one.patients for one in each) == result.patients

    check()


def test_sql_and_the_rule_agree_on_which_texts_are_birth_dates(host: OscarHost) -> None:
    @settings(max_examples=examples(50), suppress_health_check=FIXTURES_STAY)
    @given(
        st.one_of(
            st.dates().map(date.isoformat),
            st.from_regex("[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True),
            st.text("0123456789-:/ x٣é", max_size=12),
        )
    )
    @example("0000-01-01")
    @example("1900-02-29")
    @example("2000-02-29")
    @example("0400-02-29")
    @example("19800229")
    @example("1980-W09-5")
    @example("1980-02-2٣")
    def check(text: str) -> None:
        with host.database.engine.connect() as connection:
            assert bool(connection.scalar(select(is_calendar_date(letters(literal(text)))))) == bool(birth_date(text))

    check()


def test_members_in_doubt_are_all_counted_when_they_are_more_than_are_remembered(
    site: OscarHost, clerk: Actor, clock: FixedClock, make_panel: Callable[..., int]
) -> None:
    panel = make_panel("1")
    unknown = range(1_000_000, 1_010_050)  # fifty more than ten thousand
    with site.database.writing() as connection:
        row = {"panel_id": panel, "since": clock.now()}
        connection.execute(insert(tables.member), [{"patient_id": patient_id, **row} for patient_id in unknown])
    result = now_of(site, clerk, panel)
    assert result.patients == len(unknown)
    assert result.next_submission.reasons == {Reason.UNKNOWN_PATIENT: len(unknown)}


def test_who_the_roster_no_longer_knows_is_counted_without_an_age(
    site: OscarHost, emr: OscarHost, oscar: Any, clerk: Actor, make_panel: Callable[..., int]
) -> None:
    panel, patient_id = make_panel("1"), oscar.patient()
    one_patient.choose(site, clerk, patient_id, panel, seen_panel_id=None)
    with emr.database.writing() as connection:
        connection.execute(delete(site.tables.demographic))
    result = now_of(site, clerk, panel)
    assert result.patients == 1
    assert result.ages[bands.UNDATED] == {"unknown": 1}
    following = result.next_submission
    assert (following.excluded, following.reasons) == (1, {Reason.UNKNOWN_PATIENT: 1})


def test_who_would_be_excluded_is_reported_by_reason(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Callable[..., int]
) -> None:
    panel, other = make_panel("1"), make_panel("2")
    for place, wrong in enumerate(({}, {"sex": "", "hin": ""}, {"sex": ""}, {"last_name": "王"})):
        patient_id = oscar.patient(**{"hin": f"10000000{place}"} | wrong)
        oscar.visit(patient_id)
        one_patient.choose(site, clerk, patient_id, panel, seen_panel_id=None)
    one_patient.choose(site, clerk, oscar.patient(hin="200000000"), other, seen_panel_id=None)
    of_panel, of_all = (now_of(site, clerk, panel_id).next_submission for panel_id in (panel, None))
    assert (of_panel.excluded, of_panel.reasons) == (2, {Reason.NO_GENDER: 2, Reason.NO_PHN: 1})
    assert (of_all.excluded, of_all.reasons[Reason.NO_VISIT]) == (3, 1)


def test_months_end_at_midnight_of_the_clinic_and_begin_with_the_first_patient(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, make_panel: Callable[..., int]
) -> None:
    clock.move_to(at(2026, 8, 1, 9))
    panel, other = make_panel("1"), make_panel("2")
    one, two, three = oscar.patient(), oscar.patient(), oscar.patient()
    assert months_of(site, clerk, panel) == {}
    clock.move_to(at(2026, 8, 31, 23, 59, 59))
    one_patient.choose(site, clerk, one, panel, seen_panel_id=None)
    clock.move_to(at(2026, 9, 1, 0, 0))
    one_patient.choose(site, clerk, two, panel, seen_panel_id=None)
    one_patient.choose(site, clerk, three, other, seen_panel_id=None)
    clock.move_to(at(2026, 11, 10, 10))
    one_patient.choose(site, clerk, one, other, seen_panel_id=panel)
    one_patient.remove(site, clerk, three, seen_panel_id=other)
    one_patient.confirm(site, clerk, two, seen_panel_id=panel)
    assert months_of(site, clerk, panel) == {
        "2026-08-31": (1, 0, 1),
        "2026-09-30": (1, 0, 2),
        "2026-10-31": (0, 0, 2),
        "2026-11-10": (0, 1, 1),
    }
    assert months_of(site, clerk, other) == {
        "2026-09-30": (1, 0, 1),
        "2026-10-31": (0, 0, 1),
        "2026-11-10": (1, 1, 1),
    }
    assert months_of(site, clerk, None) == {
        "2026-08-31": (1, 0, 1),
        "2026-09-30": (2, 0, 3),
        "2026-10-31": (0, 0, 3),
        "2026-11-10": (0, 1, 2),
    }
    editing.delete(site, clerk, other, version=1)
    assert months_of(site, clerk, None)["2026-11-10"] == (0, 2, 1)


def test_two_years_of_months_are_shown_however_old_a_panel_is(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, make_panel: Callable[..., int]
) -> None:
    clock.move_to(at(2020, 1, 15, 9))
    panel = make_panel("1")
    for _ in range(3):
        oscar.patient()
    assigned = bulk.carry_out(site, clerk, bulk.Assign("101", "AC", panel))
    clock.move_to(at(2026, 11, 10, 10))
    undo.undo(site, clerk, assigned.operation_id)
    result = months_of(site, clerk, panel)
    assert list(result) == sorted(result)
    assert len(result) == 24
    assert result["2024-12-31"] == result["2026-10-31"] == (0, 0, 3)
    assert result["2026-11-10"] == (0, 3, 0)


def test_the_line_passes_through_what_was_there_at_the_end_of_each_month(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, make_panel: Callable[..., int]
) -> None:
    clock.move_to(at(2024, 6, 1, 9))
    homes = [None, make_panel("1"), make_panel("2")]
    patients = [oscar.patient() for _ in range(4)]

    @settings(max_examples=examples(3), suppress_health_check=FIXTURES_STAY)
    @given(
        st.lists(
            st.tuples(st.integers(0, 70), st.sampled_from(patients), st.sampled_from(homes)), min_size=3, max_size=14
        )
    )
    def check(steps: list[tuple[int, int, int | None]]) -> None:
        with site.database.session() as session:
            for table in (tables.member, tables.ledger):
                session.execute(delete(table))
        clock.move_to(at(2024, 6, 1, 9))
        where: dict[int, int | None] = dict.fromkeys(patients)
        ends: dict[date, Counter[int | None]] = {}
        for days, patient_id, home in steps:
            later = clock.now() + timedelta(days=days)
            while clock.now().date() < later.date():
                ends[clock.now().date()] = Counter(where.values())
                clock.move_to(clock.now() + timedelta(days=1))
            if home and where[patient_id] != home:
                one_patient.choose(site, clerk, patient_id, home, seen_panel_id=where[patient_id])
            elif where[patient_id] and not home:
                one_patient.remove(site, clerk, patient_id, seen_panel_id=where[patient_id])
            where[patient_id] = home
        ends[clock.now().date()] = Counter(where.values())
        for panel_id in homes:
            for until, (_, _, patients_then) in months_of(site, clerk, panel_id).items():
                then = ends.get(date.fromisoformat(until), Counter())
                expected_count = then[panel_id] if panel_id else then.total() - then[None]
                assert patients_then == expected_count, (panel_id, until)

    check()
