"""`cpar fleet night`: the night's page and metrics, served until it is stopped."""

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from cpar_plugin.host_kit import zone_rules
from cpar_plugin.host_kit.clock import SystemClock
from cpar_plugin.host_kit.server_log import WithoutRequests

from ..clinics import Clinics
from ..settings import from_environment
from .access import is_loopback_address
from .pages import create_app
from .readings import NightReadings

_THREADS = 4


@click.command("night")
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8090, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option(
    "--proxy",
    default="",
    metavar="ADDRESS",
    help="Answer this proxy alone, and only where it has verified a client certificate (X-Client-Verify: SUCCESS).",
)
def command(address: str, port: int, proxy: str) -> None:
    """Serve the page of the night, and /metrics for Prometheus, until Ctrl-C. No clinic's account opens it."""
    if not proxy and not is_loopback_address(address):
        raise click.UsageError(
            "Without --proxy it is served on this machine alone: use --address 127.0.0.1, or name the proxy that "
            "verifies client certificates."
        )
    readings = NightReadings(Clinics(from_environment()), SystemClock(zone_rules.zone()))
    _NightServer(readings, f"[{address}]:{port}" if ":" in address else f"{address}:{port}", proxy).run()


def _say_where(arbiter: Arbiter) -> None:
    """Print the address once it listens: with port 0 no one else knows it."""
    for listener in arbiter.LISTENERS:
        click.echo(f"The night: {listener}/ Press Ctrl+C to stop it.")


class _NightServer(BaseApplication):  # type: ignore[misc]
    """One process, whose threads share what has been read."""

    def __init__(self, readings: NightReadings, bind: str, proxy: str) -> None:
        self._readings = readings
        self._bind = bind
        self._proxy = proxy
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": self._bind,
            "workers": 1,
            "worker_class": "gthread",
            "threads": _THREADS,
            "loglevel": "warning",
            "control_socket_disable": True,
            "logger_class": WithoutRequests,
            "when_ready": _say_where,
            "post_worker_init": self._begin,
            "worker_exit": self._end,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def _begin(self, worker: Worker) -> None:
        self._readings.start()

    def _end(self, arbiter: Arbiter, worker: Worker) -> None:
        self._readings.stop()

    def load(self) -> Flask:
        return create_app(self._readings, proxy=self._proxy)
