"""The example of a host for another EMR, checked as its author would do it: with the commands of the page."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import requests

from cpar_plugin.hooks.conformance import CHECKS

HOW_TO = Path(__file__).parents[2] / "docs/how-to"
PAGE = (HOW_TO / "write-a-host.md").read_text(encoding="utf-8")
INCOMPLETE = """
import meadow
from meadow_bench import open_bench

everybody = meadow.Roster.patients
meadow.Roster.patients = lambda roster: here(everybody(roster))


def here(patient):
    return patient.select().where(meadow.sa.func.coalesce(patient.c.status, "here") == "here").subquery("patient")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example."""
    return Path(shutil.copytree(HOW_TO / "another-emr", tmp_path / "another-emr"))


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def block(kind: str) -> str:
    [result] = blocks(kind)
    return result


def run(folder: Path, *command: str) -> tuple[int, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    result = subprocess.run(
        command, cwd=folder, env=environment | {"PATH": path}, capture_output=True, text=True, check=False
    )
    return result.returncode, result.stdout + result.stderr


def pytest_in(folder: Path, *arguments: str) -> tuple[int, str]:
    return run(folder, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments)


# Meadow does without this port, as a host may: its checks are skipped.
OF_HOMES = sum(check.__module__.endswith("test_homes") for check in CHECKS.values())


@pytest.mark.parametrize(
    ("place", "passed"),
    [(0, len(CHECKS) - OF_HOMES), pytest.param(1, 1, marks=pytest.mark.large)],
    ids=["the checks", "the acceptance test"],
)
def test_the_example_passes_with_the_commands_of_the_page(place: int, passed: int, folder: Path) -> None:
    command = blocks("console")[place].splitlines()[-1]
    code, output = run(folder, *command.split())
    assert code == 0, output
    assert f"{passed} passed" in output


def test_what_the_example_imports_of_the_package_is_the_contract_and_the_kit(folder: Path) -> None:
    for file in folder.glob("*.py"):
        imported = re.findall(r"^from (cpar_plugin[.\w]*|oscar_host[.\w]*) import", file.read_text(), re.MULTILINE)
        assert all(name.startswith(("cpar_plugin.hooks", "cpar_plugin.host_kit")) for name in imported), imported
        assert imported


def test_the_example_is_served_by_gunicorn_which_forks_after_it_was_made(folder: Path) -> None:
    environment = os.environ | {"MEADOW_SECRET_KEY": "a secret of the clinic"}
    with closing(sqlite3.connect(folder / "meadow.db")) as connection:
        connection.executescript((folder / "meadow.sql").read_text(encoding="utf-8"))
    command = ["--config", "python:meadow_served", "--preload", "--no-control-socket", "--bind", "127.0.0.1:0"]
    with subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *command, "meadow_served:app()"],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        output = []
        for line in process.stderr:
            output.append(line)
            if site := re.search(r"Listening at: (\S+)", line):
                answer = requests.get(f"{site[1]}/cpar/panels", allow_redirects=False, timeout=120)
                assert answer.status_code == 303  # to the sign-in
                process.terminate()
        assert process.wait(120) == 0, output
        assert "Error" not in "".join(output)


def test_the_example_is_read_in_one_sitting() -> None:
    assert len((HOW_TO / "another-emr/meadow.py").read_text(encoding="utf-8").splitlines()) <= 210


@pytest.mark.large
def test_the_suite_of_the_page_holds_every_check(folder: Path) -> None:
    (folder / "test_meadow.py").write_text(block("python"), encoding="utf-8")
    code, output = pytest_in(folder, "-q", "-k", "active", "test_meadow.py")
    assert code == 0, output
    assert f"{len(CHECKS)} tests collected" in pytest_in(folder, "--collect-only", "-q", "test_meadow.py")[1]


def test_a_host_that_leaves_someone_out_is_reported_in_the_words_of_the_page(folder: Path) -> None:
    (folder / "broken.py").write_text(INCOMPLETE, encoding="utf-8")
    code, output = pytest_in(
        folder,
        "-q",
        "--pyargs",
        "cpar_plugin.hooks.conformance",
        "--host",
        "broken:open_bench",
        "-k",
        "patients",
    )
    assert code == 1, output
    shown = [line.split(" - ")[0] for line in output.splitlines() if line.startswith("FAILED")]
    name, words = block("text").replace(" - AssertionError", "").split(":\n")
    assert [line.endswith(name.removeprefix("FAILED ")) for line in shown] == [True], output
    assert words.strip() in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say which host: --host module:factory"),
        (["--host", "meadow_bench:nothing"], "--host meadow_bench:nothing: module 'meadow_bench' has no attribute"),
    ],
)
def test_a_run_without_a_host_ends_with_one_sentence(folder: Path, arguments: list[str], said: str) -> None:
    code, output = pytest_in(folder, "--pyargs", "cpar_plugin.hooks.conformance", *arguments)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {said}" in output
    assert "Traceback" not in output


@pytest.mark.large
def test_other_runs_of_pytest_know_no_such_option(folder: Path) -> None:
    (folder / "test_of_its_own.py").write_text("def test_nothing(): ...\n")
    assert pytest_in(folder, "test_of_its_own.py")[0] == 0
    code, output = pytest_in(folder, "test_of_its_own.py", "--host", "meadow_bench:open_bench")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "unrecognized arguments: --host" in output
