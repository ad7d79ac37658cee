"""A night of many panels by `cpar run-due`: against the processor time that it needs, and with a slow registry."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import click
import psutil
from sqlalchemy import func, select, update

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.store import tables
from oscar_host.demo.registry.process import running
from oscar_host.host import OscarHost

from .answering import answering_registry
from .big_clinic import empty_hosts, fill, join, more_panels, place

PANELS, MEMBERS, PANELS_AT_ONCE, DELAY = 40, 1000, 16, 0.5
_BUSY, _WAITING = 1.3, 1.15
# Of the demonstration's clinic: its panels with all of its patients, and as it is set.
_DEMO_PANELS, _DEMO_MEMBERS, _DEMO_AT_ONCE, _DEMO_NIGHTS = 3, 1666, 4, 3
_DEMO = 1.15


def main(panels: int = PANELS, members: int = MEMBERS) -> None:
    """Print four lines for each database: the ratio, and what it should be at most."""
    processors = len(os.sched_getaffinity(0))
    with empty_hosts() as hosts:
        for _, host in hosts:
            _fill(host, panels, members)
            with answering_registry(0) as url:
                _night(host, url, "2026-12-07T03:20", panels)  # the first has nothing to compare with
                seconds, busy = _night(host, url, "2027-01-07T03:20", panels)
            with answering_registry(DELAY) as url:
                waiting, _ = _night(host, url, "2027-02-07T03:20", panels)
            with TemporaryDirectory(prefix="cpar-bench-") as folder, running(Path(folder)) as registry:
                checking, _ = _night(host, registry.fhir_url, "2027-03-07T03:20", panels)
            what = f"a night of {panels} panels of {members}, {PANELS_AT_ONCE} at a time, {place(host)}:"
            click.echo(
                f"{what} {seconds * processors / busy:.2f} x what its processor time takes on {processors} processors "
                f"({seconds:.1f} s : {busy / processors:.1f} s; aim: at most {_BUSY:g} x)"
            )
            click.echo(
                f"{what} with a registry that answers after {DELAY:g} s {waiting / seconds:.2f} x as long as with one "
                f"that answers at once ({waiting:.1f} s : {seconds:.1f} s; aim: at most {_WAITING:g} x)"
            )
            click.echo(
                f"{what} with the registry of the demonstration, which checks here, {checking / seconds:.2f} x as long "
                f"({checking:.1f} s : {seconds:.1f} s), and {checking / waiting:.2f} x as long as with the slow one"
            )

    demonstration()


def demonstration(panels: int = _DEMO_PANELS, members: int = _DEMO_MEMBERS) -> None:
    """Print for each database how long a night of the demonstration's clinic takes with the demonstration's registry,
    which checks on this machine, and with those that accept: in turn, the least of some nights each.
    """
    with empty_hosts() as hosts:
        for _, host in hosts:
            _fill(host, panels, members)
            nights = [f"20{year}-{month:02}-07T03:20" for year in (27, 28) for month in range(1, 13)]
            following = iter(nights)

            def seconds(url: str) -> float:
                return _night(host, url, next(following), panels, _DEMO_AT_ONCE)[0]  # noqa: B023

            with (
                TemporaryDirectory(prefix="cpar-bench-") as folder,
                running(Path(folder)) as registry,
                answering_registry(0) as at_once,
                answering_registry(DELAY) as later,
            ):
                seconds(at_once)  # the first has nothing to compare with
                rounds = [[seconds(url) for url in (registry.fhir_url, at_once, later)] for _ in range(_DEMO_NIGHTS)]
            checking, accepting, waiting = map(min, zip(*rounds, strict=True))
            click.echo(
                f"a night of the demonstration's size, {panels} panels of {members}, {place(host)}: with its registry "
                f"{checking / waiting:.2f} x as long as with one that accepts after {DELAY:g} s, "
                f"{checking / accepting:.2f} x as long as with one that accepts at once "
                f"({checking:.1f} s : {waiting:.1f} s : {accepting:.1f} s; aim: at most {_DEMO:g} x)"
            )


def _fill(host: OscarHost, panels: int, members: int) -> None:
    """Panels with as many members each."""
    fill(host, panels * members)
    more_panels(host, panels)
    join(host, range(1, panels * members + 1))
    with host.database.writing() as connection:
        spread = 1 + (tables.member.c.patient_id - 1) / members
        connection.execute(update(tables.member).values(panel_id=func.floor(spread)))


def _night(
    host: OscarHost, url: str, moment: str, panels: int, panels_at_once: int = PANELS_AT_ONCE
) -> tuple[float, float]:
    """Seconds by the clock, and of processors in all processes of this machine that take part.

    Raises AssertionError unless each panel is delivered in it.
    """
    settings = {
        "database_url": host.database.engine.url.render_as_string(hide_password=False),
        "host_schema": host.tables.demographic.schema or "",
        "now": moment,
        "transport": "fhir",
        "registry_url": url,
        "panels_at_once": str(panels_at_once),
    }
    environment = os.environ | {f"CPAR_{name.upper()}": value for name, value in settings.items()}
    delivered_before = _delivered(host)
    start, before = perf_counter(), processor_seconds()
    program = str(Path(sys.executable).with_name("cpar"))
    subprocess.run([program, "run-due"], env=environment, check=True, stdout=subprocess.DEVNULL)
    seconds, busy = perf_counter() - start, processor_seconds() - before
    delivered = _delivered(host) - delivered_before
    assert delivered == panels, f"{delivered} of {panels} panels were delivered"
    return seconds, busy


def _delivered(host: OscarHost) -> int:
    """How many panels have been delivered, in all nights so far."""
    delivered = select(func.count()).where(tables.submission.c.state == SubmissionState.DELIVERED)
    with host.database.engine.connect() as connection:
        return connection.scalar(delivered) or 0


def processor_seconds() -> float:
    """Of our children: those that have ended, and those that are running, such as the database."""
    ended = os.times()
    running = psutil.Process().children(recursive=True)
    return ended.children_user + ended.children_system + sum(sum(child.cpu_times()[:4]) for child in running)


if __name__ == "__main__":
    main()
