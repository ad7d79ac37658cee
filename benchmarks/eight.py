"""Several connections that ask a server one request after the other, and what it takes of the processor."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from itertools import repeat
from pathlib import Path
from threading import Lock
from typing import Final

import psutil
from sqlalchemy import text

from oscar_host.host import OscarHost

CONNECTIONS: Final = 8


def processes_of(*parents: int) -> list[psutil.Process]:
    """These processes with all that they have begun."""
    return [each for pid in parents for each in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))]


def database_process(host: OscarHost) -> list[int]:
    """The process of MariaDB; none of SQLite, which works within ours."""
    if host.database.engine.dialect.name == "sqlite":
        return []
    with host.database.engine.connect() as connection:
        folder, name = connection.execute(text("SELECT @@datadir, @@pid_file")).one()
    return [int(Path(folder, name).read_text(encoding="ascii"))]


def milliseconds(
    port: int, token: str, addresses: Sequence[str], processes: Sequence[psutil.Process], connections: int = CONNECTIONS
) -> float:
    """Of the processor, user and system, that these processes take for one of these requests."""
    waiting, lock = iter(addresses), Lock()
    before = _seconds(processes)
    with ThreadPoolExecutor(connections) as pool:
        for done in [pool.submit(_ask, port, token, waiting, lock) for _ in repeat(None, connections)]:
            done.result()
    return (_seconds(processes) - before) / len(addresses) * 1000


def _ask(port: int, token: str, waiting: Iterator[str], lock: Lock) -> None:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
    with ExitStack() as open_:
        connection = HTTPConnection("127.0.0.1", port, timeout=300)
        open_.callback(connection.close)
        while True:
            with lock:
                address = next(waiting, None)
            if address is None:
                return
            connection.request("GET", address, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, (answer.status, body)


def _seconds(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in processes)
