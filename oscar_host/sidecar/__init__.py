"""The application alongside a running OSCAR, as gunicorn serves it:

`gunicorn --config python:oscar_host.sidecar.gunicorn_settings 'oscar_host.sidecar:app()'`.
"""

from flask import Flask

from cpar_plugin.host_kit.gate import Gate
from cpar_plugin.host_kit.lifecycle import add_lifecycle

from ..host import from_environment
from ..migrate import installed_plugins
from .app import create_app


def app() -> Flask:
    """The application, as the environment describes it. Its jobs run in each of gunicorn's workers, `--preload` or not.

    Brings the plugins' tables up to date. Raises Refused that says what to set. When a worker ends, its scheduler stops
    first, after the ticks that are running, then what plugins do in the background; then connections are closed.
    """
    host = from_environment()
    plugins = installed_plugins(host)
    application = create_app(host, plugins)
    add_lifecycle(application, plugins, host)
    application.wsgi_app = Gate(application.wsgi_app)  # type: ignore[method-assign]
    return application
