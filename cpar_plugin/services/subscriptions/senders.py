"""The threads of this process that number events and send them. Other code need not know where or how many."""

import logging
from threading import Event, Lock, Thread, current_thread
from time import monotonic

from ...domain.refusals import Refused
from ...hooks import Host
from ...settings import Settings
from ..clients.read_log import Reads
from . import deliveries, events
from .sending import carry_out

log = logging.getLogger(__name__)

AT_ONCE = 4  # receivers: one that is slow holds up no other
_EVERY_SECONDS = 2.0  # how long an event waits at most before it is sent
_STOP_SECONDS = 10.0


class Senders:
    """Watches for events while there are subscriptions, and sends them to a few receivers at a time."""

    def __init__(self, host: Host, settings: Settings, reads: Reads) -> None:
        self._host = host
        self._settings = settings
        self._reads = reads
        self._lock = Lock()
        self._watcher: Thread | None = None
        self._threads: set[Thread] = set()
        self._started = False
        self._stopping = Event()
        self._called = Event()

    def start(self) -> None:
        """From now on, work in the background."""
        self._started = True

    def wake(self) -> None:
        """There is something new. Returns at once: before `start` and after `stop`, the next scheduled run does it."""
        self._called.set()
        with self._lock:
            if self._started and self._watcher is None and not self._stopping.is_set():
                self._watcher = Thread(target=self._watch, name="cpar-subscriptions", daemon=True)
                self._watcher.start()

    def maintain(self) -> None:
        """Regular work: number and send whatever there is, also of a worker that has died."""
        deliveries.maintain(self._host, self._settings)
        if deliveries.any_lives(self._host):
            if self._started:
                self.wake()
            else:
                self.work_off()

    def work_off(self) -> None:
        """Number and send everything that waits, here and now."""
        self._collect()
        self._send()

    def stop(self) -> None:
        """Leave what is under way to others, at once."""
        self._started = False
        self._stopping.set()
        self._called.set()
        with self._lock:
            threads = [thread for thread in (self._watcher, *self._threads) if thread]
        until = monotonic() + _STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - monotonic()))
        self._stopping.clear()

    def _watch(self) -> None:
        try:
            while not self._stopping.is_set() and deliveries.any_lives(self._host):
                self._called.clear()
                self._collect()
                self._call_sender()
                self._called.wait(_EVERY_SECONDS)
        except Exception as error:
            # Only the kind of error: its text may hold patient data. The scheduler's next run calls again.
            log.error("subscriptions: %s", type(error).__name__)
        finally:
            with self._lock:
                self._watcher = None

    def _call_sender(self) -> None:
        with self._lock:
            if len(self._threads) < AT_ONCE and not self._stopping.is_set():
                thread = Thread(target=self._run, name="cpar-notifications", daemon=True)
                self._threads.add(thread)
                thread.start()

    def _run(self) -> None:
        try:
            self._send()
        except Exception as error:
            log.error("subscriptions: %s", type(error).__name__)
        finally:
            with self._lock:
                self._threads.discard(current_thread())

    def _collect(self) -> None:
        try:
            events.collect(self._host)
        except Refused:  # a large change of memberships is under way: its events come with the next run
            log.info("subscriptions: waiting for a large change")

    def _send(self) -> None:
        """One subscription after the other. Where others wait, another thread is called for them."""
        while not self._stopping.is_set() and (row := deliveries.take_one(self._host, self._settings)):
            if self._watcher is not None:
                self._call_sender()
            carry_out(self._host, self._settings, self._reads, row, self._stopping.is_set)
