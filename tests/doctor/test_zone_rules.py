"""What `cpar doctor` says of time zone rules, in processes that begin anew."""

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, NullPool, create_engine, insert, text

from cpar_plugin.hooks import HealthLevel
from cpar_plugin.services.operations import clinic
from oscar_host.doctor.times import oscar_clock
from oscar_host.host import OscarHost

from ..conftest import NOW
from ..zone_files import OLD, ZoneFiles, zone_files

__all__ = ["zone_files"]


def found(environment: dict[str, str], folder: Path, choice: str, check: str = "zone-rules") -> dict[str, str]:
    output = cpar(environment, folder, choice, "doctor", "--json")
    (one,) = [one for one in json.loads(output)["checks"] if one["name"] == check]
    return dict(one)


def cpar(environment: dict[str, str], folder: Path, choice: str, *words: str) -> str:
    """What the command prints in a process that goes by these zone files."""
    environment = dict(os.environ) | environment | {"PYTHONTZPATH": str(folder), "CPAR_ZONE_RULES": choice}
    program = [str(Path(sys.executable).parent / "cpar"), *words]
    return subprocess.run(program, env=environment, capture_output=True, text=True).stdout


@pytest.fixture
def environment(host: OscarHost, environment: dict[str, str], folders: dict[str, str]) -> dict[str, str]:
    return environment | folders


@pytest.mark.databases("one")
def test_rules_from_before_albertas_change_are_a_failure(environment: dict[str, str], zone_files: ZoneFiles) -> None:
    one = found(environment, zone_files(OLD, "2025b"), "system")
    assert (one["level"], "an hour wrong in winter" in one["message"]) == ("failure", True)
    assert "apt-get install tzdata" in one["remedy"]


@pytest.mark.databases("one")
def test_both_sets_of_rules_and_the_offset_of_now_are_named(environment: dict[str, str], zone_files: ZoneFiles) -> None:
    one = found(environment, zone_files(OLD, "2025b"), "newest")
    assert one["level"] == "ok"
    for words in ("the package tzdata's (20", "the system's (2025b)", "America/Edmonton is at UTC-06:00 now"):
        assert words in one["message"]


@pytest.mark.databases("one")
def test_newer_rules_that_are_not_used_are_a_warning(environment: dict[str, str], zone_files: ZoneFiles) -> None:
    one = found(environment, zone_files("<-06>6", "2031a"), "package")
    assert (one["level"], "zone_rules to newest" in one["remedy"]) == ("warning", True)


@pytest.mark.parametrize(
    ("zone", "hours", "differs"), [("America/Regina", -6, False), ("America/Whitehorse", -8, True)]
)
def test_named_zones_of_the_database_server_are_compared_where_they_are_loaded(
    environment: dict[str, str],
    zone_files: ZoneFiles,
    database_kind: str,
    mariadb_server: URL,
    zone: str,
    hours: int,
    differs: bool,
) -> None:
    """Both zones are what they are all year, by old rules and new."""
    load(mariadb_server, zone, hours)
    one = found(environment | {"CPAR_TIME_ZONE": zone}, zone_files("<-06>6", "2031a"), "newest")
    assert (one["level"] == "warning") == (differs and database_kind == "mariadb")
    assert (f"database server has different rules for {zone}" in one["message"]) == (one["level"] == "warning")


def load(server: URL, zone: str, hours: int) -> None:
    """Give the server a zone by name, as mariadb-tzinfo-to-sql does."""
    engine = create_engine(server.set(database="mysql"), poolclass=NullPool)
    with engine.begin() as connection:
        if connection.scalar(text("SELECT COUNT(*) FROM time_zone_name WHERE Name = :zone"), {"zone": zone}):
            return
        connection.execute(text("INSERT INTO time_zone (Use_leap_seconds) VALUES ('N')"))
        of_zone = {"zone": zone, "seconds": hours * 3600}
        connection.execute(text("INSERT INTO time_zone_name VALUES (:zone, LAST_INSERT_ID())"), of_zone)
        connection.execute(
            text("INSERT INTO time_zone_transition_type VALUES (LAST_INSERT_ID(), 0, :seconds, 0, 'X')"), of_zone
        )


def test_a_service_whose_rules_were_updated_since_its_start_is_to_be_restarted(
    host: OscarHost, environment: dict[str, str], zone_files: ZoneFiles
) -> None:
    clinic.enable(host, host.identity.system)
    folder = zone_files(OLD, "2025b")
    cpar(environment, folder, "newest", "run-due")
    assert found(environment, folder, "newest", "cpar-scheduler")["level"] == "ok"
    one = found(environment, folder, "system", "cpar-scheduler")
    assert (one["level"], one["remedy"]) == ("warning", "Restart the service.")


@pytest.mark.parametrize(("hours", "words"), [(1, "old rules in Java"), (3, "CPAR_TIME_ZONE")])
def test_an_oscar_that_is_behind_is_found_by_its_lines_after_ours(
    emr: OscarHost, oscar: Any, hours: int, words: str
) -> None:
    write_log(oscar, [("cparPanel", 0), ("demographic", -60 * hours + 1)])
    result = oscar_clock(emr)
    assert (result.level, words in f"{result.message} {result.remedy}") == (HealthLevel.WARNING, True)


def test_an_hour_without_work_in_oscar_is_no_wrong_clock(emr: OscarHost, oscar: Any) -> None:
    write_log(oscar, [("demographic", -61), ("cparPanel", -1)])
    assert oscar_clock(emr).level == HealthLevel.OK


def write_log(oscar: Any, lines: list[tuple[str, int]]) -> None:
    """Lines of OSCAR's log, each of which minutes from now by the clinic's time."""
    with oscar.database.writing() as connection:
        for content, minutes in lines:
            at = (NOW + dt.timedelta(minutes=minutes)).replace(tzinfo=None)
            connection.execute(insert(oscar.tables.log).values(dateTime=at, action="read", content=content))
