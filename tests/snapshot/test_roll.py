from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import event

from cpar_plugin.services.roster import member_rows
from cpar_plugin.services.roster.member_rows import MemberRow
from oscar_host.host import OscarHost

Member = Callable[..., int]


def rows(host: OscarHost, panel_id: int) -> list[MemberRow]:
    with host.database.engine.connect() as connection:
        return list(member_rows.member_rows(connection, host, panel_id, now=host.clock.now()))


def test_a_member_comes_with_all_that_the_host_knows(
    host: OscarHost, panel_id: int, valid_member: Member, oscar: Any
) -> None:
    patient_id = valid_member(hin="1000-00007", middleNames="Anne", pref_name="Patty", hc_type="ab")
    (row,) = rows(host, panel_id)
    assert row == MemberRow(
        patient_id=patient_id,
        known=True,
        answers=None,
        phn="100000007",
        phn_jurisdiction="AB",
        family_name="Example",
        given_name="Pat",
        middle_names="Anne",
        preferred_name="Patty",
        birth_date="1980-02-03",
        gender="F",
        status="AC",
        mrp_id="101",
        since=row.since,
        confirmed_on=date(2026, 3, 1),
        confirmed_how="confirmed by a person",
        last_visit_on=date(2026, 10, 5),
    )
    assert row.since.tzinfo is not None


def test_the_roll_is_in_the_order_of_the_patients_ids(host: OscarHost, panel_id: int, join: Member) -> None:
    for patient_id in (30, 4, 100, 21):
        join(patient_id)
    assert [row.patient_id for row in rows(host, panel_id)] == [4, 21, 30, 100]


def test_a_member_that_the_host_lost_remains_on_the_roll(host: OscarHost, panel_id: int, join: Member) -> None:
    join(987_654)
    (row,) = rows(host, panel_id)
    assert (row.known, row.family_name, row.status, row.confirmed_on) == (False, None, None, date(2026, 3, 1))


def test_visits_of_a_record_merged_away_count_for_the_one_kept(
    host: OscarHost, panel_id: int, valid_member: Member, oscar: Any
) -> None:
    kept, retired = valid_member(), oscar.patient(hin="700000001")
    oscar.visit(retired, "2026-11-02")
    oscar.merge(retired, kept)
    assert [row.last_visit_on for row in rows(host, panel_id)] == [date(2026, 11, 2)]


def test_reading_the_roll_is_one_statement_however_long_it_is(host: OscarHost, panel_id: int, join: Member) -> None:
    def statements() -> int:
        seen: list[str] = []

        def note(*arguments: Any) -> None:
            if arguments[2] != "BEGIN":
                seen.append(arguments[2])

        event.listen(host.database.engine, "before_cursor_execute", note)
        rows(host, panel_id)
        event.remove(host.database.engine, "before_cursor_execute", note)
        return len(seen)

    statements()  # the host looks at its tables at first use
    join(1)
    few = statements()
    for patient_id in range(2, 60):
        join(patient_id)
    assert (few, statements()) == (1, 1)
