"""The command `cpar` as an operator uses it."""

import os
import subprocess
import sys
from datetime import date
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from sqlalchemy import insert, select, text, update

from cpar_plugin.commands import cpar
from cpar_plugin.domain.list_columns import ColumnField, Purpose
from cpar_plugin.domain.reports import ReportKind
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.processes import division
from cpar_plugin.services.exclusions import listing
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.reports import receiving
from cpar_plugin.services.roster import rates
from cpar_plugin.services.uploads import kept, layouts
from cpar_plugin.services.uploads.reading import ListFile
from cpar_plugin.store.tables import check_in, report_line

CPAR = Path(sys.executable).with_name("cpar")


@pytest.fixture
def call(environment: dict[str, str]) -> Any:
    def called(*arguments: str, **changed: str) -> Result:
        return CliRunner().invoke(cpar, arguments, env=environment | changed)

    return called


_ASKING = {
    *("annotated_types", "click", "cpar_plugin", "markupsafe", "orjson", "oscar_host", "pydantic", "pydantic_core"),
    *("sqlalchemy", "typing_extensions", "typing_inspection", "tzdata"),
    *("MySQLdb", "pymysql", "cryptography", "cffi"),  # the drivers of MariaDB, with what they import
}
_DOING = {
    *("bulk", "departures.steps", "exclusions.compare", "reports.comparing", "retention.retention", "roster.merges"),
    *("snapshots.build", "submissions.process", "submissions.releases"),
}


def test_run_due_does_the_night_run_and_says_what_it_did(world: Any, call: Any) -> None:
    panel = world.panel()
    result = call("run-due")
    assert (result.exit_code, result.output) == (0, "The night run has started.\nWritten to folder: 1.\n")
    assert world.states(panel) == [SubmissionState.WRITTEN]


@pytest.mark.databases("one")
def test_run_due_imports_nothing_that_only_pages_and_sending_need(environment: dict[str, str], world: Any) -> None:
    """Cron calls it every minute: what is imported is most of what that costs."""
    loaded = (
        "import atexit, sys\n"
        "heavy = {'flask', 'jinja2', 'requests', 'rich', 'joserfc', 'alembic'}\n"
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules))))\n"
        "from cpar_plugin.start import main\n"
        "sys.argv = ['cpar', 'run-due']\n"
        "main()\n"
    )
    for output in ("The night run has started.\n[]\n", "[]\n"):
        result = subprocess.run(
            [sys.executable, "-c", loaded], capture_output=True, text=True, env=os.environ | environment
        )
        assert (result.returncode, result.stdout) == (0, output), result.stderr


@pytest.mark.databases("one")
def test_run_due_with_nothing_due_imports_what_asks_and_nothing_that_would_do_it(
    environment: dict[str, str], world: Any
) -> None:
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules))\n"
        "from cpar_plugin.start import main\n"
        "sys.argv = ['cpar', 'run-due']\n"
        "main()\n"
    )
    world.panel()
    for _ in range(2):  # the first submits it
        result = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | environment
        )
        assert (result.returncode, result.stderr) == (0, "")
    imported = result.stdout.split()
    packages = {name.partition(".")[0] for name in imported if not name.startswith("_")}
    assert packages & packages_distributions().keys() <= _ASKING, (
        "import what does something when there is something to do"
    )
    services = {name.removeprefix("cpar_plugin.services.") for name in imported}
    assert not services & _DOING
    assert "sqlalchemy.orm" not in imported, "use host.database.writing(), and import Session for type checkers only"
    assert "cpar_plugin.store.tables.reports" not in imported


def test_run_due_is_silent_when_nothing_is_due_so_that_cron_does_not_mail(world: Any, call: Any) -> None:
    result = call("run-due")
    assert (result.exit_code, result.output) == (0, "The night run has started.\n")
    result = call("run-due")
    assert (result.exit_code, result.output) == (0, "")


