"""`cpar fleet beat`."""

import signal
from threading import Event

import click

from ..clinics import Clinics
from ..settings import from_environment
from . import process_log
from .beat import Beat
from .engine import Engine


@click.command("beat")
def command() -> None:
    """Ask the fleet's clinics what is due, and give it to the workers, until SIGTERM. Several may run."""
    file, stopping = from_environment(), Event()
    with process_log.with_its_end(file.fleet):
        engine = Engine(Clinics(file))
    process_log.decide(file.fleet)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    Beat(engine).run(stopping)
