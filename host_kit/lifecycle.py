"""What a process that serves an application does besides: plugins and their jobs begin, and end with it."""

import logging

from flask import Flask
from gunicorn.workers.base import Worker

from cpar_plugin.hooks import Host, Plugins

from .leadership import Leadership
from .scheduler import Scheduler

log = logging.getLogger(__name__)

_LIFECYCLE = "emr_lifecycle"
_NOT_STARTED = (
    "Nothing has started this process: let gunicorn use the settings `post_worker_init` and `worker_exit` of "
    "cpar_plugin.host_kit.lifecycle."
)


class Lifecycle:
    """Begins with a process and ends with it; never before a fork, which threads and connections do not survive.

    Of the processes that are forked after it was made, one at a time runs the jobs.
    """

    def __init__(self, plugins: Plugins, host: Host) -> None:
        self._plugins = plugins
        self._host = host
        self._leadership = Leadership()
        self._scheduler: Scheduler | None = None

    def start(self) -> None:
        """Let plugins begin, then start their jobs, or wait until the process that runs them ends. Returns at once.

        A second call does nothing.
        """
        if self._scheduler is None:
            self._scheduler = Scheduler(self._plugins, self._host, self._leadership)
            self._plugins.emr_startup(self._host)
            self._scheduler.start()

    def stop(self) -> None:
        """End in the opposite order, after the jobs that are running, and close connections."""
        if self._scheduler is not None:
            self._scheduler.stop()
            self._plugins.emr_shutdown(self._host)
            self._scheduler = None
        self._host.database.engine.dispose()

    def require(self) -> None:
        """Raises RuntimeError in a process that no one has started, which would never submit anything."""
        if self._scheduler is None:
            log.error(_NOT_STARTED)
            raise RuntimeError(_NOT_STARTED)


def add_lifecycle(app: Flask, plugins: Plugins, host: Host) -> None:
    """Tie plugins and their jobs to the processes that serve the application: it answers in no others."""
    app.extensions[_LIFECYCLE] = lifecycle = Lifecycle(plugins, host)
    app.before_request(lifecycle.require)
    host.database.engine.dispose()  # connections of before do not survive a fork


def post_worker_init(worker: Worker) -> None:
    """For gunicorn's setting of this name."""
    worker.wsgi.extensions[_LIFECYCLE].start()


def worker_exit(_: object, worker: Worker) -> None:
    """For gunicorn's setting of this name."""
    if hasattr(worker, "wsgi"):  # it has none where the application could not be made
        worker.wsgi.extensions[_LIFECYCLE].stop()
