"""A connection of this process to the broker, for what workers agree about; tasks come by another one of Celery's."""

import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, RLock, Thread
from typing import Any, Final, TypeVar

from amqp.exceptions import AMQPError
from celery import Celery
from kombu import Connection
from kombu.exceptions import KombuError

log = logging.getLogger(__name__)
T = TypeVar("T")

_HEARTBEAT_SECONDS: Final = 20  # a machine that is cut off gives back what it holds after twice as long
FAILURES: Final = (AMQPError, KombuError, OSError)


class BrokerLine:
    """Opened when first used, again when it was lost, and in each child process. Any number of threads may use it."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._lock = RLock()
        self._connection: Connection | None = None
        self._owner = 0
        self._lost = Event()

    def do(self, work: Callable[[Connection], T]) -> T:
        """Work on the connection, the caller's own for so long. Raises one of FAILURES; then the next is a new one."""
        with self._lock:
            try:
                return work(self._opened())
            except FAILURES:
                self.close()
                raise

    @property
    def generation(self) -> Event:
        """Set once what was got from the connection of this moment has been lost with it."""
        return self._lost

    def close(self) -> None:
        """Let go of the connection, and of all that it holds."""
        with self._lock:
            connection, self._connection = self._connection, None
            self._lost.set()
            if connection is not None and self._owner == os.getpid():
                with suppress(*FAILURES):
                    connection.release()

    def _opened(self) -> Connection:
        if self._connection is not None and self._owner != os.getpid():  # it is our parent's
            self._connection = None
        if self._connection is None:
            connection = self._app.connection_for_write(heartbeat=_HEARTBEAT_SECONDS)
            connection.ensure_connection(max_retries=1, timeout=5)
            self._connection, self._owner, self._lost = connection, os.getpid(), Event()
            Thread(target=self._keep, args=(connection, self._lost), name="cpar-broker-line", daemon=True).start()
        return self._connection

    def _keep(self, connection: Any, lost: Event) -> None:
        """Let the broker know that we are there, and notice when it is not."""
        while not lost.wait(_HEARTBEAT_SECONDS / 4):
            with self._lock:
                if lost.is_set():
                    return
                try:
                    with suppress(socket.timeout):
                        connection.drain_events(timeout=0.001)
                    connection.heartbeat_check()
                except FAILURES as error:
                    log.warning("the connection to the broker was lost: %s", type(error).__name__)
                    self.close()
