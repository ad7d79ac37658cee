"""Lets workers know at once of what users have requested on pages; without it the beat would notice minutes later."""

import logging
import time
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from cpar_plugin.tracing import about, new_trace

from .settings import FleetSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger(__name__)

_PAUSE_SECONDS: Final = 1.0  # in which a clinic is named once, however often its pages are pressed
_PAGES: Final = "/submissions"


def may_request(environ: "WSGIEnvironment") -> bool:
    """Whether a request to a clinic's pages may want a panel submitted now: a Retry, or a release."""
    return environ.get("REQUEST_METHOD") == "POST" and _PAGES in environ.get("PATH_INFO", "")


class RequestedLooks:
    """Publishes looks at clinics from a thread of its own: a page never waits for the broker."""

    def __init__(self, fleet: FleetSettings) -> None:
        self._fleet = fleet
        self._names: SimpleQueue[str] = SimpleQueue()
        self._lock = Lock()
        self._thread: Thread | None = None

    def soon(self, clinic: str) -> None:
        """Let workers look at this clinic. Does nothing in a fleet without a broker."""
        if not self._fleet.broker_url:
            return
        self._names.put(clinic)
        with self._lock:
            if self._thread is None:  # not at start: the server forks after that
                self._thread = Thread(target=self._publish_all, name="cpar-requested", daemon=True)
                self._thread.start()

    def _publish_all(self) -> None:
        from .work.celery_app import celery_app, publish_look  # pages without workers need no Celery

        app = celery_app(self._fleet)
        while True:
            names = {self._names.get()}
            while not self._names.empty():
                names.add(self._names.get())
            for name in sorted(names):
                with about(trace=new_trace(), clinic=name) as subject:
                    try:
                        publish_look(app, name, subject.trace)
                    except Exception as error:  # the beat asks the clinic all the same
                        log.warning("clinic %s: workers were not called: %s", name, type(error).__name__)
            time.sleep(_PAUSE_SECONDS)
