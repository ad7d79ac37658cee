"""The beat of a fleet: it asks clinics what is due, each at its own times, and publishes it as tasks.

Any number may run: the claims in the clinics' databases keep two of them from doing anything twice.
"""

import logging
import time
import zlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Lock
from typing import Final

from cpar_plugin import settings as plugin_settings
from cpar_plugin.host_kit.time_limits import answered_within
from cpar_plugin.services.submissions.due import DueWork, due_work
from cpar_plugin.store.reach import is_away
from cpar_plugin.tracing import about, new_trace

from ..clinic import FleetClinic
from ..database_server import server_of
from . import queues
from .beat_servers import BeatServers
from .broker_line import FAILURES
from .celery_app import LOOK
from .depths import Depths
from .engine import JOBS, Engine
from .registry import RegistryState

log = logging.getLogger(__name__)

_CLINICS_AT_ONCE: Final = 8
_ANSWER_SECONDS: Final = 5.0  # in which a database is to answer all that it is asked
_PULSE_SECONDS: Final = 0.5
_BUSY_SECONDS: Final = 20.0  # after which a clinic with panels to submit is asked again, where there are few
_ASKING_SHARE: Final = 0.1  # of a processor, at most, where hundreds have: a panel that is done calls for the next one
_WEIGHT: Final = 0.05  # of the last question in what one takes
_LOST_SECONDS: Final = 600.0  # after which a task that is in no queue any more, and changed nothing, is published again
_LOOK_AT_LEAST_SECONDS: Final = 600.0  # pages say that the scheduler has stopped where nothing has looked for longer
_SPREAD_SECONDS: Final = 30.0
_AWAY_SECONDS: Final = (10.0, 30.0, 60.0, 120.0, 300.0)


@dataclass(slots=True)
class _Watch:
    """What the beat knows of one clinic. Moments are monotonic seconds; nothing of it is needed after a restart."""

    ask_at: float
    looked_at: float = 0.0
    published: dict[str, float] = field(default_factory=dict)  # when a look was put into which queue last
    slots: dict[str, int] = field(default_factory=dict)  # the last slot of time of each other job
    failures: int = 0
    named: bool = False  # in the log, as one that cannot be asked
    asking: "Future[None] | None" = None


