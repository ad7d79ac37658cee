"""`cpar fleet worker`."""

import os
import socket
import sys

import click

from ..clinics import Clinics
from ..settings import from_environment
from . import process_log, queues
from .engine import Engine
from .known_servers import KnownServers
from .places import ClinicPlaces

# While one process waits for the registry another prepares the next panel.
_PROCESSES_EACH = 2


@click.command("worker")
@click.option("--processes", type=click.IntRange(1, 64), help="How many panels at a time; two a processor by default.")
@click.option(
    "--queue", "names", multiple=True, type=click.Choice(queues.ALL), help="This one only; may be given several times."
)
def command(processes: int | None, names: tuple[str, ...]) -> None:
    """Work for the fleet's clinics until SIGTERM: what is in hand then is finished, all else is left to others."""
    count = processes or _PROCESSES_EACH * len(os.sched_getaffinity(0))
    file = from_environment()
    with process_log.with_its_end(file.fleet):
        clinics = Clinics(file)
        servers = KnownServers(count, file.fleet.ask_minutes * 60)
        engine = Engine(clinics, ClinicPlaces(count, file.fleet.clinic_panels_at_once), servers)
    process_log.decide(file.fleet)
    worker = engine.app.Worker(
        hostname=f"cpar-{os.getpid()}@{socket.gethostname()}",
        pool="prefork",
        concurrency=count,
        queues=names or queues.ALL,
        optimization="fair",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    worker.start()
    sys.exit(worker.exitcode)
