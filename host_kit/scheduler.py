"""Runs the jobs of all plugins inside the host's processes, in one of those that belong together."""

import logging
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Final

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from cpar_plugin.hooks import Host, Job, Plugins
from cpar_plugin.tracing import about, new_trace

from .leadership import Leadership

log = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS: Final = 10.0  # until the jobs of a process that has ended run in another one
_APART: Final = timedelta(seconds=1)  # jobs that run at once need a thread and a connection each


class Scheduler:
    """The jobs of the plugins, each every so often, in the process that leads, until it is stopped.

    Several machines may run them at once: a job bears that.
    """

    def __init__(self, plugins: Plugins, host: Host, leadership: Leadership) -> None:
        self._host = host
        self._leadership = leadership
        self._jobs = plugins.emr_scheduled_jobs(host)
        self._stopping = Event()
        # UTC and intervals: an hour that a clock change repeats or skips means nothing here. What is due is the job's
        # to decide. A run that comes late takes place nevertheless (the library's default drops it after one second).
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def start(self) -> None:
        """Begin, with a first run of every job as soon as this process leads. Returns immediately."""
        self._scheduler.add_job(self._begin_jobs)
        self._scheduler.start()

    def stop(self) -> None:
        """End, after the ticks that are running."""
        self._stopping.set()
        self._scheduler.shutdown(wait=True)

    def _begin_jobs(self) -> None:
        while not self._leadership.is_ours():
            if self._stopping.wait(_LOOK_AGAIN_SECONDS):
                return
        now = datetime.now(UTC)
        for place, job in enumerate(self._jobs):
            every = IntervalTrigger(seconds=max(1, int(job.every.total_seconds())), timezone=UTC)
            self._scheduler.add_job(
                self._run, every, args=[job], name=job.name, next_run_time=now + place * _APART, id=job.name
            )

    def _run(self, job: Job) -> None:
        with about(trace=new_trace()):
            try:
                job.run(self._host.clock.now())
            except Exception as error:
                # Only the kind of error: its text may hold patient data.
                log.error("job %s failed: %s", job.name, type(error).__name__)
