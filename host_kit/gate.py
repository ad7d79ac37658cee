"""How many requests are worked on at a time. Others wait their turn, and too many get an immediate answer to retry.

A server of threads has a queue without an end behind them: there it works on pages that no one is waiting for, while
those who wait see nothing. Here a request whose caller has hung up is dropped when its turn comes.
"""

import socket
import time
from collections.abc import Iterable
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final

from flask import request
from werkzeug.wsgi import ClosingIterator

from cpar_plugin.hooks import HostBusy

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

AT_ONCE: Final = 10  # of a process; each has a connection to the database, of which there are 15
WAITING: Final = 30
# Of the server: those who work and wait, and as many more for answers to retry.
THREADS: Final = AT_ONCE + WAITING + 24
_SECONDS: Final = 10
_LOOK_SECONDS: Final = 0.25
_BUSY: Final = "cpar_plugin.host_kit.busy"
_CHANGE_NOTHING: Final = ("GET", "HEAD")


class Gate:
    """Around an application of `new_application`, which answers those that are refused."""

    def __init__(
        self,
        application: "WSGIApplication",
        *,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
        seconds: float = _SECONDS,
    ) -> None:
        self._application = application
        self._places = BoundedSemaphore(at_once)
        self._queue = BoundedSemaphore(waiting)
        self._seconds = seconds

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer, hold the place until the last byte of the answer has been taken."""
        if not self._places.acquire(blocking=False) and not self._turn_comes(environ):
            environ[_BUSY] = True
            return self._application(environ, start_response)
        try:
            if _has_hung_up(environ):
                start_response("503 Service Unavailable", [("Content-Length", "0")])
                answer: Iterable[bytes] = ()
            else:
                answer = self._application(environ, start_response)
        except BaseException:
            self._places.release()
            raise
        return ClosingIterator(answer, self._places.release)

    def _turn_comes(self, environ: "WSGIEnvironment") -> bool:
        if not self._queue.acquire(blocking=False):
            return False
        try:
            end = time.monotonic() + self._seconds
            while time.monotonic() < end and not _has_hung_up(environ):
                if self._places.acquire(timeout=_LOOK_SECONDS):
                    return True
            return False
        finally:
            self._queue.release()


def is_turned_away(environ: "WSGIEnvironment") -> bool:
    """Whether a gate hands this request on only to have it refused."""
    return bool(environ.get(_BUSY))


def turn_away() -> None:
    """Before a request of an application behind the gate. Raises HostBusy for one whose turn has not come."""
    if is_turned_away(request.environ):
        raise HostBusy


def _has_hung_up(environ: "WSGIEnvironment") -> bool:
    """Whether no one is waiting for the answer: nginx hangs up when the browser does. A change always counts
    as waited for, as it may have been sent by someone who closed the window right after.
    """
    caller = environ.get("gunicorn.socket")
    if caller is None or environ["REQUEST_METHOD"] not in _CHANGE_NOTHING:
        return False
    try:
        return not caller.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except ValueError:  # TLS of gunicorn's own, through which no one can look
        return False
    except OSError:
        return True
