"""`cpar demo` as somebody uses it who tries the product for the first time."""

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from cpar_plugin.settings import load
from oscar_host.demo.tryout import last_open_night

from ..conftest import ALBERTA

CPAR = str(Path(sys.executable).with_name("cpar"))


def demo(folder: Path, *arguments: str) -> str:
    result = subprocess.run(
        [CPAR, "demo", "--folder", str(folder), "--patients", "600", "--no-serve", *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    # Another demo may run on this machine: which ports are free says nothing.
    return re.sub(r"^Port .*\n", "", result.stdout + result.stderr, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo") / "clinic"
    return folder, demo(folder)


def test_everyone_assigned_is_sent_or_excluded_with_a_reason(made: tuple[Path, str]) -> None:
    folder, output = made
    numbers = re.search(r"Panel 0042: ([\d,]+) patients assigned = ([\d,]+) submitted \+ ([\d,]+) excluded", output)
    assert numbers, output
    assigned, sent, excluded = (int(number.replace(",", "")) for number in numbers.groups())
    assert assigned == sent + excluded > excluded > 0
    with closing(sqlite3.connect(folder / "clinic.db")) as database:
        assert database.execute("SELECT count(*) FROM cpar_member").fetchone() == (assigned,)
        assert database.execute("SELECT count(DISTINCT patient_id) FROM cpar_exclusion").fetchone() == (excluded,)
        states = database.execute("SELECT state FROM cpar_submission").fetchall()
    assert states == [("delivered",)]
    by_reason = [int(count) for count in re.findall(r"^ +(\d+)  \w", output, re.MULTILINE)]
    assert sum(by_reason) >= excluded


def test_the_log_of_the_emr_says_sent_when_the_submission_was_sent(made: tuple[Path, str]) -> None:
    with closing(sqlite3.connect(made[0] / "clinic.db")) as database:
        (logged,) = database.execute("SELECT dateTime FROM log WHERE action = 'sent'").fetchone()
        (finished,) = database.execute("SELECT finished_at FROM cpar_submission").fetchone()
    moment = datetime.fromisoformat(logged).replace(tzinfo=ALBERTA)
    assert abs(moment - datetime.fromisoformat(finished).replace(tzinfo=UTC)) < timedelta(minutes=1)


def test_a_second_start_finds_the_clinic_as_it_was_left_and_a_fresh_one_makes_it_again(made: tuple[Path, str]) -> None:
    folder, first = made
    with closing(sqlite3.connect(folder / "clinic.db")) as database, database:
        database.execute("DELETE FROM cpar_ledger")
    assert "as you left it" in demo(folder)
    with closing(sqlite3.connect(folder / "clinic.db")) as database:
        assert database.execute("SELECT count(*) FROM cpar_ledger").fetchone() == (0,)
    assert demo(folder, "--fresh") == first


def test_a_start_that_broke_off_is_begun_again(made: tuple[Path, str]) -> None:
    folder, first = made
    (folder / "demo.state").write_text("not complete")
    assert demo(folder) == first


def test_a_folder_with_other_things_in_it_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "clinic.db").write_text("mine")
    assert "choose another folder" in demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["clinic.db"]
    assert (tmp_path / "clinic.db").read_text() == "mine"


@pytest.mark.parametrize("folder", ["/proc/demo", "/dev/null/demo"])
def test_a_folder_that_cannot_be_written_is_reported_in_a_sentence(folder: str) -> None:
    output = demo(Path(folder))
    assert output.startswith("Error: ")
    assert "choose another folder" in output
    assert len(output.splitlines()) == 1


@contextmanager
def running(folder: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    process = subprocess.Popen(
        [CPAR, "demo", "--folder", str(folder), "--patients", "600", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Where the tests run in the background SIGINT is ignored, and a child would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line)
            if "Ctrl+C" in line:
                break
        yield process, lines
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda end: end.name)
def test_it_serves_at_a_free_port_until_it_is_ended_and_leaves_no_process_behind(
    end: signal.Signals, made: tuple[Path, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(made[0], port) as (process, lines):
            output = "".join(lines)
            assert f"Port {port} is in use" in output
            addresses = re.findall(r"^The (?:EMR|registry): +(http://\S+)", output, re.MULTILINE)
            for address in addresses:
                with urllib.request.urlopen(address, timeout=120) as answer:
                    assert answer.status == 200
            assert len(addresses) == 2
            with urllib.request.urlopen(f"{addresses[1]}_received", timeout=120) as answer:
                [received] = json.load(answer)
            assert f"= {received['members']} submitted" in made[1]
            children = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(end)
            assert process.wait(120) == (0 if end is not signal.SIGKILL else -end)
            _, alive = psutil.wait_procs(children, timeout=120)
            assert alive == []


@pytest.mark.parametrize(
    ("now", "night"),
    [
        (datetime(2026, 11, 10, 10, tzinfo=ALBERTA), date(2026, 11, 10)),
        (datetime(2026, 11, 10, 3, tzinfo=ALBERTA), date(2026, 11, 9)),
        (datetime(2026, 11, 30, 23, tzinfo=ALBERTA), date(2026, 11, 19)),
        (datetime(2026, 12, 1, 3, tzinfo=ALBERTA), date(2026, 11, 19)),
        (datetime(2026, 12, 1, 4, tzinfo=ALBERTA), date(2026, 12, 1)),
    ],
)
def test_its_submission_went_in_the_latest_night_that_was_open(now: datetime, night: date) -> None:
    assert last_open_night(load({}).calendar(ALBERTA), now) == night
