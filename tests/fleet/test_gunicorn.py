"""The application of a fleet as an operator runs it: gunicorn with several workers."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ..waiting import PATIENCE
from .conftest import Folder

_LISTENING = re.compile(r"Listening at: (http://127\.0\.0\.1:\d+)")
pytestmark = pytest.mark.databases("one")


@pytest.fixture
def gunicorn(folder: Folder, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The running program; its messages come on standard error."""
    folder.add("north")
    folder.add("south")
    config = "python:oscar_host.fleet.gunicorn_settings"
    command = [sys.executable, "-m", "gunicorn", "--config", config, "--bind", "127.0.0.1:0", "oscar_host.fleet:app()"]
    with subprocess.Popen(
        command,
        env={"CPAR_FLEET": str(folder.file), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as process:
        yield process
        if process.poll() is None:
            process.kill()


def test_it_serves_every_clinic_takes_up_another_and_ends_in_peace(
    gunicorn: subprocess.Popen[str], folder: Folder
) -> None:
    assert gunicorn.stderr
    site = next(result[1] for line in gunicorn.stderr if (result := _LISTENING.search(line)))
    for _ in range(4):  # either worker may answer
        for name in ("north", "south"):
            assert requests.get(f"{site}/{name}/cpar/sign-in", timeout=60).status_code == 200
    folder.add("east")
    assert requests.get(f"{site}/east/cpar/sign-in", timeout=60).status_code == 200
    assert requests.get(f"{site}/west/cpar/sign-in", timeout=60).status_code == 404
    gunicorn.send_signal(signal.SIGTERM)
    assert gunicorn.wait(PATIENCE) == 0
    rest = gunicorn.stderr.read()
    assert "Traceback" not in rest
    assert "could not be closed" not in rest
