"""A server that is not reached, or that is set up otherwise than it should be: a private one, whose settings change."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from sqlalchemy import URL, NullPool, create_engine, event, text

from cpar_plugin.host_kit.clock import SystemClock
from oscar_host.demo.mariadb import private_mariadb
from oscar_host.doctor.connecting import connection
from oscar_host.host import open_host

from ..authority import Authority
from ..conftest import MariaDBStock, Place
from .conftest import Doctor, Found, Report, examine

UNREACHABLE = "mysql+pymysql://cpar:not-to-be-shown@127.0.0.1:1/cpar"


@pytest.fixture(scope="module")
def server() -> Iterator[URL]:
    with private_mariadb() as url:
        yield url


@pytest.fixture(scope="module")
def alone(server: URL) -> Place:
    """A host on a server of its own, with an account that is no administrator."""
    stock = MariaDBStock(server)
    stock.emptied()
    return stock.restricted


@pytest.fixture
def set_up(server: URL, alone: Place, folders: dict[str, str]) -> Callable[..., Report]:
    """Look at the host with these settings of the server."""

    def look(**values: str | int) -> Report:
        engine = create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as administrator:
            before = {name: administrator.scalar(text(f"SELECT @@global.{name}")) for name in values}
            for name, value in values.items():
                administrator.execute(text(f"SET GLOBAL {name} = :value"), {"value": value})
            try:
                return examine({"CPAR_DATABASE_URL": alone.url, "CPAR_HOST_SCHEMA": alone.host_schema, **folders})
            finally:
                for name, value in before.items():
                    administrator.execute(text(f"SET GLOBAL {name} = :value"), {"value": value})

    return look


def test_a_server_as_oscar_needs_it_is_fine(set_up: Any) -> None:
    report = set_up()
    assert report["database"].message.startswith("MariaDB 1")
    for name in ("database", "connection", "clock", "time-zone"):
        assert report[name].level == "ok", report[name]


def test_a_server_whose_clock_is_an_hour_ahead_is_a_failure(set_up: Any) -> None:
    result = set_up(init_connect="SET SESSION timestamp = UNIX_TIMESTAMP() + 3600")["clock"]
    assert (result.level, "NTP" in result.remedy) == ("failure", True)


def test_a_server_whose_clock_is_two_minutes_behind_is_a_warning(set_up: Any) -> None:
    assert set_up(init_connect="SET SESSION timestamp = UNIX_TIMESTAMP() - 120")["clock"].level == "warning"


def test_a_server_in_the_clinics_zone_or_utc_is_fine_and_any_other_a_warning(set_up: Any) -> None:
    offset = dt.datetime.now(SystemClock().zone).strftime("%z")
    assert set_up(time_zone=f"{offset[:3]}:{offset[3:]}")["time-zone"].level == "ok"
    assert set_up(time_zone="+00:00")["time-zone"].level == "ok"
    result = set_up(time_zone="-03:30")["time-zone"]
    assert (result.level, "UTC-03:30" in result.message, "CPAR_TIME_ZONE" in result.remedy) == ("warning", True, True)


def test_a_server_that_only_reads_is_a_failure(set_up: Any) -> None:
    assert "read_only" in set_up(read_only=1)["connection"].message


def test_a_server_that_refuses_long_statements_is_a_failure(set_up: Any) -> None:
    result = set_up(max_allowed_packet=1024 * 1024)["connection"]
    assert (result.level, "max_allowed_packet" in result.remedy) == ("failure", True)


def test_a_session_that_something_has_made_lax_is_a_failure(alone: Place) -> None:
    host = open_host(alone.url, host_schema=alone.host_schema)

    @event.listens_for(host.database.engine, "connect")
    def between(dbapi_connection: Any, _: Any) -> None:
        dbapi_connection.cursor().execute("SET SESSION sql_mode = ''")

    result = connection(host)
    host.database.engine.dispose()
    assert (result.level, "sql_mode empty" in result.message) == ("failure", True)


@pytest.mark.parametrize(
    ("changes", "said", "remedy"),
    [
        ({"username": "nobody", "password": "not-to-be-shown"}, "rejects the account nobody", "password"),
        ({"database": "nowhere"}, "no database nowhere", "CREATE DATABASE nowhere"),
        ({"query": {}, "host": "127.0.0.1", "port": 1}, "cannot be reached", "CPAR_DATABASE_URL"),
    ],
)
def test_what_keeps_us_from_the_database_is_said(
    changes: dict[str, Any], said: str, remedy: str, server: URL, folders: dict[str, str]
) -> None:
    url = server.set(database="cpar").set(**changes)
    report = examine({"CPAR_DATABASE_URL": url.render_as_string(hide_password=False), **folders})
    result = report["database"]
    assert (result.level, said in result.message, remedy in result.remedy) == ("failure", True, True), result
    assert "not-to-be-shown" not in report.text


def test_without_a_database_it_checks_what_needs_none_and_says_what_it_skipped(
    folders: dict[str, str],
) -> None:
    report = examine({"CPAR_DATABASE_URL": UNREACHABLE, **folders})
    assert report["database"].level == "failure"
    assert report["cpar-outbox"].level == "ok"
    assert {"own-tables", "oscar-tables", "merges", "cpar-scheduler", "cpar-exclusions"} <= set(report.not_checked)
    assert "not-to-be-shown" not in report.text


@pytest.fixture
def logged(doctor: Doctor, oscar: Any, place: Place) -> Callable[..., Found]:
    """What is said to an account that may read the EMR's log when it has a line of this time."""

    def look(written: str, content: str = "demographic") -> Found:
        oscar._insert(
            oscar.tables.log, dateTime=dt.datetime.fromisoformat(written), action="read", content=content, contentId="7"
        )
        return doctor(now="2026-11-10T10:00", database_url=place.of_the_emr.url)["oscar-clock"]

    return look


