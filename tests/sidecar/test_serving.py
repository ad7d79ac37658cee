"""The worker that gunicorn has alongside an OSCAR: few requests at a time, and none that keeps all others waiting."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from cpar_plugin.host_kit.serving import AT_A_TIME

from ..waiting import PATIENCE, wait_until

_APPLICATION = """
import os, time

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/until/"):
        open(path.removeprefix("/until") + ".begun", "w").close()
        while not os.path.exists(path.removeprefix("/until")):
            time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
LONG = 3 * AT_A_TIME


class Server:
    """gunicorn with one worker of ours, at a socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "small.py").write_text(_APPLICATION)
        options = ["--worker-class", "cpar_plugin.host_kit.serving.FewAtATime", "--threads", str(LONG + AT_A_TIME)]
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--no-control-socket", "--bind", f"unix:{folder}/s"),
                *(*options, "small:application"),
            ],
            cwd=folder,
            stderr=subprocess.DEVNULL,
        )

    def connected(self, path: str) -> socket.socket:
        """A connection on which this is asked, and nothing read."""
        end = time.monotonic() + PATIENCE
        while True:
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(PATIENCE)
            try:
                client.connect(f"{self.folder}/s")
            except OSError:
                client.close()
                assert time.monotonic() < end
                assert self.process.poll() is None
                time.sleep(0.05)
            else:
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
                return client

    def ask(self, path: str) -> bytes:
        with closing(self.connected(path)) as client:
            return b"".join(iter(lambda: client.recv(4096), b""))

    def until(self, name: str) -> str:
        """The path of a request that lasts until `let_go`."""
        return f"/until{self.folder}/{name}"

    def let_go(self, name: str) -> None:
        (self.folder / name).touch()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.let_go("end")
    server.process.terminate()
    server.process.wait(PATIENCE)


def test_requests_that_last_keep_no_other_waiting(server: Server) -> None:
    with ThreadPoolExecutor(LONG) as pool:
        lasting = [pool.submit(server.ask, server.until("end")) for _ in range(LONG)]
        for _ in range(10):
            assert server.ask("/").endswith(b"ok")
        assert not any(one.done() for one in lasting)
        server.let_go("end")
        assert all(one.result(PATIENCE).endswith(b"ok") for one in lasting)


def test_clients_that_keep_their_side_open_keep_no_other_waiting(server: Server) -> None:
    with ExitStack() as stack:
        for _ in range(LONG):
            stack.enter_context(closing(server.connected("/"))).recv(4096)
        began = time.monotonic()
        assert server.ask("/").endswith(b"ok")
        assert time.monotonic() - began < LONG  # gunicorn waits two seconds for each such client


def test_what_has_begun_is_finished_before_the_worker_ends(server: Server) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert server.ask("/").endswith(b"ok")
        under_way = pool.submit(server.ask, server.until("end"))
        wait_until(server.folder.joinpath("end.begun").exists)
        os.kill(server.process.pid, signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(1)
        server.let_go("end")
        assert under_way.result(PATIENCE).endswith(b"ok")
        assert server.process.wait(PATIENCE) == 0
