"""`cpar fleet` in several processes: each clinic is worked on once, one exit code, and one limit for each registry."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE
from threading import Condition, Thread

import pytest
from sqlalchemy import create_engine

from .conftest import Folder, MakeDatabase, fill
from .test_commands import states

CPAR = Path(sys.executable).with_name("cpar")
NIGHT = "2026-11-07T03:20"
CLINICS = 10


class CountingRegistry:
    """It accepts everything, and counts how many panels it has in hand at a time."""

    def __init__(self) -> None:
        self.changed = Condition()
        self.in_hand = self.most = self.received = 0
        self.waits_for = 1  # how many it wants at a time before it answers the first of them
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                entries = len(json.loads(self._body())["entry"])
                registry.take()
                answer = {"type": "transaction-response", "entry": [{"response": {"status": "201"}}] * entries}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"resourceType": "Bundle", **answer}).encode())

            def _body(self) -> bytes:
                if length := self.headers["Content-Length"]:
                    return self.rfile.read(int(length))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                return body

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/fhir"

    def take(self) -> None:
        with self.changed:
            self.in_hand += 1
            self.received += 1
            self.most = max(self.most, self.in_hand)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= self.waits_for, 120)
        time.sleep(0.2)  # so that others would come if they could
        with self.changed:
            self.in_hand -= 1


@pytest.fixture
def registry() -> Iterator[CountingRegistry]:
    one = CountingRegistry()
    thread = Thread(target=one.server.serve_forever, args=(0.02,))
    thread.start()
    yield one
    with one.changed:
        one.waits_for = 0
        one.changed.notify_all()
    one.server.shutdown()
    thread.join()
    one.server.server_close()


@pytest.fixture
def urls(folder: Folder, new_database: MakeDatabase) -> list[str]:
    """Ten clinics, each with a panel that is due, and two whose settings are wrong; worked on by two processes."""
    folder.write("processes = 2")
    made = [new_database() for _ in range(CLINICS)]
    for number, url in enumerate(made):
        fill(url)
        folder.add(f"clinic-{number}", database_url=url, now=NIGHT)
    folder.add("wrong-day", automatic_day="40")
    folder.add("wrong-database", database_url="postgresql://nowhere/x")
    return made


def environment(folder: Folder) -> dict[str, str]:
    return {**os.environ, "CPAR_FLEET": str(folder.file)}


def run(folder: Folder, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CPAR, "fleet", *arguments], env=environment(folder), capture_output=True, text=True, check=False
    )


def test_a_night_of_ten_clinics_is_done_once_with_one_exit_code_and_both_wrong_ones_named(
    folder: Folder, urls: list[str]
) -> None:
    migrated = run(folder, "migrate")
    assert migrated.returncode == 1
    assert "Clinics: 12. With problems: 2. With warnings: 0." in migrated.stdout
    night = run(folder, "run-due")
    assert night.returncode == 1, night.stderr
    assert [states(url) for url in urls] == [["written"]] * CLINICS
    for number in range(CLINICS):
        assert night.stdout.count(f"clinic-{number}: Written to folder: 1.") == 1
    for name in ("wrong-day", "wrong-database"):
        assert night.stdout.count(f"{name}: Problem: Correct {folder.clinics}/{name}.ini: ") == 1
    assert night.stderr == ""  # no progress bar where no one looks
    for name in ("wrong-day", "wrong-database"):
        (folder.clinics / f"{name}.ini").unlink()
    again = run(folder, "run-due")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    status = run(folder, "status")
    assert (status.returncode, status.stdout) == (0, f"Clinics: {CLINICS}. With problems: 0. With warnings: 0.\n")
    assert run(folder, "drain", "clinic-3").returncode == 0
    assert run(folder, "status").returncode == 3


@pytest.mark.databases("one")
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_each_line_of_the_log_names_its_clinic(folder: Folder, urls: list[str], log_format: str) -> None:
    folder.write("processes = 2", f"log_format = {log_format}")
    broken = {"clinic-2", "clinic-7"}
    for name in broken:
        engine = create_engine(urls[int(name[-1])])
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE cpar_snapshot_piece")
        engine.dispose()
    night = run(folder, "run-due")
    assert night.returncode == 1
    named = r'"trace": "\w{32}", "clinic": "([\w-]+)"' if log_format == "json" else r"\[trace=\w{32} clinic=([\w-]+)"
    names = {line: found and found[1] for line in night.stderr.splitlines() for found in [re.search(named, line)]}
    assert names
    assert None not in names.values(), names
    assert broken <= set(names.values()), names


@pytest.mark.databases("one")
def test_a_bar_shows_progress_on_a_terminal_alone(folder: Folder, urls: list[str]) -> None:
    ours, theirs = pty.openpty()
    command = [CPAR, "fleet", "status"]
    with subprocess.Popen(
        command, env={**environment(folder), "TERM": "xterm"}, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        shown = b""
        while chunk := _chunk(ours):
            shown += chunk
        assert process.stdout
        assert "Clinics: 12." in process.stdout.read()
    os.close(ours)
    assert b"Asking" in shown
    assert f" 0/{CLINICS}".encode() in shown
    assert f"{CLINICS}/{CLINICS}".encode() in shown


def _chunk(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so where the other end is closed
        return b""


@pytest.mark.databases("in turn")
@pytest.mark.parametrize("limit", [1, 3])
def test_a_registry_has_no_more_panels_in_hand_than_one_setting_says(
    folder: Folder, urls: list[str], registry: CountingRegistry, limit: int
) -> None:
    registry.waits_for = limit
    folder.write(
        "processes = 2",
        f"registry_panels_at_once = {limit}",
        every_clinic=("transport = fhir", f"registry_url = {registry.url}"),
    )
    result = run(folder, "run-due")
    assert registry.received == CLINICS, result.stdout + result.stderr
    assert registry.most == limit
    assert [states(url) for url in urls] == [["delivered"]] * CLINICS


@contextmanager
def interrupted(folder: Folder, registry: CountingRegistry, processes: int = 1) -> Iterator[subprocess.Popen[str]]:
    """A night of which each process has a panel in hand that the registry does not answer yet, after one Ctrl-C."""
    registry.waits_for = 1000
    every_clinic = ("transport = fhir", f"registry_url = {registry.url}", "claim_seconds = 1")
    folder.write(f"processes = {processes}", "clinics_at_once = 1", every_clinic=every_clinic)
    # A shell lets what it starts in the background ignore Ctrl-C, and so would this process.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [CPAR, "fleet", "run-due"],
        env=environment(folder),
        stdout=PIPE,
        stderr=PIPE,
        text=True,
        start_new_session=True,
    )
    signal.signal(signal.SIGINT, ours)
    with process:
        assert process.stderr
        with registry.changed:
            assert registry.changed.wait_for(lambda: registry.in_hand == processes, 120)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.stderr.readline() == "\n"
        said = process.stderr.readline()
        assert said == "What is in hand is finished first. Press Ctrl+C again to end at once.\n"
        yield process


@pytest.mark.databases("one")
@pytest.mark.parametrize("processes", [1, 2])
def test_after_ctrl_c_what_is_in_hand_is_finished_and_nothing_else_begun(
    folder: Folder, urls: list[str], registry: CountingRegistry, processes: int
) -> None:
    with interrupted(folder, registry, processes) as process:
        with registry.changed:
            registry.waits_for = 0
            registry.changed.notify_all()
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert [state for url in urls for state in states(url)] == ["delivered"] * processes
    run(folder, "run-due")
    assert [states(url) for url in urls] == [["delivered"]] * CLINICS


@pytest.mark.databases("one")
@pytest.mark.parametrize("processes", [1, 2])
def test_ctrl_c_pressed_again_ends_it_at_once(
    folder: Folder, urls: list[str], registry: CountingRegistry, processes: int
) -> None:
    with interrupted(folder, registry, processes) as process:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=120)  # until the last of its processes has closed its output
        assert registry.in_hand == processes
    assert process.returncode == -signal.SIGINT


@pytest.mark.databases("one")
def test_a_process_that_dies_is_said_of_its_clinics_and_the_next_run_does_their_work(
    folder: Folder, urls: list[str], registry: CountingRegistry
) -> None:
    registry.waits_for = 1000  # none is answered until the test says so
    every_clinic = ("transport = fhir", f"registry_url = {registry.url}", "claim_seconds = 1")
    folder.write("processes = 2", every_clinic=every_clinic)
    command = [CPAR, "fleet", "run-due"]
    with subprocess.Popen(command, env=environment(folder), stdout=subprocess.PIPE, text=True) as process:
        with registry.changed:
            assert registry.changed.wait_for(lambda: registry.in_hand > 1, 120)
        os.kill(_children(process.pid)[0], signal.SIGKILL)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "The work was interrupted: a process ended. Run the command again." in output
    with registry.changed:
        registry.waits_for = 0
        registry.changed.notify_all()
    for number, url in enumerate(urls):
        folder.add(f"clinic-{number}", database_url=url, now="2026-11-07T03:50")
    run(folder, "run-due")
    assert [states(url) for url in urls] == [["delivered"]] * CLINICS


def _children(parent: int) -> list[int]:
    """Its processes that do the work: one of Python's own keeps track of what they share."""
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in listed if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
