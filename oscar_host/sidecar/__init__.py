"""The application alongside a running OSCAR, as gunicorn serves it:

`gunicorn --config python:oscar_host.sidecar.gunicorn_settings 'oscar_host.sidecar:app()'`.
"""

import subprocess
import sys

from flask import Flask

from cpar_plugin.hooks import Plugins, Refused
from cpar_plugin.host_kit.gate import Gate
from cpar_plugin.host_kit.lifecycle import add_lifecycle

from ..host import from_environment
from .app import create_app


def app() -> Flask:
    """The application, as the environment describes it. Jobs run in one of gunicorn's workers at a time.

    Brings the plugins' tables up to date. Raises Refused that says what to set. When a worker ends, its scheduler stops
    first, after the ticks that are running, then what plugins do in the background; then connections are closed.
    """
    host = from_environment()
    _upgrade()
    plugins = Plugins()
    plugins.load_installed()
    application = create_app(host, plugins)
    add_lifecycle(application, plugins, host)
    application.wsgi_app = Gate(application.wsgi_app)  # type: ignore[method-assign]
    return application


def _upgrade() -> None:
    """In a process of its own: Alembic, with what it imports, would stay in the memory of a server that stays."""
    migrate = [sys.executable, "-m", "oscar_host.migrate"]
    if subprocess.run(migrate, stdout=subprocess.DEVNULL).returncode:  # noqa: S603
        raise Refused({"database_url": "The tables were not created or updated: see the message before this one."})
