"""The threads of this process that make exports. Other code need not know where they run, or how many: see `jobs`."""

import logging
from threading import Event, Lock, Thread, current_thread

from ...hooks import Host
from ...settings import Settings
from . import jobs
from .process import carry_out

log = logging.getLogger(__name__)

AT_ONCE = 2
_STOP_SECONDS = 10.0


class Workers:
    """Takes up whatever waits, a few at a time."""

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host = host
        self._settings = settings
        self._lock = Lock()
        self._threads: set[Thread] = set()
        self._woken = False
        self._started = False
        self._stopping = Event()

    def start(self) -> None:
        """From now on, work in the background."""
        self._started = True

    def wake(self) -> None:
        """There may be work. Returns at once: before `start` and after `stop`, the next scheduled run does it."""
        with self._lock:
            self._woken = True
            if self._started and len(self._threads) < AT_ONCE and not self._stopping.is_set():
                thread = Thread(target=self._run, name="cpar-export", daemon=True)
                self._threads.add(thread)
                thread.start()

    def maintain(self) -> None:
        """Regular work: remove what is over, and take up exports without a worker, after a crash for instance."""
        jobs.forget(self._host, self._settings)
        jobs.release_ahead(self._host, self._settings)
        if jobs.any_waits(self._host):
            if self._started:
                self.wake()
            else:
                self.work_off()

    def stop(self) -> None:
        """Leave what is under way to others, at once."""
        self._started = False
        self._stopping.set()
        for thread in [*self._threads]:
            thread.join(_STOP_SECONDS)
        self._stopping.clear()

    def work_off(self) -> None:
        """Do everything that waits, here and now."""
        while not self._stopping.is_set() and (export := jobs.take_one(self._host, self._settings)):
            carry_out(self._host, self._settings, export, self._stopping.is_set)

    def _run(self) -> None:
        """Work until nothing waits, and there was no new call."""
        try:
            while self._has_work():
                self.work_off()
        except Exception as error:
            # Only the kind of error: its text may hold patient data. The scheduler's next run calls again.
            log.error("exports: %s", type(error).__name__)
            self._threads.discard(current_thread())

    def _has_work(self) -> bool:
        with self._lock:
            has_work, self._woken = self._woken and not self._stopping.is_set(), False
            if not has_work:
                self._threads.discard(current_thread())
            return has_work
