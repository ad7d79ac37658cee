"""A night of many panels by `cpar run-due`: against the processor time that it needs, and with a slow registry."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter, sleep

import click
import psutil
from sqlalchemy import func, select, update

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from .big_clinic import empty_hosts, fill, join, more_panels

PANELS, MEMBERS, PANELS_AT_ONCE, DELAY = 40, 1000, 8, 0.5
_BUSY, _WAITING = 1.3, 1.15
_FULL_URL = b'"fullUrl":'
_ACCEPTED = b'{"response":{"status":"200"}}'


def main(panels: int = PANELS, members: int = MEMBERS) -> None:
    """Print two lines for each database: the ratio, and what it should be at most."""
    processors = len(os.sched_getaffinity(0))
    with empty_hosts() as hosts:
        for name, host in hosts:
            fill(host, panels * members)
            more_panels(host, panels)
            join(host, range(1, panels * members + 1))
            with host.database.writing() as connection:
                spread = 1 + (tables.member.c.patient_id - 1) / members
                connection.execute(update(tables.member).values(panel_id=func.floor(spread)))
            with _registry(0) as url:
                _night(host, url, "2026-11-07T03:20", panels)  # the first has nothing to compare with
                seconds, busy = _night(host, url, "2026-12-07T03:20", panels)
            with _registry(DELAY) as url:
                waiting, _ = _night(host, url, "2027-01-07T03:20", panels)
            what = f"a night of {panels} panels of {members}, {PANELS_AT_ONCE} at a time, {name}:"
            click.echo(
                f"{what} {seconds * processors / busy:.2f} x what its processor time takes on {processors} processors "
                f"({seconds:.1f} s : {busy / processors:.1f} s; aim: at most {_BUSY:g} x)"
            )
            click.echo(
                f"{what} with a registry that answers after {DELAY:g} s {waiting / seconds:.2f} x as long as with one "
                f"that answers at once ({waiting:.1f} s : {seconds:.1f} s; aim: at most {_WAITING:g} x)"
            )


def _night(host: OscarHost, url: str, moment: str, panels: int) -> tuple[float, float]:
    """Seconds by the clock, and of processors in all processes of this machine that take part."""
    settings = {
        "database_url": host.database.engine.url.render_as_string(hide_password=False),
        "host_schema": host.tables.demographic.schema or "",
        "now": moment,
        "transport": "fhir",
        "registry_url": url,
        "panels_at_once": str(PANELS_AT_ONCE),
    }
    environment = os.environ | {f"CPAR_{name.upper()}": value for name, value in settings.items()}
    start, before = perf_counter(), _processor_seconds()
    program = str(Path(sys.executable).with_name("cpar"))
    subprocess.run([program, "run-due"], env=environment, check=True, stdout=subprocess.DEVNULL)
    seconds, busy = perf_counter() - start, _processor_seconds() - before
    with host.database.engine.connect() as connection:
        delivered = select(func.count()).where(tables.submission.c.state == SubmissionState.DELIVERED)
        assert (connection.scalar(delivered) or 0) % panels == 0
    return seconds, busy


def _processor_seconds() -> float:
    """Of our children: those that have ended, and those that are running, such as the database."""
    ended = os.times()
    running = psutil.Process().children(recursive=True)
    return ended.children_user + ended.children_system + sum(sum(child.cpu_times()[:4]) for child in running)


@contextmanager
def _registry(delay: float) -> Iterator[str]:
    """The address of one that reads each submission, and accepts every entry after so many seconds."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_answering, args=(theirs, delay), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{ours.recv()}"
    process.terminate()
    process.join()


def _answering(says: Connection, delay: float) -> None:
    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sleep(delay)
            entries = b",".join([_ACCEPTED] * body.count(_FULL_URL))
            answer = b'{"resourceType":"Bundle","type":"transaction-response","entry":[' + entries + b"]}"
            self.send_response(200)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        says.send(server.server_port)
        server.serve_forever()


if __name__ == "__main__":
    main()
