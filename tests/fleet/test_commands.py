"""`cpar fleet`: all clinics at once, a line for each that needs something, one exit code."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, select, text, update

from cpar_plugin.hooks import Refused
from cpar_plugin.store.tables import submission
from oscar_host.fleet.command import command

from .conftest import Folder, MakeDatabase, fill

NIGHT = "2026-11-07T03:20"
BEFORE = "2026-11-06T12:00"


@pytest.fixture
def fleet(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A fleet that CPAR_FLEET names."""
    monkeypatch.setenv("CPAR_FLEET", str(folder.file))
    return folder


def run(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(command, arguments, input=input, catch_exceptions=True)


def states(url: str) -> list[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [*connection.scalars(select(submission.c.state))]
    engine.dispose()
    return found


def test_the_night_of_every_clinic_is_run_and_a_wrong_one_is_named(fleet: Folder, new_database: MakeDatabase) -> None:
    urls = [new_database() for _ in range(3)]
    for number, url in enumerate(urls):
        fill(url)
        fleet.add(f"clinic-{number}", database_url=url, now=NIGHT)
    fleet.add("wrong", database_url="sqlite:///:memory:")
    result = run("run-due")
    assert result.exit_code == 1, result.output
    assert [states(url) for url in urls] == [["written"]] * 3, result.output
    for number in range(3):
        folder = fleet.file.parent / f"data/clinic-{number}/outbox"
        assert len([*folder.iterdir()]) == 1
        assert f"clinic-{number}: Written to folder: 1." in result.output
    assert "wrong: Problem: Correct" in result.output
    assert "Clinics: 4. With problems: 1. With warnings: 0." in result.output
    assert "Clinics: 4. With problems: 1." in run("status").output


def test_a_clinic_whose_database_is_away_holds_up_no_other(fleet: Folder, new_database: MakeDatabase) -> None:
    url = new_database()
    fill(url)
    fleet.add("north", database_url=url, now=NIGHT)
    fleet.add("south", database_url="mysql+pymysql://nobody@127.0.0.1:1/cpar", database_connect_seconds="1")
    result = run("run-due")
    assert result.exit_code == 1
    assert states(url) == ["written"]
    assert "south: Problem: The database cannot be used." in result.output


def test_tables_are_made_in_every_clinic(fleet: Folder, tmp_path: Path) -> None:
    for name in ("north", "south"):
        fleet.add(name, database_url=f"sqlite:///{tmp_path}/{name}.db")
    result = run("status")
    assert result.exit_code == 1
    assert "(cpar fleet migrate)" in result.output
    result = run("migrate")
    assert (result.exit_code, result.output) == (0, "Clinics: 2. With problems: 0. With warnings: 0.\n")
    assert run("status", "north").output.startswith("north: The integration is turned off")


def test_a_draining_clinic_begins_nothing_new(fleet: Folder, new_database: MakeDatabase) -> None:
    url = new_database()
    fill(url)
    file = fleet.add("north", database_url=url, now=BEFORE)
    run("run-due")
    file.write_text(file.read_text().replace(BEFORE, NIGHT))
    drained = run("drain", "north")
    assert drained.exit_code == 0
    assert "To end that: cpar fleet drain --end north\n" in drained.output
    run("run-due")
    assert states(url) == []
    assert "north: Warning: It is draining" in run("status").output
    assert run("drain", "--end", "north").exit_code == 0
    run("run-due")
    assert states(url) == ["written"]


def test_a_draining_clinic_is_said_to_be_paused_and_not_that_its_scheduler_has_stopped(
    fleet: Folder, new_database: MakeDatabase
) -> None:
    for name in ("north", "south"):
        url = new_database()
        fill(url)
        fleet.add(name, database_url=url, now=BEFORE)
    assert run("drain", "north").exit_code == 0
    status, doctor = run("status").output, run("doctor").output
    assert "south: Problem: The submission scheduler has not run since" in status
    assert "north: Warning: Submissions are paused for maintenance" in status
    assert "north: Problem" not in status
    assert "south: failure cpar-scheduler: The scheduler has not run since" in doctor
    assert "north: warning cpar-scheduler: Submissions are paused for maintenance" in doctor
    assert "north: failure" not in doctor
    run("drain", "--end", "north")
    assert "north: Problem: The submission scheduler has not run since" in run("status").output


def test_a_clinic_that_would_take_the_pages_of_another_is_not_added(fleet: Folder) -> None:
    fleet.add("south", secret_key="k" * 40)
    result = run("add", "north", "--settings", "-", input=fleet.text(secret_key="k" * 40))
    assert "north and south have the same secret_key" in str(result.exception)
    assert [path.name for path in fleet.clinics.iterdir()] == ["south.ini"]


def test_a_clinic_is_added_with_its_tables_and_a_file_that_only_its_user_reads(fleet: Folder, tmp_path: Path) -> None:
    file = tmp_path / "south.txt"
    file.write_text(fleet.text(database_url=f"sqlite:///{tmp_path}/south.db"))
    result = run("add", "south", "--settings", str(file))
    assert result.exit_code == 0, result.output
    written = fleet.clinics / "south.ini"
    assert written.read_text() == file.read_text()
    assert written.stat().st_mode & 0o777 == 0o600
    assert run("status", "south").exit_code == 0
    again = run("add", "south", "--settings", str(file))
    assert "has a clinic south already" in str(again.exception)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("south", {"database_url": "postgresql://x/y"}, "postgresql"),
        ("south", {"automatic_day": "99"}, "automatic"),
        ("../south", {}, "Give the clinic another name: letters, digits and hyphens, 64 at most."),
        ("s" * 65, {}, "Give the clinic another name: letters, digits and hyphens, 64 at most."),
        ("south", {"database_url": ""}, "Correct the settings: Set database_url, for instance to sqlite:///cpar.db."),
    ],
)
def test_a_clinic_whose_settings_are_wrong_is_not_added(
    fleet: Folder, name: str, settings: dict[str, str], message: str
) -> None:
    result = run("add", name, "--settings", "-", input=fleet.text(**settings))
    assert result.exit_code == 1
    assert message in str(result.exception)
    assert not [*fleet.clinics.iterdir()]


