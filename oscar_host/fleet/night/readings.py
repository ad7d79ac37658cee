"""What is known of each clinic's night, read again and again in the background: no page waits for a database."""

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from threading import Condition, Thread
from time import monotonic
from typing import Final

from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from cpar_plugin.hooks import Clock
from cpar_plugin.services.submissions.night_counts import NightCounts, night_counts
from cpar_plugin.tracing import about

from ..clinic import FleetClinic
from ..clinics import Clinics
from ..database_server import server_of

log = logging.getLogger(__name__)

_PATIENCE: Final = {"database_connect_seconds": "3", "database_seconds": "5"}
_AT_ONCE: Final = 16
_OF_ONE_SERVER: Final = 4  # a server that says nothing holds no more threads than this
_EVERY_SECONDS: Final = 15.0
_DUTY: Final = 5  # of many clinics each rests five times as long as all of them take
_LONGEST_PAUSE: Final = 120.0
_LOOK_AGAIN_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class NightReading:
    """What is known of one clinic. Without `counts`: nothing yet."""

    counts: NightCounts | None = None  # of the last time that it was read
    unreadable_since: datetime | None = None  # None: the last attempt succeeded
    lacks_tables: bool = False  # of this version
    read_at: datetime | None = None  # by this machine's clock


@dataclass(slots=True)
class _Turn:
    """When a clinic is read next."""

    due: float = 0
    failures: int = 0


class NightReadings:
    """All clinics' readings, gathered in threads of their own between `start` and `stop`."""

    def __init__(self, clinics: Clinics, clock: Clock, *, every_seconds: float = _EVERY_SECONDS) -> None:
        """Nothing is read yet."""
        self.clinics = clinics
        self.clock = clock
        self._every = every_seconds
        self._changed = Condition()
        self._readings: dict[str, NightReading] = {}
        self._turns: dict[str, _Turn] = {}
        self._reading: dict[str, str] = {}  # clinics that are being read: their servers
        self._busy_seconds = 0.0  # of reading all clinics once
        self._ended = False
        self._thread = Thread(target=self._gather, name="cpar-night", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the statements that are under way."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def of(self, name: str) -> NightReading:
        """What is known of a clinic now. Returns at once."""
        with self._changed:
            return self._readings.get(name, NightReading())

    def wait(self, seen: Callable[["NightReadings"], bool], seconds: float) -> bool:
        """Until what is known is as asked for; False where it is not within that time."""
        with self._changed:
            return self._changed.wait_for(lambda: seen(self), seconds)

    def _gather(self) -> None:
        with ThreadPoolExecutor(_AT_ONCE, "cpar-night") as pool:
            while True:
                fleet = self.clinics.read()
                with self._changed:
                    if self._ended:
                        return
                    self._forget_all_but(fleet.clinics.keys() | fleet.wrong.keys())
                    begun = [clinic for clinic in fleet.clinics.values() if self._begin(clinic)]
                    if not begun:
                        self._changed.wait(_LOOK_AGAIN_SECONDS)
                for clinic in begun:
                    work = pool.submit(_read, clinic)
                    work.add_done_callback(partial(self._note, clinic.name, monotonic()))

    def _forget_all_but(self, names: set[str]) -> None:
        for name in self._turns.keys() - names:
            self._turns.pop(name)
            self._readings.pop(name, None)

    def _begin(self, clinic: FleetClinic) -> bool:
        turn = self._turns.setdefault(clinic.name, _Turn())
        if clinic.name in self._reading or turn.due > monotonic() or len(self._reading) >= _AT_ONCE:
            return False
        server = server_of(clinic)
        if Counter(self._reading.values())[server] >= _OF_ONE_SERVER:
            return False
        self._reading[clinic.name] = server
        return True

    def _note(self, name: str, began: float, work: "Future[NightCounts]") -> None:
        error, now = work.exception(), self.clock.now()
        with self._changed:
            self._reading.pop(name, None)
            turn = self._turns.setdefault(name, _Turn())
            before = self._readings.get(name, NightReading())
            if error is None:
                turn.failures = 0
                self._readings[name] = NightReading(work.result(), read_at=now)
                of_all = (monotonic() - began) * len(self._turns) / _OF_ONE_SERVER
                self._busy_seconds += (of_all - self._busy_seconds) / max(len(self._turns), 1)
                pause = max(self._every, _DUTY * self._busy_seconds)
            else:
                if before.unreadable_since is None:
                    with about(clinic=name):
                        log.warning("the night of clinic %s cannot be read: %s", name, type(error).__name__)
                turn.failures += 1
                since, lacks = before.unreadable_since or now, isinstance(error, ProgrammingError)
                self._readings[name] = replace(before, unreadable_since=since, lacks_tables=lacks)
                pause = min(self._every * 2 ** (turn.failures - 1), max(self._every, _LONGEST_PAUSE))
            turn.due = monotonic() + pause
            self._changed.notify_all()


def _read(clinic: FleetClinic) -> NightCounts:
    """One statement. Raises SQLAlchemyError, or Refused for settings that cannot be used."""
    with replace(clinic, settings={**clinic.settings, **_PATIENCE}).open() as host:
        try:
            with host.database.engine.connect() as connection:
                return night_counts(connection, host.clock.now())
        except SQLAlchemyError as error:
            if _lacks_table(error):
                raise ProgrammingError(None, None, Exception()) from None
            raise


def _lacks_table(error: SQLAlchemyError) -> bool:
    """SQLite has one kind of error for everything; its text names the table alone."""
    text = str(getattr(error, "orig", ""))
    return "no such table" in text or "no such column" in text
