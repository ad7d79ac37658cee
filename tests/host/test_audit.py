"""The row in OSCAR's log: what it says, and what happens where it cannot be written."""

import datetime as dt

import flask
import pytest
from sqlalchemy import literal, select, text, union_all
from sqlalchemy.exc import OperationalError

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.hooks import Actor, AuditEvent
from oscar_host.host import OscarHost, open_host

from ..conftest import NOW

ADDED = AuditEvent(
    actor=Actor(actor_id="101", display_name="Ada"),
    action="add",
    noun="cparPanelMember",
    key="12",
    patient_id=7,
    detail="panel 12",
)


@pytest.fixture
def opened(place, granted, clock):
    """Make the EMR's tables, change its log by SQL (`{log}` stands for its full name), and open the host on it."""
    hosts: list[OscarHost] = []

    def make(*changes: str) -> tuple[OscarHost, OscarHost]:
        emr = open_host(place.url, host_schema=place.host_schema, clock=clock)
        emr.tables.metadata.create_all(emr.database.engine)
        ours = granted()
        host = open_host(ours.url, host_schema=ours.host_schema, clock=clock)
        hosts.extend((emr, host))
        with emr.database.writing() as connection:
            for change in changes:
                connection.exec_driver_sql(change.format(log=emr.tables.log.fullname))
        return host, emr

    yield make
    for host in hosts:
        host.database.engine.dispose()


def rows(host: OscarHost):
    with host.database.engine.connect() as connection:
        return connection.execute(select(host.tables.log)).mappings().all()


def changed(event: AuditEvent, **fields):
    return event._replace(**fields)


def test_an_event_is_a_row_of_the_hosts_log_in_the_clinics_time(host: OscarHost, emr: OscarHost):
    with host.database.session() as session:
        host.audit.record(session, ADDED)
    (row,) = rows(emr)
    assert dict(row) == {
        "id": row["id"],
        "dateTime": dt.datetime(2026, 11, 10, 10, 0),  # noqa: DTZ001  # as OSCAR writes it
        "provider_no": "101",
        "action": "add",
        "content": "cparPanelMember",
        "contentId": "12",
        "ip": None,
        "demographic_no": 7,
        "data": "panel 12",
    }


def test_an_event_of_the_system_names_it_and_no_patient(host: OscarHost, emr: OscarHost):
    with host.database.session() as session:
        host.audit.record(session, changed(ADDED, actor=host.identity.system, patient_id=None))
    (row,) = rows(emr)
    assert (row["provider_no"], row["demographic_no"]) == ("-1", None)


def test_a_look_for_a_number_that_no_record_can_have_is_written_without_a_patient(host: OscarHost, emr: OscarHost):
    with host.database.session() as session:
        host.audit.record(session, changed(ADDED, patient_id=2**63 - 1))
    (row,) = rows(emr)
    assert row["demographic_no"] is None


def test_an_event_of_many_patients_is_a_row_for_each(host: OscarHost, emr: OscarHost):
    patient_ids = union_all(*(select(literal(number)) for number in (7, 8, 2**40))).subquery().select()
    with host.database.session() as session:
        host.audit.record(session, ADDED)
        host.audit.record_each(session, changed(ADDED, patient_id=None), patient_ids)
    one, *each = rows(emr)
    assert [row["demographic_no"] for row in each] == [7, 8, None]  # no record of OSCAR has the last number
    common = {"id": None, "demographic_no": None}
    assert [dict(row) | common for row in each] == [dict(one) | common] * 3


def test_an_event_of_a_request_names_where_it_came_from(host: OscarHost, emr: OscarHost):
    app = flask.Flask(__name__)
    with (
        app.test_request_context(environ_base={"REMOTE_ADDR": "2001:db8::7"}),
        host.database.session() as session,
    ):
        host.audit.record(session, ADDED)
    assert rows(emr)[0]["ip"] == "2001:db8::7"


def test_an_event_goes_with_the_change_that_it_is_about(host: OscarHost, emr: OscarHost):
    def change_that_fails() -> None:
        with host.database.session() as session:
            host.audit.record(session, ADDED)
            raise LookupError

    with pytest.raises(LookupError):
        change_that_fails()
    assert rows(emr) == []


