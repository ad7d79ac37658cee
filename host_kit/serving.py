"""The worker of gunicorn for an application behind a proxy that buffers: few threads work at a time, and one that
works for long makes way for another.

Threads that all work at once wait for Python's one lock after each question to the database, which takes more of the
processor than the requests do. One thread alone would keep everybody waiting behind an export.
"""

import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

from gunicorn.workers.sync import SyncWorker

# For each listener. Reads that are under way together share one commit of their records: measured in decision 106.
AT_A_TIME: Final = 8
MAKES_WAY_SECONDS: Final = 0.025
_LOOK_SECONDS: Final = 1.0  # for a stop, where there is nothing to do
_CALM_SECONDS: Final = 0.5  # without a request, until no one looks after them


class FewAtATime(SyncWorker):  # type: ignore[misc]
    """gunicorn's setting `worker_class`. `threads` is how many requests may be under way, those that last included.

    Each connection is closed after its answer, as nginx has it.
    """

    alive: bool
    asleep: bool

    def run(self) -> None:
        """Until the worker is to stop: then what has begun is finished, for gunicorn's `graceful_timeout` at most."""
        self.asleep = False
        listeners = [_Listener(self, listener) for listener in self.sockets]
        while self.alive and self.is_parent_alive():
            self.notify()
            end = monotonic() + _LOOK_SECONDS
            while self.alive and monotonic() < end:
                self._look_after(listeners, end)
        self.alive = False
        end = monotonic() + self.cfg.graceful_timeout
        for listener in listeners:
            listener.finish(end, self.notify)

    def begun(self) -> None:
        """A request has begun."""
        if self.asleep:
            self.asleep = False
            os.write(self.PIPE[1], b".")

    def _look_after(self, listeners: "list[_Listener]", end: float) -> None:
        self.asleep = monotonic() - max(listener.last_began for listener in listeners) > _CALM_SECONDS
        for listener in listeners:  # after what is above, or one that begins now would be looked after late
            listener.make_way()
        seconds = max(0.0, end - monotonic()) if self.asleep else MAKES_WAY_SECONDS
        if select.select(self.PIPE[:1], [], [], seconds)[0]:
            os.read(self.PIPE[0], 64)


class _Request:
    """What one thread works on: since when, and whether it has one of the places for few."""

    __slots__ = ("began", "has_place")

    def __init__(self) -> None:
        self.began: float | None = None
        self.has_place = False


class _Listener:
    """A listening socket with the threads that answer its requests."""

    def __init__(self, worker: FewAtATime, listener: Any) -> None:
        self.last_began = 0.0
        self._worker = worker
        self._listener = listener
        self._lock = threading.Lock()
        self._places = threading.Semaphore(AT_A_TIME)
        self._requests: list[_Request] = []
        self._threads: list[threading.Thread] = []
        self._idle = 0
        # Of threads that wait in `accept` the system wakes one for a connection, of those that wait for a socket to be
        # ready all. It returns each second, for a stop.
        listener.setblocking(True)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(_LOOK_SECONDS), 0))
        for _ in range(AT_A_TIME):
            self._start()

    def make_way(self) -> None:
        """Give the places of those that have worked for long to others."""
        if not self._requests:
            return
        before = monotonic() - MAKES_WAY_SECONDS
        with self._lock:
            for request in self._requests:
                if request.has_place and request.began is not None and request.began < before:
                    request.has_place = False
                    self._places.release()
                    if not self._idle and len(self._threads) < self._worker.cfg.threads:
                        self._start()

    def finish(self, end: float, still_there: Callable[[], None]) -> None:
        """Wait for the threads: for what they have begun."""
        for _ in self._threads:
            self._places.release()
        for thread in self._threads:
            while thread.is_alive() and monotonic() < end:
                still_there()
                thread.join(min(_LOOK_SECONDS, max(0.0, end - monotonic())))

    def _start(self) -> None:
        thread = threading.Thread(target=self._serve, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        request = _Request()
        while self._worker.alive:
            with self._lock:
                self._idle += 1
            self._places.acquire()
            with self._lock:
                self._idle -= 1
                request.has_place = True
            while self._worker.alive and request.has_place:
                if connection := self._next():
                    with self._under_way(request):
                        self._worker.handle(self._listener, *connection)
        with self._lock:
            if request.has_place:
                self._places.release()

    def _next(self) -> tuple[socket.socket, Any] | None:
        """A connection, or None within a second."""
        try:
            client, address = self._listener.accept()
        except BlockingIOError:  # none, or another process that has the socket, too, lets no one wait in `accept`
            select.select([self._listener], [], [], _LOOK_SECONDS if self._worker.alive else 0)
            return None
        except OSError:  # the client has gone again
            return None
        client.setblocking(True)
        return client, address

    @contextmanager
    def _under_way(self, request: _Request) -> Iterator[None]:
        self.last_began = request.began = monotonic()
        with self._lock:
            self._requests.append(request)
        self._worker.begun()
        try:
            yield
        finally:
            with self._lock:
                self._requests.remove(request)
                request.began = None