def test_an_emr_that_writes_its_log_in_the_future_has_another_clock_or_zone(logged: Callable[..., Found]) -> None:
    assert logged("2026-11-10T09:58:00").level == "ok"
    assert logged("2026-11-10T12:00:00", content="cparPanel").level == "ok"  # our own lines tell nothing of OSCAR's
    result = logged("2026-11-10T12:00:00")
    assert (result.level, "120 minutes ahead of the time of America/Edmonton" in result.message) == ("warning", True)


def test_a_log_that_may_not_be_read_is_not_needed(doctor: Doctor, database_kind: str) -> None:
    skipped_message = "Not checked, and not required: the account may not read OSCAR's log."
    assert doctor()["oscar-clock"].level == "ok"
    assert (doctor()["oscar-clock"].message == skipped_message) is (database_kind == "mariadb")


def test_a_clock_that_was_set_for_trying_out_is_a_warning(doctor: Doctor) -> None:
    report = doctor(now="2026-11-10T10:00")["clock"]
    assert (report.level, "CPAR_NOW" in report.remedy) == ("warning", True)
    assert doctor()["clock"].level == "ok"


def test_a_certificate_of_the_server_that_is_not_accepted_is_reported_with_the_cause(
    tmp_path: Path, folders: dict[str, str]
) -> None:
    """Strictly or not: the driver takes what servers make for themselves, on every Python."""
    (tmp_path / "another").mkdir()
    old = Authority(tmp_path, issued={x509.AuthorityKeyIdentifier: None})
    another = Authority(tmp_path / "another", name="Another")
    certificate, key = old.issue("localhost")
    with private_mariadb(f"ssl-cert={certificate}", f"ssl-key={key}") as server:

        def looked(trusted: Authority) -> Found:
            options = {"ssl_ca": trusted.file}
            url = server.set(database="information_schema").update_query_dict(options)
            return examine({"CPAR_DATABASE_URL": url.render_as_string(hide_password=False)} | folders)["database"]

        assert looked(old).level == "ok"
        result = looked(another)
    assert (result.level, "ssl_ca" in result.remedy) == ("failure", True)
    assert "could not be verified (unable to get local issuer certificate)" in result.message