def test_what_is_longer_than_its_column_is_cut_on_purpose(host: OscarHost, emr: OscarHost):
    long = changed(
        ADDED,
        actor=Actor(actor_id="1" * 11, display_name=""),
        action="a" * 101,
        noun="n" * 81,
        key="k" * 81,
        detail="d" * 100_000,
    )
    with host.database.session() as session:
        host.audit.record(session, long)
    (row,) = rows(emr)
    widths = {name: len(row[name]) for name in ("provider_no", "action", "content", "contentId", "data")}
    assert widths == {"provider_no": 10, "action": 100, "content": 80, "contentId": 80, "data": 4000}


def test_characters_that_the_hosts_tables_cannot_hold_do_not_stop_the_change(host: OscarHost, emr: OscarHost):
    with host.database.session() as session:
        host.audit.record(session, changed(ADDED, detail="Zoë Łukasz 東 😀"))
    assert rows(emr)[0]["data"] == "Zoë Łukasz 東 \ufffd"


def test_where_the_log_lacks_a_column_the_others_are_written(opened):
    host, emr = opened("ALTER TABLE {log} DROP COLUMN data")
    with host.database.session() as session:
        host.audit.record(session, ADDED)
        host.audit.record_each(session, ADDED, select(literal(7)))
    columns = [column for column in emr.tables.log.c if column.name != "data"]
    with emr.database.engine.connect() as connection:
        assert [row["contentId"] for row in connection.execute(select(*columns)).mappings()] == ["12", "12"]


def test_a_log_that_keeps_a_timestamp_says_the_same_moment(opened, database_kind):
    host, emr = opened(
        *(["ALTER TABLE {log} MODIFY dateTime TIMESTAMP NOT NULL"] if database_kind == "mariadb" else [])
    )
    with host.database.session() as session:
        host.audit.record(session, ADDED)
    # MariaDB keeps a TIMESTAMP in UTC; SQLite has no such type, and the column says the clinic's time.
    expected = {"mariadb": f"{NOW.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}", "sqlite": "2026-11-10 10:00:00"}[
        database_kind
    ]
    with emr.database.engine.connect() as connection:
        assert str(connection.scalar(select(emr.tables.log.c.dateTime))) == expected


def test_without_the_log_the_change_is_refused_and_the_setting_named(opened):
    host, _ = opened("DROP TABLE {log}")
    with pytest.raises(Refused, match="audit = ledger"), host.database.session() as session:
        host.audit.record(session, ADDED)
    with pytest.raises(Refused, match="audit = ledger"), host.database.session() as session:
        host.audit.record_each(session, ADDED, select(literal(7)))


def test_the_setting_keeps_the_record_in_the_plugins_ledger_only(place, clock):
    host = open_host(place.url, host_schema=place.host_schema, clock=clock, settings={"audit": "ledger"})
    with host.database.session() as session:
        host.audit.record(session, ADDED)
        host.audit.record_each(session, ADDED, select(literal(7)))
    host.database.engine.dispose()


def test_another_value_of_the_setting_is_refused(tmp_path):
    with pytest.raises(Refused, match="ledger"):
        open_host(f"sqlite:///{tmp_path}/clinic.db", settings={"audit": "off"})


def test_an_account_that_may_not_write_to_the_log_is_shown_what_to_do(
    host: OscarHost, emr: OscarHost, place, database_kind
):
    """On MariaDB a right of the account; SQLite has none, and a file that may not be written says so itself."""
    if database_kind == "sqlite":
        expected: type[Exception] = OperationalError
        reading = open_host(f"sqlite:///file:{place.url.removeprefix('sqlite:///')}?mode=ro&uri=true")
    else:
        expected, reading = Refused, host
        log, engine = emr.tables.log.fullname, emr.database.engine
        with host.database.engine.connect() as connection:
            account = "'{}'@'{}'".format(*connection.scalar(text("SELECT CURRENT_USER()")).split("@"))
        with engine.connect() as connection:
            connection.exec_driver_sql(f"REVOKE INSERT ON {log} FROM {account}".replace("%", "%%"))
    try:
        with pytest.raises(expected), reading.database.session() as session:
            reading.audit.record(session, ADDED)
        with pytest.raises(expected), reading.database.session() as session:
            reading.audit.record_each(session, ADDED, select(literal(7)))
    finally:
        if database_kind == "mariadb":
            with engine.connect() as connection:
                connection.exec_driver_sql(f"GRANT INSERT ON {log} TO {account}".replace("%", "%%"))
    reading.database.engine.dispose()
    assert rows(emr) == []