def test_many_panels_are_divided_among_processes_and_each_is_submitted_once(
    world: Any, environment: dict[str, str]
) -> None:
    panels = [world.panel(f"P{number}") for number in range(24)]
    result = subprocess.run([CPAR, "run-due"], capture_output=True, text=True, env=os.environ | environment)
    written = "The night run has started.\nWritten to folder: 24.\n"
    assert (result.returncode, result.stdout, result.stderr) == (0, written, "")
    assert [world.states(panel) for panel in panels] == [[SubmissionState.WRITTEN]] * 24
    assert len(world.files()) == 24


@given(st.integers(0, 3000), st.integers(1, 32), st.integers(1, 64))
def test_a_division_uses_no_more_than_there_is(waiting: int, panels_at_once: int, processors: int) -> None:
    processes, each = division(waiting, panels_at_once, processors)
    assert 1 <= processes <= min(processors, panels_at_once)
    assert each >= 1
    assert 0 <= panels_at_once - processes * each < processes
    assert processes == 1 or waiting >= 10 * processes


def test_run_due_removes_what_was_kept_for_its_time_although_the_integration_is_off(world: Any, call: Any) -> None:
    host = world.host
    clinic.disable(host, world.manager)
    values = {"day": date(2020, 1, 1), "patient_id": 1, "answer": "not-asked", "at": host.clock.now(), "actor_id": "1"}
    with host.database.session() as session:
        session.execute(insert(check_in).values(values))
    assert call("run-due").exit_code == 0
    with host.database.engine.connect() as connection:
        assert connection.execute(select(check_in)).all() == []


def test_run_due_alone_keeps_exclusions_and_rates_up_to_date(world: Any, call: Any) -> None:
    panel = world.panel(members_count=2, hin="")
    assert call("run-due").exit_code == 0
    with world.host.database.engine.connect() as connection:
        assert listing.excluded_by_panel(connection) == {panel: 2}
        assert [month.counts.members for month in rates.by_month(connection, panel, 1)] == [2]


def test_run_due_alone_compares_lines_of_reports_with_records(world: Any, call: Any, emr: Any) -> None:
    host = world.host
    patient_id = world.oscar.patient(hin="100000001", last_name="Roy", sex="F")
    file = ListFile(b"PHN,Mismatch,Registry value\n100000001,gender,M\n")
    upload_id = kept.keep(host, world.manager, Purpose.REPORT, file, "report.csv", None)
    with host.database.engine.connect() as connection:
        reading = layouts.propose(connection, file, Purpose.REPORT).reading
    said = {"kind": ReportKind.MISMATCH, "codes": {ColumnField.MISMATCH: {"gender": "gender"}}}
    receiving.receive(host, world.manager, upload_id, file, reading.model_copy(update=said))
    with emr.database.writing() as connection:
        record = emr.tables.demographic
        connection.execute(update(record).where(record.c.demographic_no == patient_id).values(sex="M"))
    assert call("run-due").exit_code == 0
    with host.database.engine.connect() as connection:
        assert connection.scalars(select(report_line.c.state)).all() == ["fixed"]


def test_run_due_can_pretend_to_be_at_another_time(world: Any, call: Any) -> None:
    panel = world.panel()
    assert call("run-due", "--now", "2026-11-20T10:00").exit_code == 0
    assert world.states(panel) == [SubmissionState.MISSED]


@pytest.mark.parametrize(
    "wrong", ["tomorrow", "2026-13-01", " ", "9999-12-31", "2026-11-07T03:15'; DROP TABLE cpar_member"]
)
def test_a_moment_that_is_none_is_wrong_usage(call: Any, wrong: str) -> None:
    result = call("run-due", "--now", wrong)
    assert result.exit_code == 2
    assert "write it like 2026-11-07T03:15" in result.output
    assert "Traceback" not in result.output


def test_status_ends_with_one_when_something_is_wrong(world: Any, call: Any) -> None:
    world.panel("0042")
    world.run()
    well = call("status", CPAR_NOW="2026-11-02T10:01")
    assert well.exit_code == 0
    assert "Next night run: Nov 3, 2026, 3:15 AM." in well.output
    world.run_at("2026-11-20T10:00")
    wrong = call("status", CPAR_NOW="2026-11-20T10:01")
    assert wrong.exit_code == 1
    assert "Problem: Panel 0042: missed." in wrong.output


