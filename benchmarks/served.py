"""The embedded EMR, served by a process of its own as `cpar serve` does it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import sleep

import psutil

from oscar_host.demo.ports import free_port
from oscar_host.host import OscarHost

from .big_clinic import NOW

_CHUNK = 64 * 1024


class Served:
    """A server, and one connection to it that stays open."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.pid = process.pid
        self._connection = HTTPConnection("127.0.0.1", port, timeout=300)
        self._process = process

    def get(self, path: str, token: str = "") -> int:
        """Read an answer to its end without keeping it; returns how many bytes it had."""
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = self._connection.getresponse()
        size = 0
        while chunk := answer.read(_CHUNK):
            size += len(chunk)
        assert answer.status == 200, answer.status
        return size

    def wait(self) -> None:
        """Until it answers, on a new connection where the old one was idle for too long."""
        while True:
            assert self._process.poll() is None, "the server has ended"
            try:
                self.get("/fhir/metadata")
            except OSError:
                self._connection.close()
                sleep(0.05)
            else:
                return

    @property
    def peak_mebibytes(self) -> float:
        """The most memory that the process which answers has needed so far."""
        (worker,) = psutil.Process(self._process.pid).children()
        status = Path(f"/proc/{worker.pid}/status").read_text(encoding="ascii")
        match = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert match
        return int(match[1]) / 1024


@contextmanager
def serving(host: OscarHost, settings: Mapping[str, str]) -> Iterator[Served]:
    """Serve the clinic of this host while the block runs."""
    port = free_port()
    schema = host.tables.demographic.schema
    given = {
        "database_url": host.database.engine.url.render_as_string(hide_password=False),
        "now": NOW.isoformat(),
        **({"host_schema": schema} if schema else {}),
        **settings,
    }
    environment = os.environ | {f"CPAR_{name.upper()}": value for name, value in given.items()}
    program = str(Path(sys.executable).with_name("cpar"))
    with subprocess.Popen([program, "serve", "--port", str(port)], env=environment) as process:
        try:
            server = Served(port, process)
            server.wait()
            yield server
        finally:
            process.terminate()
