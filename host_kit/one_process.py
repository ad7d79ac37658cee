"""gunicorn with one process of threads that share what they know, without a proxy or a configuration file before it."""

from collections.abc import Callable
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from .server_log import WithoutRequests


class OneProcess(BaseApplication):  # type: ignore[misc]
    """Serves what `load_app` returns. `name`: what its address is printed with, once it listens.

    `more` are settings of gunicorn's.
    """

    def __init__(self, load_app: Callable[[], Flask], name: str, bind: str, threads: int, **more: Any) -> None:
        self._load_app = load_app
        self._name = name
        self._options = {"bind": bind, "threads": threads, **more}
        super().__init__()

    def load_config(self) -> None:
        """Without requests in its log, whose addresses may hold patient data."""
        options = {
            "workers": 1,
            "worker_class": "gthread",
            "loglevel": "warning",
            "control_socket_disable": True,
            "logger_class": WithoutRequests,
            "when_ready": self._say_where,
            **self._options,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application."""
        return self._load_app()

    def _say_where(self, arbiter: Arbiter) -> None:
        for listener in arbiter.LISTENERS:  # with port 0 no one else knows it
            click.echo(f"{self._name}: {listener}/ Press Ctrl+C to stop it.")