@pytest.mark.databases("one")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[cpar]\n# caf\xe9\n", "south.txt: It is not text in UTF-8."),
        (b"[cpar]\naudit = log\naudit = sesame\n", "Line 3: audit is there already. Keep one of the two."),
        (b"[cpar]\n[cpar]\naudit = sesame\n", "Line 2: the section [cpar] is there already. Put both together."),
        (b"[cpar]\naudit = log\nsesame\n", "Line 3: write a setting as name = value."),
        (b"audit = sesame\n", "It must be an INI file with a section [cpar]."),
    ],
)
def test_a_file_that_cannot_be_read_as_settings_says_where(
    fleet: Folder, tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "south.txt"
    file.write_bytes(content)
    refused = run("add", "south", "--settings", str(file)).exception
    assert isinstance(refused, Refused)
    assert message in str(refused)
    assert "sesame" not in str(refused)


def test_a_file_may_begin_as_editors_of_windows_write_it(fleet: Folder, tmp_path: Path) -> None:
    file = tmp_path / "south.txt"
    file.write_bytes(b"\xef\xbb\xbf" + fleet.text().replace("\n", "\r\n").encode())
    result = run("add", "south", "--settings", str(file))
    assert result.exit_code == 0, result.output
    assert [*fleet.read().read().clinics] == ["south"]


@pytest.mark.databases("one")
@pytest.mark.parametrize("url", ["http://cpar:sesame@broker", "amqp://cpar:sesame@broker:port", "sesame"])
def test_an_address_that_no_broker_has_is_refused_by_whatever_reads_it(fleet: Folder, url: str) -> None:
    fleet.write(f"broker_url = {url}")
    for work in ("worker", "beat", "status"):
        refused = str(run(work).exception)
        assert "broker_url: write it like amqp://user:password@broker.example/cpar" in refused
        assert "sesame" not in refused


@pytest.mark.parametrize("work", ["status", "doctor", "run-due"])
def test_a_fleet_without_clinics_is_a_warning(fleet: Folder, work: str) -> None:
    result = run(work)
    assert result.exit_code == 3
    assert f"Warning: There is no clinic in the folder {fleet.clinics}. To add one: cpar fleet add\n" in result.output
    assert run("migrate").exit_code == 0


def test_the_end_of_draining_says_what_is_draining_still(fleet: Folder) -> None:
    fleet.add("north")
    fleet.add("south")
    assert "cpar fleet drain --end north south\n" in run("drain", "north", "south", "north").output
    run("drain", "--all")
    one = run("drain", "north", "--end")
    assert one.exit_code == 3
    assert one.output == (
        "Nothing new is begun yet: all clinics are draining. To end that: cpar fleet drain --end --all\n"
    )
    everyone = run("drain", "--all", "--end")
    assert everyone.exit_code == 0
    assert "Of these nothing new is begun: south. To end that, name them with --end.\n" in everyone.output
    assert run("drain", "south", "--end").output == "Submissions are begun again.\n"


def test_a_clinic_is_removed_once_nothing_is_in_progress(fleet: Folder, new_database: MakeDatabase) -> None:
    url = new_database()
    fill(url)
    file = fleet.add("north", database_url=url, now=NIGHT, transport="fhir", registry_url="https://127.0.0.1:1/fhir")
    run("run-due")
    assert states(url) == ["waiting"]
    refused = run("remove", "north")
    assert "Submissions of north that are queued or in progress: 1. Run first: cpar fleet drain north" in str(
        refused.exception
    )
    run("drain", "north")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(update(submission).values(claim="x", claimed_until=text("'2026-11-07 11:00:00.000000'")))
    assert "that are being worked on: 1" in str(run("remove", "north").exception)
    with engine.begin() as connection:
        connection.execute(update(submission).values(claim=None, claimed_until=None))
    engine.dispose()
    result = run("remove", "north")
    assert result.exit_code == 0, result.output
    assert not file.exists()
    assert [path.name for path in fleet.clinics.iterdir()] == ["north.removed"]


def test_every_clinic_is_checked_and_a_file_that_everyone_reads_is_named(fleet: Folder, tmp_path: Path) -> None:
    fleet.add("north", database_url=f"sqlite:///{tmp_path}/none.db").chmod(0o600)
    fleet.add("south", database_url=f"sqlite:///{tmp_path}/none.db2").chmod(0o644)
    result = run("doctor")
    assert result.exit_code == 1
    for name in ("north", "south"):
        assert f"{name}: failure database: File not found" in result.output
    assert f"south: warning settings: Everyone on this machine can read {fleet.clinics}/south.ini" in result.output
    assert "north: warning settings" not in result.output
    assert "Clinics: 2. With problems: 2." in result.output


def test_what_to_do_names_commands_of_the_fleet_and_settings_of_a_file(
    fleet: Folder, new_database: MakeDatabase
) -> None:
    away = {"database_url": "mysql+pymysql://nobody@127.0.0.1:1/cpar", "database_connect_seconds": "1"}
    fleet.add("south", **away)
    fleet.add("north", database_url=new_database())
    assert "Turn it on with: cpar fleet for north enable" in run("status", "north").output
    doctor = run("doctor").output
    assert "How to fix: Run: cpar fleet for north enable" in doctor
    assert "its address in database_url." in doctor
    assert "CPAR_" not in doctor
    other = {**away, "database_url": f"{away['database_url']}2"}
    refused = run("add", "east", "--settings", "-", input=fleet.text(**other))
    assert (
        "Its database cannot be used (OperationalError): check that it runs, and database_url. east has not been"
        in str(refused.exception)
    )
    assert not (fleet.clinics / "east.ini").exists()


@pytest.mark.parametrize(
    ("lines", "remedy"),
    [
        ((), "Check the log of cron or systemd, and run cpar fleet run-due every minute from there."),
        (
            ("broker_url = amqp://broker.example/cpar",),
            "Check the logs of the beat and of the workers, and keep both running: cpar fleet beat, cpar fleet worker.",
        ),
    ],
    ids=["run-due", "workers"],
)
def test_where_the_regular_work_is_not_done_the_doctor_says_what_this_fleet_needs(
    fleet: Folder, new_database: MakeDatabase, lines: tuple[str, ...], remedy: str
) -> None:
    fleet.write(*lines)
    url = new_database()
    fill(url)
    fleet.add("north", database_url=url, now="2026-11-04T12:00")
    doctor = run("doctor").output
    assert f"nothing will be submitted. How to fix: {remedy}\n" in doctor
    assert f"06:00. {remedy}\n" in doctor
    assert "cpar fleet for north run-due" not in doctor


def run_for(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from cpar_plugin.start import main; main()", "fleet", "for", *arguments]
    return subprocess.run(program, capture_output=True, text=True, check=False)


@pytest.mark.databases("one")
def test_a_command_for_one_clinic_proposes_commands_as_they_are_typed_for_it(
    fleet: Folder, new_database: MakeDatabase
) -> None:
    fleet.add("north", database_url=new_database())
    assert "Turn it on with: cpar fleet for north enable\n" in run_for("north", "status").stdout
    assert "How to fix: Run: cpar fleet for north enable\n" in run_for("north", "doctor").stdout
    assert run_for("north", "client", "--help").stdout.startswith("Usage: cpar fleet for north client ")
    assert "Try 'cpar fleet for north --help' for help." in run_for("north", "nonsense").stderr
    fleet.add("south", database_url=f"sqlite:///{fleet.file.parent}/none.db")
    assert "(cpar fleet for south migrate)" in run_for("south", "enable").stderr


@pytest.mark.databases("one")
@pytest.mark.parametrize("other", ["fleet", "install-oscar"])
def test_a_command_that_is_for_no_clinic_is_not_run_for_one(fleet: Folder, other: str) -> None:
    fleet.add("north")
    refused = run_for("north", other)
    assert refused.returncode == 2
    assert f"Run it alone: cpar {other}" in refused.stderr


def test_any_command_runs_for_one_clinic(fleet: Folder, new_database: MakeDatabase) -> None:
    fleet.add("north", database_url=new_database())
    fleet.add("south", database_url=new_database())
    for arguments in (["north", "enable"], ["south", "disable"]):
        result = run_for(*arguments)
        assert result.returncode == 0, result.stderr
    assert "north: The integration has been on since" in run("status", "north").output
    assert "south: The integration is turned off" in run("status", "south").output


def test_a_folder_of_clinics_that_cannot_be_changed_is_named_with_what_to_do(fleet: Folder) -> None:
    fleet.add("north")
    (fleet.clinics / "north.removed/kept").mkdir(parents=True)
    (fleet.clinics / ".draining").mkdir()
    (fleet.clinics / "north.draining").symlink_to("nowhere/file")
    (fleet.clinics / "south.ini/kept").mkdir(parents=True)
    changed = run("add", "south", "--replace", "--settings", "-", input=fleet.text())
    drained, ended, removed = run("drain", "north"), run("drain", "--all", "--end"), run("remove", "north", "--force")
    for result in (changed, drained, ended, removed):
        assert isinstance(result.exception, Refused)
        assert f"clinics: the folder {fleet.clinics} cannot be changed (" in str(result.exception)
        assert "Run this as a user who may write to it, on a disk that has room." in str(result.exception)
    assert (fleet.clinics / "north.ini").exists()


def test_a_folder_of_data_that_cannot_be_written_is_named_with_what_to_do(fleet: Folder) -> None:
    fleet.add("north")
    (fleet.file.parent / "data").write_text("a file")
    message = f"data_folder: the folder {fleet.file.parent}/data/north cannot be made ("
    for work in ("status", "run-due", "migrate"):
        result = run(work)
        assert result.exit_code == 1
        assert f"north: Problem: {message}" in result.output
    assert message in str(run("for", "north", "status").exception)
    added = run("add", "south", "--settings", "-", input=fleet.text())
    assert "data/south cannot be made (" in str(added.exception)
    assert not (fleet.clinics / "south.ini").exists()


def test_a_folder_for_what_has_begun_that_cannot_be_made_is_named_after_submitting(
    fleet: Folder, new_database: MakeDatabase
) -> None:
    url = new_database()
    fill(url)
    fleet.add("north", database_url=url, now=NIGHT)
    (fleet.file.parent / "data/north").mkdir(parents=True)
    (fleet.file.parent / "data/north/jobs").write_text("a file")
    result = run("run-due")
    assert states(url) == ["written"]
    assert "data/north/jobs cannot be made (" in result.output


@pytest.mark.databases("one")
def test_a_name_that_no_clinic_has_is_refused_with_similar_ones(fleet: Folder) -> None:
    fleet.add("north-edmonton")
    fleet.add("south")
    assert str(run("status", "north-edmontn").exception) == (
        "The fleet has no clinic north-edmontn. Similar names: north-edmonton."
    )
    assert str(run("drain", "x").exception) == "The fleet has no clinic x."


def test_without_a_fleet_the_command_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CPAR_FLEET", raising=False)
    assert "Set CPAR_FLEET" in str(run("status").exception)
