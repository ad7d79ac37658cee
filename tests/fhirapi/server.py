"""A server of the embedded EMR, in a process of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from oscar_host.demo.ports import free_port

from ..waiting import PATIENCE

CPAR = str(Path(sys.executable).with_name("cpar"))


@contextmanager
def running(environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Serves while the block runs, with `folder` as its own; yields the address of the FHIR interface."""
    port = free_port()
    base = f"http://127.0.0.1:{port}/fhir"
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [CPAR, "serve", "--port", str(port)], env=environment, cwd=folder, stdout=out, stderr=out
        )
        try:
            _until_it_answers(f"{base}/metadata", process, log)
            yield base
        finally:
            process.terminate()
            process.wait(PATIENCE)
    assert "Traceback" not in log.read_text()


def _until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1200):
        assert process.poll() is None, log.read_text()
        try:
            requests.get(address, timeout=60)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"The server does not answer: {log.read_text()}")
