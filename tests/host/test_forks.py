"""Databases of other forks: columns and tables that are missing, wider, or in another collation."""

import datetime as dt

import pytest
from sqlalchemy import select

from oscar_host.host import OscarHost

REQUIRED = {
    "last_name": "Smith",
    "first_name": "Ann",
    "sex": "F",
    "lastUpdateDate": dt.datetime(2026, 1, 1),  # noqa: DTZ001  # the host's column has no zone
}


@pytest.fixture
def add(writer: OscarHost):
    """Insert a row, as the EMR does."""

    def insert(table, **values) -> None:
        with writer.database.writing() as connection:
            connection.execute(table.insert().values(values))

    return insert


@pytest.mark.parametrize("column", ["middleNames", "pref_name", "hc_type"])
def test_a_column_that_a_fork_lacks_is_null(older, add, column):
    host = older(f"ALTER TABLE {{demographic}} DROP COLUMN {column}")
    add(host.tables.demographic, **REQUIRED)
    attribute = {"middleNames": "middle_names", "pref_name": "preferred_name", "hc_type": "phn_jurisdiction"}[column]
    with host.database.engine.connect() as connection:
        row = connection.execute(select(host.roster.patients())).mappings().one()
    assert (row["family_name"], row[attribute]) == ("Smith", None)


@pytest.mark.parametrize("column", ["eff_date", "hc_renew_date", "ver"])
def test_a_column_about_coverage_that_a_fork_lacks_is_not_in_the_roster(older, add, column):
    host = older(f"ALTER TABLE {{demographic}} DROP COLUMN {column}")
    add(host.tables.demographic, **REQUIRED)
    names = {"eff_date": "coverage_start", "hc_renew_date": "coverage_end", "ver": "card_version"}
    assert set(names.values()) - set(host.roster.patients().c.keys()) == {names[column]}
    with host.database.engine.connect() as connection:
        assert connection.execute(select(host.roster.patients())).mappings().one()["family_name"] == "Smith"


def test_all_of_them_may_be_missing_at_once(older, add):
    host = older(
        *(f"ALTER TABLE {{demographic}} DROP COLUMN {name}" for name in ("middleNames", "pref_name", "hc_type")),
        "ALTER TABLE {appointment} DROP COLUMN imported_status",
    )
    add(host.tables.demographic, **REQUIRED)
    patients = host.roster.patients()
    with host.database.engine.connect() as connection:
        query = select(patients, host.roster.last_visit_on(patients.c.patient_id, host.clock.now()))
        assert connection.execute(query).one().family_name == "Smith"


def test_without_the_table_of_merges_no_one_is_merged(older, add):
    host = older("DROP TABLE {demographic_merged}")
    add(host.tables.demographic, demographic_no=7, **REQUIRED)
    add(
        host.tables.appointment,
        demographic_no=7,
        appointment_date=dt.date(2026, 5, 5),
        start_time=dt.time(9),
        status="B",
    )
    add(host.tables.demographic, demographic_no=8, **REQUIRED)
    add(host.tables.appointment, demographic_no=8, appointment_date=dt.date(1, 1, 1), status="B")
    patients = host.roster.patients()
    with host.database.engine.connect() as connection:
        visit = host.roster.last_visit_on(patients.c.patient_id, host.clock.now())
        results = connection.execute(select(patients.c.patient_id, visit)).all()
        assert sorted(results) == [(7, dt.date(2026, 5, 5)), (8, None)]
        assert connection.execute(select(host.roster.merged())).all() == []


def test_a_wide_mrp_column_is_read_whole(older, add, database_kind):
    widen = "ALTER TABLE {demographic} MODIFY provider_no VARCHAR(250)"
    host = older(*([widen] if database_kind == "mariadb" else []))
    add(host.tables.demographic, provider_no="1" * 200, **REQUIRED)
    with host.database.engine.connect() as connection:
        assert connection.scalar(select(host.roster.patients().c.mrp_id)) == "1" * 200


def test_a_status_column_that_ignores_case_still_distinguishes_a_customized_visit_from_a_cancelled_one(
    older, add, database_kind
):
    ignoring = "ALTER TABLE {appointment} MODIFY status CHAR(2) CHARACTER SET latin1 COLLATE latin1_swedish_ci"
    host = older(*([ignoring] if database_kind == "mariadb" else []))
    for number, status in ((7, "c"), (8, "C")):
        add(host.tables.demographic, demographic_no=number, **REQUIRED)
        add(host.tables.appointment, demographic_no=number, appointment_date=dt.date(2026, 5, 5), status=status)
    patients = host.roster.patients()
    visit = host.roster.last_visit_on(patients.c.patient_id, host.clock.now())
    with host.database.engine.connect() as connection:
        results = connection.execute(select(patients.c.patient_id, visit)).all()
    assert sorted(results) == [(7, dt.date(2026, 5, 5)), (8, None)]


@pytest.mark.parametrize("day", ["0000-00-00", "2026-00-00", "2026-09-00", "0000-05-05"])
def test_a_visit_on_no_day_of_the_calendar_does_not_count(older, add, database_kind, day):
    # As OSCAR's server takes them; SQLite has no dates, and no host there writes such a text.
    odd = f"INSERT INTO {{appointment}} (demographic_no, appointment_date, status) VALUES (7, '{day}', 'B')"
    host = older(*([odd] if database_kind == "mariadb" else []))
    add(host.tables.demographic, demographic_no=7, **REQUIRED)
    add(host.tables.appointment, demographic_no=7, appointment_date=dt.date(2026, 5, 5), status="B")
    patients = host.roster.patients()
    visit = host.roster.last_visit_on(patients.c.patient_id, host.clock.now())
    with host.database.engine.connect() as connection:
        assert connection.execute(select(patients.c.patient_id, visit)).all() == [(7, dt.date(2026, 5, 5))]


@pytest.mark.parametrize("charset", ["latin1", "utf8mb4"])
def test_names_are_read_right_from_tables_in_another_character_set(older, add, database_kind, charset):
    convert = f"ALTER TABLE {{demographic}} CONVERT TO CHARACTER SET {charset}"
    host = older(*([convert] if database_kind == "mariadb" else []))
    add(host.tables.demographic, **(REQUIRED | {"last_name": "Côté"}))
    patients = host.roster.patients()
    with host.database.engine.connect() as connection:
        assert connection.scalar(select(patients.c.family_name).where(patients.c.family_name == "Côté")) == "Côté"


@pytest.mark.parametrize(("status", "active"), [("1", True), (None, True), ("0", False), ("", True), ("2", True)])
def test_a_provider_is_active_unless_the_status_is_0(host: OscarHost, oscar, status, active):
    oscar.provider("101", status=status)
    with host.database.engine.connect() as connection:
        assert connection.scalar(select(host.roster.providers().c.active)) is active


def test_a_provider_has_the_practitioner_id_from_ohip_no_and_the_licence(host: OscarHost, oscar):
    oscar.provider("101", last_name=" Ng", first_name="", ohip_no="1234-567 89", practitionerNo=" 0123 ")
    oscar.provider("-1", ohip_no="", practitionerNo=None)
    providers = host.roster.providers()
    with host.database.engine.connect() as connection:
        rows = connection.execute(select(providers).order_by(providers.c.provider_id)).all()
    assert rows[1] == ("101", "Ng", None, "123456789", "0123", True)
    assert rows[0][3:] == (None, None, True)
