"""The application beside a running OSCAR: `gunicorn 'oscar_host.neighbour:app()'`."""

import atexit

from flask import Flask

from ..host import from_environment
from ..migrate import installed_plugins
from ..scheduler import Scheduler
from .app import create_app


def app() -> Flask:
    """The application with its scheduler, as the environment describes it. For each worker: not with `--preload`.

    Brings the plugins' tables up to date. Raises Refused that says what to set.
    """
    host = from_environment()
    plugins = installed_plugins(host)
    application = create_app(host, plugins)
    scheduler = Scheduler(plugins, host)
    scheduler.start()
    atexit.register(scheduler.stop)
    return application
