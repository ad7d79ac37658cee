"""`cpar serve`: the embedded EMR with its scheduler, in one process."""

import click

from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.gate import THREADS, Gate
from cpar_plugin.host_kit.keep_alive import KEPT_SECONDS, AnnounceKeepAlive
from cpar_plugin.host_kit.lifecycle import add_lifecycle, post_worker_init, worker_exit
from cpar_plugin.host_kit.one_process import OneProcess

from ..host import OscarHost, from_environment
from ..migrate import installed_plugins
from .app import create_app

_FOR_TRYING_OUT = (
    "cpar serve is for trying out: there is nothing before it that keeps slow and half requests from holding it up. "
    "For a clinic's network put nginx or another proxy that buffers before it."
)


@click.command("serve")
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
def command(address: str, port: int) -> None:
    """Run the embedded EMR until it is stopped with Ctrl-C. For testing, on this machine only."""
    click.echo(_FOR_TRYING_OUT, err=True)
    with from_environment() as host:
        serve(host, installed_plugins(host), address=address, port=port)


def serve(host: OscarHost, plugins: Plugins, *, address: str, port: int) -> None:
    """Serve until a signal ends it. One process: its scheduler runs in it, and its threads share the throttle."""
    app = create_app(host, plugins)
    add_lifecycle(app, plugins, host)
    app.wsgi_app = AnnounceKeepAlive(Gate(app.wsgi_app))  # type: ignore[method-assign]
    OneProcess(
        lambda: app,
        "The EMR",
        f"{address}:{port}",
        THREADS,
        keepalive=KEPT_SECONDS,
        post_worker_init=post_worker_init,
        worker_exit=worker_exit,
    ).run()