class Beat:
    """One beat, in a process of its own."""

    def __init__(
        self,
        engine: Engine,
        monotonic: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.thread_time,
    ) -> None:
        """`processor`: the time that a thread has had of it, in seconds."""
        self._engine = engine
        self._monotonic = monotonic
        self._processor = processor
        self._asking_seconds = 0.0
        self._watches: dict[str, _Watch] = {}
        self._depths = Depths(engine.app)
        self._wrong: dict[str, str] = {}
        self._broker_is_away = False
        self._broker_lock = Lock()
        self._servers = BeatServers(_CLINICS_AT_ONCE, engine.fleet.ask_minutes * 60)

    def run(self, stopping: Event) -> None:
        """Until `stopping` is set; what is under way then is finished."""
        with ThreadPoolExecutor(_CLINICS_AT_ONCE, "cpar-beat") as pool:
            while not stopping.is_set():
                self.pulse(pool)
                stopping.wait(_PULSE_SECONDS)

    def pulse(self, pool: ThreadPoolExecutor) -> None:
        """Ask the clinics whose time has come. Returns at once."""
        reading, now = self._engine.clinics.read(), self._monotonic()
        self._name_wrong({name: wrong.reason for name, wrong in reading.wrong.items()})
        for name in self._watches.keys() - reading.clinics.keys():
            del self._watches[name]
        self._engine.hosts.keep_only(set(reading.clinics))
        for name, clinic in reading.clinics.items():
            watch = self._watches.get(name)
            if watch is None:
                spread = min(_SPREAD_SECONDS, len(reading.clinics) / 20)
                watch = self._watches[name] = _Watch(now + spread * _fraction(name))
            is_due = watch.ask_at <= now and (watch.asking is None or watch.asking.done())
            if is_due and name not in reading.draining and self._servers.may_ask(server_of(clinic), now):
                watch.asking = pool.submit(self._ask, clinic, watch)

    def _name_wrong(self, wrong: dict[str, str]) -> None:
        for name in wrong.keys() - self._wrong.keys():
            with about(clinic=name):
                log.error("clinic %s is not worked on: %s", name, wrong[name])
        self._wrong = wrong

    def _ask(self, clinic: FleetClinic, watch: _Watch) -> None:
        server, begin, processor, no_answer = server_of(clinic), self._monotonic(), self._processor(), False
        if not self._servers.begin(server, begin):  # it has failed while this waited for a thread
            return
        with about(trace=new_trace(), clinic=clinic.name) as subject:
            try:
                pause = self._publish_due(clinic, watch, subject.trace)
                if watch.named:
                    log.warning("clinic %s can be asked again", clinic.name)
                watch.failures, watch.named = 0, False
            except FAILURES as error:
                self._note_broker(error)
                pause = self._pause_after_failure(watch)
            except Exception as error:
                if not watch.named:
                    # Only the kind of error: its text may hold patient data.
                    log.warning("clinic %s cannot be asked what is due: %s", clinic.name, type(error).__name__)
                    watch.named = True
                pause = self._pause_after_failure(watch)
                no_answer = is_away(error)
        self._asking_seconds += _WEIGHT * (self._processor() - processor - self._asking_seconds)
        now = self._monotonic()
        self._servers.end(server, now, now - begin, is_away=no_answer)
        watch.ask_at = now if no_answer else now + pause  # its server's pause is that of all its clinics

    def _pause_after_failure(self, watch: _Watch) -> float:
        """Seconds, more of them after each."""
        longest = self._engine.fleet.ask_minutes * 60.0
        pause = min(longest, _AWAY_SECONDS[min(watch.failures, len(_AWAY_SECONDS) - 1)])
        watch.failures += 1
        return pause

    def _note_broker(self, error: Exception | None = None) -> None:
        """Say once that it does not take messages, of whatever clinics, and once that it does again."""
        with self._broker_lock:
            was_away, self._broker_is_away = self._broker_is_away, error is not None
        if error and not was_away:
            log.warning("the broker takes no messages (%s): check that it runs, and broker_url", type(error).__name__)
        if not error and was_away:
            log.warning("the broker takes messages again")

    def _publish(self, task: str, queue: str, *arguments: object) -> None:
        self._engine.publish(task, queue, *arguments)
        self._note_broker()

    def _publish_due(self, clinic: FleetClinic, watch: _Watch, trace: str) -> float:
        """Seconds until the clinic is to be asked again. Raises what its database or the broker does."""
        with self._engine.hosts.opened(clinic) as host, answered_within(_ANSWER_SECONDS):
            settings, moment = plugin_settings.load(host.settings), host.clock.now()
            due = due_work(host, settings, moment)
            jobs = {job.name: job.every for job in self._engine.jobs(host)}
            registry = self._engine.registry(settings)
        names = self._due_jobs(clinic.name, jobs, watch, moment)
        if names:
            self._publish(JOBS, queues.JOBS, clinic.name, trace, names)
        now = self._monotonic()
        is_down = due.waiting > 0 and registry is not None and registry.state() is RegistryState.DOWN
        if self._needs_look(due, watch, now, is_down=is_down):
            queue = queues.PEOPLE if due.people else queues.NIGHT
            if not self._is_under_way(watch, queue, now):
                self._publish(LOOK, queue, clinic.name, trace)
                watch.published[queue] = watch.looked_at = now
        return self._pause(due, moment)

    def _needs_look(self, due: DueWork, watch: _Watch, now: float, *, is_down: bool) -> bool:
        room = due.under_way < self._engine.fleet.clinic_panels_at_once
        return (
            due.begins or (due.waiting > 0 and room and not is_down) or now - watch.looked_at > _LOOK_AT_LEAST_SECONDS
        )

    def _is_under_way(self, watch: _Watch, queue: str, now: float) -> bool:
        """Whether what was published for the clinic may still be in the queue: then more would only make it longer."""
        at = watch.published.get(queue)
        return at is not None and now - at < _LOST_SECONDS and not self._depths.was_empty_since(queue, at)

    def _pause(self, due: DueWork, moment: datetime) -> float:
        longest = self._engine.fleet.ask_minutes * 60.0
        if due.begins or due.waiting or due.under_way:
            all_seconds = self._asking_seconds * len(self._watches)
            return min(max(_BUSY_SECONDS, all_seconds / _ASKING_SHARE), longest)
        next_seconds = (due.next_at - moment).total_seconds() if due.next_at else longest
        return max(1.0, min(next_seconds, longest))

    def _due_jobs(self, name: str, jobs: dict[str, timedelta], watch: _Watch, moment: datetime) -> list[str]:
        """Those whose next slot of time has begun. Slots are the same for every beat, and another for each clinic.

        The first is the one after the beat's start, but for those of a few minutes, which everybody waits for.
        """
        due, least = [], timedelta(minutes=self._engine.fleet.job_minutes)
        for job, interval in jobs.items():
            every = max(interval, least).total_seconds()
            slot = int(moment.timestamp() / every + _fraction(f"{name} {job}"))
            if watch.slots.get(job, slot if interval > least else None) != slot:
                due.append(job)
            watch.slots[job] = slot
        return due


def _fraction(name: str) -> float:
    """Between 0 and 1, the same on every machine."""
    return zlib.crc32(name.encode()) / 2**32
