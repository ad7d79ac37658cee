"""The application as an operator runs it: gunicorn with several workers, settings in a file."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cpar_plugin.services import clinic
from oscar_host.host import OscarHost

from .conftest import Person
from .stand_in import ME, StandIn

_LISTENING = re.compile(r"Listening at: (http://127\.0\.0\.1:\d+)")


@pytest.fixture
def gunicorn(
    host: OscarHost, staff: None, environment: dict[str, str], neighbour_settings: dict[str, str], tmp_path: Path
) -> Iterator[subprocess.Popen[str]]:
    """The running program; its messages come on standard error."""
    clinic.enable(host, host.identity.system)
    file = tmp_path / "cpar.ini"
    given = {name.removeprefix("CPAR_").lower(): value for name, value in environment.items()} | neighbour_settings
    given["now"] = "2026-11-10T10:00"  # so that no answer of OSCAR's grows old, however slow the machine is
    file.write_text("[cpar]\n" + "".join(f"{name} = {value}\n" for name, value in given.items()), encoding="utf-8")
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--threads", "4", "--bind", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, "oscar_host.neighbour:app()"],
        env={"CPAR_SETTINGS": str(file), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as process:
        yield process
        if process.poll() is None:
            process.kill()


def test_it_serves_people_with_several_workers_that_ask_oscar_once_and_ends_in_peace(
    gunicorn: subprocess.Popen[str], standing_in: StandIn
) -> None:
    assert gunicorn.stderr
    lines = []
    for line in gunicorn.stderr:
        lines.append(line)
        if found := _LISTENING.search(line):
            break
    else:
        pytest.fail("".join(lines))
    somebody = Person(found[1], "manager")
    page = somebody.get("/settings")
    assert page.status_code == 200, page.text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    # Any worker takes the token that another has made.
    for number in range(6):
        wrong = requests.post(
            f"{found[1]}/oscar/cpar/settings",
            data={"csrf_token": token[1], "name": "", "site_id": str(number)},
            cookies=somebody.session.cookies,
            timeout=120,
        )
        assert wrong.status_code == 422, wrong.text
    assert [question.path for question in standing_in.asked] == [ME]
    gunicorn.send_signal(signal.SIGTERM)
    _, rest = gunicorn.communicate(timeout=120)
    assert gunicorn.returncode == 0
    assert "Traceback" not in rest
    assert "Error" not in rest
