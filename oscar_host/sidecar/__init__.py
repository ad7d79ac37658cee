"""The application beside a running OSCAR, as gunicorn serves it:

`gunicorn --config python:oscar_host.sidecar.gunicorn_settings 'oscar_host.sidecar:app()'`.
"""

import atexit
import threading

from flask import Flask

from cpar_plugin.host_kit.gate import Gate
from cpar_plugin.host_kit.scheduler import Scheduler

from ..host import from_environment
from ..migrate import installed_plugins
from .app import create_app


def app() -> Flask:
    """The application with its scheduler, as the environment describes it. For each worker: not with `--preload`.

    Brings the plugins' tables up to date. Raises Refused that says what to set. When the worker ends, its scheduler
    stops first, after the ticks that are running, and then its connections are closed.
    """
    host = from_environment()
    atexit.register(host.close)  # what registers later, as the plugin's own threads do, is called before
    plugins = installed_plugins(host)
    application = create_app(host, plugins)
    application.wsgi_app = Gate(application.wsgi_app)  # type: ignore[method-assign]
    scheduler = Scheduler(plugins, host)
    scheduler.start()
    # Called when the worker ends, before the pools of threads that ticks run in: `atexit` comes after these, while the
    # scheduler still has work for them.
    threading._register_atexit(scheduler.stop)  # type: ignore[attr-defined]
    return application
