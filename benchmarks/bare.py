"""A view of Flask's that returns a text which is ready, in a server of the kind in which the product is served."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from time import sleep
from typing import NamedTuple

import orjson
from flask import Flask, Response

from cpar_plugin.host_kit.gate import THREADS
from cpar_plugin.host_kit.keep_alive import KEPT_SECONDS
from oscar_host.demo.ports import free_port

_SIZE_OF_A_PATIENT = 1000  # bytes


class Bare(NamedTuple):
    """The port, and the process."""

    port: int
    pid: int


def bare() -> Flask:
    """The application, which answers `/`."""
    app = Flask(__name__)
    text = orjson.dumps({"filler": "x" * _SIZE_OF_A_PATIENT})
    app.add_url_rule("/", "ready", lambda: Response(text, content_type="application/fhir+json"))
    return app


@contextmanager
def serving_bare() -> Iterator[Bare]:
    """Serve it while the block runs, as `cpar serve` does it."""
    port = free_port()
    options = {"bind": f"127.0.0.1:{port}", "worker-class": "gthread", "threads": THREADS, "keep-alive": KEPT_SECONDS}
    given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    program = [sys.executable, "-m", "gunicorn", *given, "--no-control-socket", "benchmarks.bare:bare()"]
    with subprocess.Popen(program, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(port, process)
            yield Bare(port, process.pid)
        finally:
            process.terminate()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    while True:
        assert process.poll() is None, "the server has ended"
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except OSError:
            sleep(0.05)
        finally:
            connection.close()
