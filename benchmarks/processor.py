"""Processor time of this process and of the private MariaDB that it uses: other load of the machine is not in it."""

from collections.abc import Callable
from time import process_time

import psutil

from oscar_host.host import OscarHost


class Processor:
    """What is needed by work on a host's database. The server counts in hundredths of a second."""

    def __init__(self, host: OscarHost) -> None:
        """Of one private server at a time: of the socket that the host is connected to."""
        socket = host.database.engine.url.query.get("unix_socket")
        self._server = _server(str(socket)) if socket else None

    def seconds(self, work: Callable[[], object], times: int = 1) -> float:
        """What the work takes once, done so many times."""
        start = self._now()
        for _ in range(times):
            work()
        return (self._now() - start) / times

    def _now(self) -> float:
        server = sum(self._server.cpu_times()[:2]) if self._server else 0
        return process_time() + server


def _server(socket: str) -> psutil.Process:
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "mariadbd" and f"--socket={socket}" in (process.info["cmdline"] or ()):
            return process
    raise LookupError(f"No server has the socket {socket}")
