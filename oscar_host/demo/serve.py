"""`cpar serve`: the embedded EMR with its scheduler, in one process."""

import atexit
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from cpar_plugin.hooks.plugins import Plugins
from cpar_plugin.host_kit.gate import THREADS, Gate
from cpar_plugin.host_kit.scheduler import Scheduler
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
    """Run the embedded EMR until it is stopped with Ctrl-C. It is for trying out, and for this machine alone."""
    click.echo(_FOR_TRYING_OUT, err=True)
    with from_environment() as host:
        serve(host, installed_plugins(host), address=address, port=port)


def serve(host: OscarHost, plugins: Plugins, *, address: str, port: int) -> None:
    """Serve until a signal ends it. One process: its scheduler runs in it, and its threads share the throttle."""
    app = create_app(host, plugins)
    app.wsgi_app = Gate(app.wsgi_app)  # type: ignore[method-assign]
    # Connections do not survive a fork.
    host.close()
    _Server(app, host, Scheduler(plugins, host), f"{address}:{port}").run()


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, app: Flask, host: OscarHost, scheduler: Scheduler, bind: str) -> None:
        self._app = app
        self._host = host
        self._scheduler = scheduler
        self._bind = bind
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": self._bind,
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "loglevel": "warning",
            "control_socket_disable": True,
            "logger_class": WithoutRequests,
            "post_worker_init": self._start,
            "worker_exit": self._stop,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app

    def _start(self, worker: Any) -> None:
        atexit.register(self._host.close)  # after whatever registers later
        self._scheduler.start()

    def _stop(self, server: Any, worker: Any) -> None:
        self._scheduler.stop()