def test_status_warns_with_three_before_something_fails(world: Any, call: Any) -> None:
    world.settings.outbox_folder.write_text("in the way")
    world.panel("0042")
    world.run_at("2026-11-07T03:15")
    world.run_at("2026-11-07T04:16")
    warned = call("status", CPAR_NOW="2026-11-07T04:17")
    assert warned.exit_code == 3
    assert "Warning: Panel 0042: not delivered yet. The submission could not be written to the folder" in warned.output
    assert "Problem:" not in warned.output


def test_the_integration_is_turned_on_and_off(world: Any, call: Any) -> None:
    assert call("enable").output == "The CPAR integration was already on.\n"
    assert "is off" in call("disable").output
    with world.host.database.engine.connect() as connection:
        assert not clinic.load(connection).enabled
    status = call("status")
    assert status.exit_code == 0
    assert "cpar enable" in status.output
    assert call("enable").output == "The CPAR integration is on.\n"


def test_status_says_when_the_patients_cannot_be_read(world: Any, call: Any) -> None:
    wrong = call("status", CPAR_HOST_SCHEMA="nowhere")
    assert wrong.exit_code == 1
    assert "Problem: The EMR's patients cannot be read" in wrong.output
    assert "Traceback" not in wrong.output


@pytest.mark.parametrize("command", ["run-due", "status", "enable", "disable"])
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CPAR_DATABASE_URL", "", "Set CPAR_DATABASE_URL"),
        ("CPAR_DATABASE_URL", "nonsense", "Not a database URL"),
        ("CPAR_DATABASE_URL", "mysql+pymysql://nobody:secret@127.0.0.1:1/cpar", "The database cannot be used"),
        ("CPAR_NOW", "tomorrow", "CPAR_NOW"),
    ],
)
def test_a_wrong_environment_is_one_sentence(call: Any, command: str, name: str, value: str, said: str) -> None:
    result = call(command, **{name: value})
    assert result.exit_code == 1
    assert said in result.output
    assert "secret" not in result.output
    assert len(result.output.splitlines()) == 1


def test_wrong_settings_are_named(call: Any) -> None:
    result = call("run-due", CPAR_AUTOMATIC_DAY="x", CPAR_SMTP_PORT="99999")
    assert result.exit_code == 1
    assert "automatic_day" in result.output
    assert "smtp_port" in result.output


def test_an_empty_database_has_to_be_migrated(tmp_path: Path) -> None:
    empty = {"CPAR_DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}"}
    result = CliRunner().invoke(cpar, ["status"], env=empty)
    assert result.exit_code == 1
    assert "cpar migrate" in result.output


def test_an_unknown_host_is_wrong_usage(call: Any) -> None:
    result = call("--host", "nowhere", "status")
    assert result.exit_code == 2
    assert "Installed: oscar" in result.output


def test_what_breaks_in_the_database_shows_no_data(world: Any, call: Any) -> None:
    world.panel()
    with world.host.database.session() as session:
        session.execute(text("DROP TABLE cpar_night_run"))
    result = call("run-due")
    assert result.exit_code == 1
    assert "Some work could not be completed" in result.output
    assert "SELECT" not in result.output


@pytest.mark.databases("in turn")
def test_the_installed_command_knows_the_subcommands_of_the_host(environment: dict[str, str]) -> None:
    result = subprocess.run([CPAR, "--help"], capture_output=True, text=True, check=True)
    for name in ("run-due", "status", "enable", "disable", "migrate", "registry", "serve"):
        assert f"  {name} " in result.stdout


def test_history_tells_what_happened_to_the_panel_of_a_patient(world: Any, call: Any) -> None:
    panel = world.panel()
    (patient,) = world.members(panel)
    call("run-due")
    result = call("history", "--patient", str(patient))
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            "Nov 7, 2026, 3:20 AM: Submitted with panel P1 (Written to folder)",
            "Nov 2, 2026, 10:00 AM: Added to panel P1, by Doctor, No101",
            "  Last confirmation: Nov 2, 2026 (on adding)",
        ],
    )
    assert call("history", "--patient", "987").output == "Record 987 has never been on a panel.\n"
    assert call("history").exit_code == 2
