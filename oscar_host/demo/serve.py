"""`cpar serve`: the embedded EMR with its scheduler, in one process."""

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.gate import THREADS, Gate
from cpar_plugin.host_kit.keep_alive import KEPT_SECONDS, AnnounceKeepAlive
from cpar_plugin.host_kit.lifecycle import add_lifecycle, post_worker_init, worker_exit
from cpar_plugin.host_kit.server_log import WithoutRequests

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
    _Server(app, f"{address}:{port}").run()


def _say_where(arbiter: Arbiter) -> None:
    """Print the address once it listens: with port 0 no one else knows it."""
    for listener in arbiter.LISTENERS:
        click.echo(f"The EMR: {listener}/ Press Ctrl+C to stop it.")


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, app: Flask, bind: str) -> None:
        self._app = app
        self._bind = bind
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": self._bind,
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "keepalive": KEPT_SECONDS,
            "loglevel": "warning",
            "control_socket_disable": True,
            "logger_class": WithoutRequests,
            "when_ready": _say_where,
            "post_worker_init": post_worker_init,
            "worker_exit": worker_exit,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app
