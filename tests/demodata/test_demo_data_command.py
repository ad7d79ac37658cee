"""`cpar demo-data` at the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import create_engine, text

from oscar_host.demo.data.staff import PASSWORD, SIGN_INS

Command = Callable[..., Result]


def arguments(url: str, schema: str | None, *more: str) -> tuple[str, ...]:
    return ("--database", url, *(("--schema", schema) if schema else ()), "--as-of", "2026-11-10", *more)


def test_it_makes_the_tables_and_says_what_was_written(
    cpar_demo_data: Command, database_url: str, host_schema: str | None
) -> None:
    result = cpar_demo_data(*arguments(database_url, host_schema, "--patients", "300", "--seed", "3"))
    assert result.exit_code == 0, result.output
    assert "300 patients, 1,5" in result.output
    assert "(seed 3, as of 2026-11-10)" in result.output
    assert PASSWORD in result.output
    assert all(person.user_name in result.output for person in SIGN_INS)
    assert ("notes have '?' for an emoji" in result.output) is (host_schema is not None)


def test_a_second_time_it_refuses_and_changes_nothing(
    cpar_demo_data: Command, database_url: str, host_schema: str | None
) -> None:
    cpar_demo_data(*arguments(database_url, host_schema, "--patients", "20"))
    again = cpar_demo_data(*arguments(database_url, host_schema, "--patients", "30"))
    assert again.exit_code == 1
    assert "already has patients: nothing was changed" in again.output
    engine = create_engine(database_url)
    table = f"{host_schema}.demographic" if host_schema else "demographic"
    with engine.connect() as connection:
        assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 20
    engine.dispose()


def test_without_a_terminal_the_progress_is_a_line_for_every_tenth(cpar_demo_data: Command, tmp_path: Path) -> None:
    result = cpar_demo_data(*arguments(f"sqlite:///{tmp_path / 'clinic.db'}", None, "--patients", "5000"))
    lines = [line for line in result.output.splitlines() if line.startswith("Writing patients")]
    assert lines == [
        "Writing patients: 40 % (2,000 of 5,000)",
        "Writing patients: 80 % (4,000 of 5,000)",
        "Writing patients: 100 % (5,000 of 5,000)",
    ]


def test_the_database_can_come_from_the_environment(cpar_demo_data: Command, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'clinic.db'}"
    result = cpar_demo_data("--patients", "5", CPAR_DATABASE_URL=url, CPAR_NOW="2026-02-03T10:00")
    assert "5 patients" in result.output
    assert "as of 2026-02-03" in result.output


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--patients", "0"), "0 is not in the range 1<=x<=10000000"),
        (("--patients", "10000001"), "is not in the range"),
        (("--patients", "-5"), "is not in the range"),
        (("--patients", "many"), "'many' is not a valid integer"),
        (("--seed", "-1"), "is not in the range"),
        (("--seed", "9223372036854775808"), "is not in the range"),
        (("--seed", "1.5"), "'1.5' is not a valid integer"),
        (("--as-of", "2026-02-30"), "does not match the format"),
        (("--as-of", "1999-12-31"), "the years 2000 to 2100"),
        (("--as-of", "2101-01-01"), "the years 2000 to 2100"),
        (("--schema", "oscar"), "--schema is for MariaDB"),
        (("--unknown",), "No such option"),
        (("more",), "unexpected extra argument"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_done(
    wrong: tuple[str, ...], message: str, cpar_demo_data: Command, tmp_path: Path
) -> None:
    file = tmp_path / "clinic.db"
    result = cpar_demo_data("--database", f"sqlite:///{file}", *wrong)
    assert result.exit_code == 2
    assert message in result.output
    assert not file.exists()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "Not a database URL"),
        ("clinic.db", "Not a database URL"),
        ("sqlite://", "Name a database"),
        ("postgresql://somebody:secret@nowhere/cpar", "use SQLite or MariaDB"),
        ("sqlite:////nowhere/at/all/clinic.db", "unable to open database file"),
        ("mysql+pymysql://somebody:secret@127.0.0.1:1/cpar", "Can't connect"),
        ("mysql+pymysql://somebody:secret@127.0.0.1:port/cpar", "Not a database URL"),
    ],
)
def test_a_wrong_url_is_reported_without_its_password(url: str, message: str, cpar_demo_data: Command) -> None:
    result = cpar_demo_data("--database", url, "--patients", "5")
    assert result.exit_code == 1
    assert message in result.output
    assert "secret" not in result.output
    assert isinstance(result.exception, SystemExit)


def test_a_file_that_is_no_database_does_not_change(cpar_demo_data: Command, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear colleague, " * 100)
    result = cpar_demo_data("--database", f"sqlite:///{file}", "--patients", "5")
    assert result.exit_code == 1
    assert "file is not a database" in result.output
    assert file.read_text() == "Dear colleague, " * 100


def test_a_schema_that_does_not_exist_is_reported(cpar_demo_data: Command, database_url: str) -> None:
    schema = "no_such_schema"
    result = cpar_demo_data("--database", database_url, "--schema", schema, "--patients", "5")
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    assert schema in result.output or "--schema is for MariaDB" in result.output


def test_no_database_at_all_is_reported(cpar_demo_data: Command) -> None:
    assert "Set CPAR_DATABASE_URL" in cpar_demo_data("--patients", "5").output
    assert "--schema goes with --database" in cpar_demo_data("--schema", "oscar").output
