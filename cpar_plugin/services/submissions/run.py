"""One run of the scheduler: begin the night run if it is time, then do all work that is due.

One panel after the other, as long as each is quick. One that is held up, as by a registry that drips, is left to its
thread, and the next begins: a few at a time.
"""

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select

from ...domain.refusals import Refused
from ...domain.submission import SubmissionState
from ...hooks import Host
from ...settings import Settings
from ...store.tables import submission
from ...transport import DeliveryResult, Envelope, Transport, for_settings, not_sent
from ..departures import steps as departures
from ..operations import clinic, heartbeat
from ..operations.lease import release_ahead
from . import night_run, rehearsals
from .lease import Claim, Now, take_one
from .process import advance

log = logging.getLogger(__name__)
T = TypeVar("T")
_AT_ONCE = 4
_QUICK_SHARE = 1 / 20  # of the longest that sending may take: then the next one begins
ReportProgress = Callable[[int, int], None]


@dataclass(slots=True)
class RunReport:
    """What a run has done: the states that it brought submissions to, by count, and what it could not do."""

    night_begun: bool = False
    states: Counter[SubmissionState] = field(default_factory=Counter)
    lost: int = 0  # claims that another worker took over
    errors: list[str] = field(default_factory=list)  # kinds of error only


def run_due(host: Host, settings: Settings, now: datetime, *, progress: ReportProgress | None = None) -> RunReport:
    """Do everything that is due at `now` (aware), mail apart. Any number of processes may do so at once.

    A failure is logged, without patient data, and counted; it stops nothing else. `progress` is called after each panel
    with the numbers of finished panels and of all panels.
    """
    report = RunReport()
    ahead = now - host.clock.now()

    def moment() -> datetime:
        return host.clock.now() + ahead

    _try(report, lambda: release_ahead(host, settings, submission))
    with host.database.engine.connect() as connection:
        site = clinic.load(connection)
    if not site.enabled:
        _try(report, lambda: night_run.cancel_all(host, now))
    elif site.configured:
        _try(report, lambda: departures.end_due(host, now))
        _try(report, lambda: night_run.mark_missed(host, settings, now))
        _try(report, lambda: night_run.postpone(host, settings, now))
        report.night_begun = bool(_try(report, lambda: night_run.begin(host, settings, now)))
        _work(host, settings, report, moment, progress)
        _try(report, lambda: rehearsals.make(host, settings, now))
    if not report.errors:
        heartbeat.beat(host, heartbeat.SUBMISSIONS)
    return report


def _work(host: Host, settings: Settings, report: RunReport, now: Now, progress: ReportProgress | None) -> None:
    transport = _transport(settings)
    completed = 0
    under_way: set[Future[SubmissionState | None]] = set()
    with ThreadPoolExecutor(_AT_ONCE, "cpar-submission") as pool:
        while True:
            claim = _try(report, lambda: _next(host, settings, now)) if len(under_way) < _AT_ONCE else None
            if claim:
                under_way.add(pool.submit(advance, host, settings, transport, claim, now))
            elif not under_way:
                return
            full = len(under_way) == _AT_ONCE
            finished, under_way = wait(
                under_way, None if full else settings.registry_seconds * _QUICK_SHARE, FIRST_COMPLETED
            )
            for future in finished:
                _note(report, future)
                completed += 1
                if progress:
                    progress(completed, completed + len(under_way) + _waiting(host))
                _try(report, lambda: heartbeat.beat(host, heartbeat.SUBMISSIONS))


def _next(host: Host, settings: Settings, now: Now) -> Claim | None:
    with host.database.engine.connect() as connection:
        still_enabled = clinic.load(connection).enabled
    return take_one(host, settings, now) if still_enabled else None


def _note(report: RunReport, future: "Future[SubmissionState | None]") -> None:
    state = _try(report, future.result)
    if state is None:
        report.lost += 1
    else:
        report.states[state] += 1


def _try(report: RunReport, work: Callable[[], T]) -> T | None:
    try:
        return work()
    except Exception as error:
        # Only the kind of error: its text may hold patient data.
        log.error("submission run: %s", type(error).__name__)
        report.errors.append(type(error).__name__)
        return None


class _NoWayOut:
    """Replaces a transport that the settings do not allow: the panels wait, and say why."""

    def __init__(self, reason: str) -> None:
        self._why = reason

    def send(self, envelope: Envelope) -> DeliveryResult:
        """Nothing is sent."""
        return not_sent(self._why)


def _transport(settings: Settings) -> Transport:
    try:
        return for_settings(settings)
    except Refused as refused:
        return _NoWayOut(str(refused))


def _waiting(host: Host) -> int:
    with host.database.engine.connect() as connection:
        due = select(func.count()).select_from(submission).where(submission.c.state == SubmissionState.DUE)
        return connection.scalar(due) or 0
