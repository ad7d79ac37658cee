"""How long mysqlclient waits for an answer, which it lets no one change on an open connection.

A thread ends the connection of a question that has waited for too long: then mysqlclient raises what it raises when a
server closes a connection.
"""

import os
import socket
import threading
from time import monotonic, sleep
from typing import Any, Final

from sqlalchemy import Engine

_LOOK_SECONDS: Final = 0.5
_PATIENCE: Final = "patience"


def be_patient(connection: Any, seconds: float) -> None:
    """Let questions of this connection of mysqlclient's wait so long from now on."""
    vars(connection)[_PATIENCE] = seconds


def give_up(engine: Engine, connect_seconds: float) -> None:
    """Let a thread end questions of this engine of mysqlclient's: by `be_patient`, or after `connect_seconds`."""
    from MySQLdb.cursors import SSCursor

    waits = _Waits()

    def patience(connection: Any) -> float:
        return float(vars(connection).get(_PATIENCE, connect_seconds))

    class Stream(SSCursor):  # type: ignore[misc]
        def _fetch_row(self, size: int = 1) -> Any:
            number = waits.begin(self.connection, patience(self.connection))
            try:
                return super()._fetch_row(size)
            finally:
                waits.end(number)

    def ask(question: Any) -> Any:
        def limited(connection: Any) -> Any:
            driver = getattr(connection, "dbapi_connection", connection)  # of a pool, or the driver's own
            number = waits.begin(driver, patience(driver))
            try:
                return question(connection)
            finally:
                waits.end(number)

        return limited

    dialect: Any = engine.dialect
    dialect._sscursor = Stream
    for name in ("do_ping", "do_commit", "do_rollback"):
        setattr(dialect, name, ask(getattr(dialect, name)))

    def ask_by_cursor(question: Any) -> Any:
        def limited(cursor: Any, *rest: Any) -> None:
            number = waits.begin(cursor.connection, patience(cursor.connection))
            try:
                question(cursor, *rest)
            finally:
                waits.end(number)

        return limited

    for name in ("do_execute", "do_executemany", "do_execute_no_params"):
        setattr(dialect, name, ask_by_cursor(getattr(dialect, name)))


class _Waits:
    """What waits on one engine. Its thread runs while something is asked, and ends within a second after it."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}  # until when, by the number of the connection's socket
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._used = False

    def begin(self, connection: Any, seconds: float) -> int:
        """A question is asked, which may take so many seconds. Returns what to `end` it by."""
        number: int = connection.fileno()  # mysqlclient tells no other thread while it waits
        self._until[number] = monotonic() + seconds
        self._used = True
        if self._thread is None or not self._thread.is_alive():  # a fork leaves it behind
            self._start()
        return number

    def end(self, number: int) -> None:
        """The question has been answered. Waits for the thread where that is about to end the connection."""
        if self._until.pop(number, None) is None:
            with self._lock:
                return

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        while True:
            sleep(_LOOK_SECONDS)
            with self._lock:
                if not self._used:
                    self._thread = None  # before the last look: who begins after that starts another one
                    if not self._until:
                        return
                    self._thread = threading.current_thread()
                self._used = False
                now = monotonic()
                for number, until in list(self._until.items()):
                    if until < now and self._until.pop(number, None) is not None:
                        _end(number)


def _end(number: int) -> None:
    """Whoever waits in a read of this socket, which is still open, gets an end of file."""
    with socket.socket(fileno=os.dup(number)) as of_the_driver:
        try:
            of_the_driver.shutdown(socket.SHUT_RDWR)
        except OSError:  # it has ended by itself
            return
