"""The host's scheduler starts the jobs of plugins."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cpar_plugin.hooks import Host, Job, Manifest, Plugins, hookimpl
from cpar_plugin.host_kit.leadership import Leadership
from cpar_plugin.host_kit.scheduler import Scheduler
from oscar_host.host import OscarHost, open_host

from ..waiting import PATIENCE


class Plugin:
    """A plugin with nothing but jobs."""

    def __init__(self, *jobs: Job) -> None:
        self._jobs = jobs

    @hookimpl
    def emr_manifest(self) -> Manifest:
        return Manifest(name="jobs", version="1", contract=">=1.0,<2")

    @hookimpl
    def emr_scheduled_jobs(self, host: Host) -> Sequence[Job]:
        return self._jobs


@pytest.fixture
def resting(tmp_path: Any) -> Iterator[OscarHost]:
    """A host that needs no database here."""
    with open_host(f"sqlite:///{tmp_path / 'clinic.db'}") as host:
        yield host


@contextmanager
def scheduled(host: OscarHost, *runs: Callable[[datetime], None]) -> Iterator[Scheduler]:
    plugins = Plugins()
    jobs = [Job(name=f"job {place}", every=timedelta(seconds=1), run=run) for place, run in enumerate(runs)]
    plugins.add(Plugin(*jobs), "jobs")
    scheduler = Scheduler(plugins, host, Leadership())
    scheduler.start()
    try:
        yield scheduler
    finally:
        scheduler.stop()


def test_a_job_is_run_at_once_and_again_with_the_moment_of_the_host(resting: OscarHost) -> None:
    moments: list[datetime] = []
    twice = threading.Event()

    def run(now: datetime) -> None:
        moments.append(now)
        if len(moments) == 2:
            twice.set()

    with scheduled(resting, run):
        assert twice.wait(PATIENCE)
    assert all(abs(datetime.now(UTC) - moment) < timedelta(minutes=10) for moment in moments)


def test_a_job_that_fails_is_run_again_and_keeps_no_other_from_running(
    resting: OscarHost, caplog: pytest.LogCaptureFixture
) -> None:
    failures, other = threading.Semaphore(0), threading.Event()

    def fail(_: datetime) -> None:
        failures.release()
        raise ValueError("Pat Example 100000001")

    with caplog.at_level(logging.ERROR), scheduled(resting, fail, lambda _: other.set()):
        assert failures.acquire(timeout=PATIENCE)
        assert failures.acquire(timeout=PATIENCE)
        assert other.wait(PATIENCE)
    assert "job job 0 failed: ValueError" in caplog.text
    assert "Pat" not in caplog.text


def test_a_long_tick_is_never_overtaken_by_the_next_and_stopping_waits_for_it(resting: OscarHost) -> None:
    running, most, ended = [0], [0], []
    begun = threading.Event()

    def run(_: datetime) -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        begun.set()
        threading.Event().wait(2.5)
        running[0] -= 1
        ended.append(True)

    with scheduled(resting, run):
        assert begun.wait(PATIENCE)
        threading.Event().wait(1.5)
    assert most[0] == 1
    assert running[0] == 0
    assert ended
