"""Runs the jobs of all plugins inside the host's process. Several processes may do so at once: a job bears that."""

import logging
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from cpar_plugin.hooks import Host, Job, Plugins
from cpar_plugin.tracing import about, new_trace

log = logging.getLogger(__name__)


class Scheduler:
    """The jobs of the plugins, each every so often, until it is stopped."""

    def __init__(self, plugins: Plugins, host: Host) -> None:
        self._host = host
        # UTC and intervals: an hour that a clock change repeats or skips means nothing here. What is due is the job's
        # to decide. A run that comes late takes place nevertheless (the library's default drops it after one second).
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for job in plugins.emr_scheduled_jobs(host):
            every = IntervalTrigger(seconds=max(1, int(job.every.total_seconds())), timezone=UTC)
            self._scheduler.add_job(
                self._run, every, args=[job], name=job.name, next_run_time=datetime.now(UTC), id=job.name
            )

    def start(self) -> None:
        """Begin, with a first run of every job at once. Returns immediately."""
        self._scheduler.start()

    def stop(self) -> None:
        """End, after the ticks that are running."""
        self._scheduler.shutdown(wait=True)

    def _run(self, job: Job) -> None:
        with about(trace=new_trace()):
            try:
                job.run(self._host.clock.now())
            except Exception as error:
                # Only the kind of error: its text may hold patient data.
                log.error("job %s failed: %s", job.name, type(error).__name__)
