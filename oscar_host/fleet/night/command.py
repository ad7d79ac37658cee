"""`cpar fleet night`: the night's page and metrics, served until it is stopped."""

import click

from cpar_plugin.host_kit import zone_rules
from cpar_plugin.host_kit.clock import SystemClock
from cpar_plugin.host_kit.one_process import OneProcess

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
    OneProcess(
        lambda: create_app(readings, proxy=proxy),
        "The night",
        f"[{address}]:{port}" if ":" in address else f"{address}:{port}",
        _THREADS,
        post_worker_init=lambda _: readings.start(),
        worker_exit=lambda _, __: readings.stop(),
    ).run()
