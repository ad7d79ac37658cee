"""The default installation, through nginx: the processor's time of a read and of a page, and the memory afterwards.

Two workers of gunicorn, at one connection and at eight. Each is asked in turn, and the least of the rounds counts, so
that whatever else runs here does not matter much.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import islice

import click
import psutil
from sqlalchemy import URL

from .big_clinic import empty_hosts, fill, join, place
from .installed import PATH, Installed, installed
from .pages import manager

MEMBERS, CONNECTIONS = 2_000, (1, 8)
MILLISECONDS, MEBIBYTES = 1.3, 200
_ROUNDS = 3
_READS, _PAGES = 300, 50


def main() -> None:
    """Print a line for a read and for a page at each number of connections, and one for the memory."""
    logging.disable(logging.WARNING)
    with empty_hosts() as hosts:
        for _, host in hosts:
            fill(host, MEMBERS)
            join(host, range(1, MEMBERS + 1))
            manager(host)
            server = _server(host.database.engine.url)
            with installed(host) as site:
                reads = [f"/fhir/Patient/{1 + at % MEMBERS}" for at in range(_READS)]
                works = {
                    "Patient read": (reads, {"Authorization": f"Bearer {site.token}"}, f"; aim: {MILLISECONDS:g}"),
                    "patient's box": ([f"{PATH}/patients/1/widget"] * _PAGES, {"Cookie": site.cookie}, ""),
                }
                for what, (paths, headers, aim) in works.items():
                    rounds = [[_used(site, server, paths, headers, at) for at in CONNECTIONS] for _ in range(_ROUNDS)]
                    for at, some in zip(CONNECTIONS, zip(*rounds, strict=True), strict=True):
                        ours, databases = (1000 * min(part) / len(paths) for part in zip(*some, strict=True))
                        click.echo(
                            f"{what} at {at} connections, {place(host)}: {ours + databases:.2f} ms of the processor "
                            f"(application {ours:.2f}, database {databases:.2f}{aim})"
                        )
                click.echo(
                    f"memory after traffic, {place(host)}: {site.mebibytes():.0f} MiB (aim: {MEBIBYTES} at most)"
                )


def _server(url: URL) -> psutil.Process | None:
    """The process of this private MariaDB; None for SQLite."""
    socket = url.query.get("unix_socket")
    servers = (process for process in psutil.process_iter() if socket and process.name() == "mariadbd")
    return next((server for server in servers if any(str(socket) in text for text in server.cmdline())), None)


def _used(
    site: Installed, server: psutil.Process | None, paths: Sequence[str], headers: dict[str, str], connections: int
) -> tuple[float, float]:
    """Seconds of the processor, the application's and the database's."""

    def database() -> float:
        return float(sum(server.cpu_times()[:2])) if server else 0.0

    def ask(first: int) -> None:
        connection = HTTPConnection("127.0.0.1", site.port, timeout=300)
        for path in islice(paths, first, None, connections):
            connection.request("GET", path, headers={"Host": "emr.example", **headers})
            answer = connection.getresponse()
            assert answer.read()
            assert answer.status == 200, answer.status
        connection.close()

    ours, theirs = site.cpu_seconds(), database()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(ask, range(connections)))
    return site.cpu_seconds() - ours, database() - theirs


if __name__ == "__main__":
    main()
