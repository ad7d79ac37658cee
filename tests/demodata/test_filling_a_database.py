"""The invented clinic in a database."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, time
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Row, Table, and_, func, inspect, or_, select, text

from cpar_plugin.domain.coverage import CoverageRules, CoverageUse
from cpar_plugin.domain.eligibility import Eligibility
from cpar_plugin.domain.reasons import Reason
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.hooks import Actor
from oscar_host.accounts import account_of
from oscar_host.demo.data.clinic import records
from oscar_host.demo.data.people import COLUMNS
from oscar_host.demo.data.staff import DOCTORS, PASSWORD, SIGN_INS
from oscar_host.demo.data.writing import Written, fill
from oscar_host.host import OscarHost

WRITTEN = 1000
DATES = ("patient_status_date", "lastUpdateDate", "eff_date", "hc_renew_date")
Read = Callable[[Table], Sequence[Row[Any]]]


def test_as_many_rows_are_written_as_are_reported(host: OscarHost, written: Written, rows: Read) -> None:
    tables = host.tables
    assert written.patients == len(rows(tables.demographic)) == WRITTEN
    assert written.appointments == len(rows(tables.appointment))
    assert written.merges == len(rows(tables.demographic_merged))


def test_the_rows_are_those_that_were_invented(host: OscarHost, written: Written, rows: Read, as_of: date) -> None:
    invented = {record.patient["demographic_no"]: record for record in records(7, WRITTEN, as_of)}
    for row in rows(host.tables.demographic):
        patient = dict(row._mapping)
        patient |= {name: str(patient[name] or "") or None for name in DATES}
        assert {name: patient[name] for name in COLUMNS} == invented[patient["demographic_no"]].patient
    visits = [visit for record in invented.values() for visit in record.visits]
    seen = [
        (row.appointment_no, row.provider_no, str(row.appointment_date), row.start_time and str(row.start_time))
        for row in rows(host.tables.appointment)
    ]
    assert seen == [visit[:4] for visit in visits]
    statuses = [row.status for row in rows(host.tables.appointment)]
    assert statuses == [visit[9] for visit in visits]


def test_about_four_in_five_active_patients_of_a_doctor_are_valid(host: OscarHost, written: Written) -> None:
    patient, provider = host.roster.patients(), host.roster.providers()
    last_visit = host.roster.last_visit_on(patient.c.patient_id, host.clock.now()).label("last_visit_on")
    attached = patient.join(provider, and_(provider.c.provider_id == patient.c.mrp_id, provider.c.active))
    query = select(patient, last_visit).select_from(attached).where(patient.c.status == "AC")
    with host.database.engine.connect() as connection:
        results = [
            SimpleNamespace(known=True, answers=None, confirmed_on=row.last_visit_on, **row._mapping)
            for row in connection.execute(query)
        ]
    phns = Counter(member.phn for member in results if member.phn)
    shared = {phn for phn, times in phns.items() if times > 1}
    exclude = CoverageRules(CoverageUse.EXCLUDE)
    rules = Eligibility(host.roster.active_status, host.clock.now().date(), shared, coverage=exclude)
    reasons = [rules.reasons(member) for member in results]
    assert 0.75 <= sum(not why for why in reasons) / len(results) <= 0.85
    occurring = {reason for why in reasons for reason in why}
    assert occurring == set(Reason) - {Reason.UNKNOWN_PATIENT, Reason.NOT_ACTIVE, Reason.NO_GIVEN_NAME}


def test_patients_have_several_doctors_one_without_a_practitioner_id_and_one_who_has_left(
    host: OscarHost, written: Written
) -> None:
    providers = host.roster.providers()
    patient = host.roster.patients()
    with host.database.engine.connect() as connection:
        known = {row.provider_id: row for row in connection.execute(select(providers))}
        mrps = set(connection.scalars(select(patient.c.mrp_id)))
    doctors = [known[number] for number in DOCTORS]
    assert all(doctor.active for doctor in doctors)
    assert [len(doctor.practitioner_id or "") for doctor in doctors] == [9, 9, 9, 9, 9, 0]
    assert any(not known[mrp].active for mrp in mrps if mrp in known)
    assert mrps - set(known) - {None}


@pytest.mark.databases("in turn")
def test_everyone_signs_in_with_the_password_that_is_shown(host: OscarHost, written: Written) -> None:
    today, there = host.clock.now().date(), host.identity.tables_present()
    with host.database.engine.connect() as connection:
        for person in SIGN_INS:
            account = account_of(connection, host.tables, there, person.user_name, PASSWORD, today)
            assert account
            assert account.provider_id == person.provider_no
            assert account_of(connection, host.tables, there, person.user_name, PASSWORD + "!", today) is None


def test_the_sign_ins_may_do_what_is_said_of_them(host: OscarHost, written: Written) -> None:
    actors = {person.user_name: Actor(actor_id=person.provider_no, display_name="") for person in SIGN_INS}
    manage = {name for name, actor in actors.items() if host.identity.has(actor, "CONFIGURE_CPAR_PANEL_CREATE")}
    assert manage == {"admin", "nurse"}
    assert {name for name, actor in actors.items() if host.identity.may_see(actor, 1)} == set(actors) - {"nobody"}


def test_an_emoji_is_kept_where_the_column_can_hold_it(fork: OscarHost, as_of: date) -> None:
    notes = fork.tables.appointment.c.notes
    with fork.database.engine.begin() as connection:
        if connection.dialect.name != "sqlite":
            table = fork.tables.appointment.fullname
            connection.execute(text(f"ALTER TABLE {table} MODIFY notes varchar(255) CHARACTER SET utf8mb4"))
    written = fill(fork.database, fork.tables, patients=500, seed=7, as_of=as_of)
    assert written.notes_without_emoji == 0
    with fork.database.engine.connect() as connection:
        kept = connection.scalars(select(notes))
        assert any(character > "\uffff" for note in kept for character in note)


def test_an_emoji_is_a_question_mark_where_the_column_cannot_hold_it(
    host: OscarHost, written: Written, rows: Read, as_of: date
) -> None:
    invented = [visit[7] for record in records(7, WRITTEN, as_of) for visit in record.visits]
    of_three_bytes = host.database.engine.dialect.name != "sqlite"
    kept = [row.notes for row in rows(host.tables.appointment)]
    changed = [(note, there) for note, there in zip(invented, kept, strict=True) if note != there]
    assert len(changed) == written.notes_without_emoji
    assert bool(changed) is of_three_bytes
    assert all(there == "".join("?" if c > "\uffff" else c for c in note) for note, there in changed)


def test_the_indexes_are_there_afterwards(host: OscarHost, as_of: date) -> None:
    def indexes() -> list[str]:
        look = inspect(host.database.engine)
        tables = (host.tables.demographic, host.tables.appointment)
        return sorted(str(result["name"]) for table in tables for result in look.get_indexes(table.name, table.schema))

    before = indexes()
    fill(host.database, host.tables, patients=10, seed=7, as_of=as_of)
    assert indexes() == before
    assert len(before) >= 5


def test_rows_that_oscar_brings_itself_do_not_change(host: OscarHost, oscar: Any, rows: Read, as_of: date) -> None:
    oscar.provider("-1", last_name="oscardoc", first_name="system")
    fill(host.database, host.tables, patients=10, seed=7, as_of=as_of)
    (system,) = [row for row in rows(host.tables.provider) if row.provider_no == "-1"]
    assert system.last_name == "oscardoc"


@pytest.mark.parametrize("what", ["patients", "appointments"])
def test_a_database_in_use_is_refused_and_not_changed(
    what: str, host: OscarHost, oscar: Any, rows: Read, as_of: date
) -> None:
    if what == "patients":
        oscar.patient()
    else:
        oscar.visit(0)
    with pytest.raises(Refused, match=f"already has {what}"):
        fill(host.database, host.tables, patients=10, seed=7, as_of=as_of)
    assert len(rows(host.tables.demographic)) + len(rows(host.tables.appointment)) == 1
    assert not rows(host.tables.security)


def test_a_failure_on_the_way_leaves_nothing_behind(host: OscarHost, rows: Read, as_of: date) -> None:
    def interrupted(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(host.database, host.tables, patients=10, seed=7, as_of=as_of, progress=interrupted)
    tables = host.tables
    assert not any(rows(table) for table in (tables.demographic, tables.appointment, tables.provider, tables.security))
    assert fill(host.database, host.tables, patients=10, seed=7, as_of=as_of).patients == 10


def test_a_fork_with_other_columns_is_filled_too(fork: OscarHost, as_of: date) -> None:
    record, visit = fork.tables.demographic, fork.tables.appointment
    with fork.database.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {record.fullname} DROP COLUMN pref_name"))
        connection.execute(text(f"ALTER TABLE {visit.fullname} ADD COLUMN urgency varchar(30)"))
        if connection.dialect.name != "sqlite":  # which cannot do this to a table
            connection.execute(text(f"ALTER TABLE {visit.fullname} ADD COLUMN bookingSource varchar(32) NOT NULL"))
            connection.execute(text(f"ALTER TABLE {visit.fullname} MODIFY start_time time NOT NULL"))
    fill(fork.database, fork.tables, patients=500, seed=7, as_of=as_of)
    untimed = or_(visit.c.start_time.is_(None), visit.c.start_time == time(0))
    with fork.database.engine.connect() as connection:
        assert connection.scalar(select(func.count(record.c.demographic_no))) == 500
        assert connection.scalar(select(func.count(visit.c.appointment_no)).where(untimed))
