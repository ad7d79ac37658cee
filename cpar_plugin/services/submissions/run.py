"""One run of the scheduler: begin the night run if it is time, then do all work that is due.

Several panels at a time, each in a thread of its own: while one waits for the registry, others are prepared, and one
that is held up holds up no other.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from ...domain.submission import SubmissionState
from ...hooks import Host
from ...settings import Settings
from ...store.tables import submission
from ...transport import Transport
from ..departures import due as departures
from ..operations import clinic, heartbeat
from ..operations.lease import release_ahead
from . import night_run, rehearsals
from .lease import Claim, Now, count_waiting, take_one
from .way_out import way_out

log = logging.getLogger(__name__)
T = TypeVar("T")
_LOOK_AGAIN_SECONDS = 15  # for what is requested while a slow one is under way
ReportProgress = Callable[[int, int], None]


@dataclass(slots=True)
class RunReport:
    """What a run has done: the states that it brought submissions to, by count, and what it could not do."""

    night_begun: bool = False
    states: Counter[SubmissionState] = field(default_factory=Counter)
    lost: int = 0  # claims that another worker took over
    errors: list[str] = field(default_factory=list)  # kinds of error only

    def add(self, other: "RunReport") -> None:
        """Count what another process has done of the same run."""
        self.states += other.states
        self.lost += other.lost
        self.errors += other.errors


@dataclass(frozen=True, slots=True)
class Company:
    """Other processes that submit in the same run, and what is left of `panels_at_once` for this one."""

    panels_at_once: int
    reports: Iterable[Future[RunReport]] = ()


Limited = Callable[[Transport], Transport]  # the same way out, for no more at a time than there is room for
Companions = Callable[[int], Company]  # begins them, where so many submissions are worth it


def run_due(
    host: Host,
    settings: Settings,
    now: datetime,
    *,
    progress: ReportProgress | None = None,
    companions: Companions | None = None,
    limited: Limited | None = None,
) -> RunReport:
    """Do everything that is due at `now` (aware), mail apart. Any number of processes may do so at once.

    A failure is logged, without patient data, and counted; it stops nothing else. `progress` is called after each panel
    with the numbers of finished panels and of all panels. What `companions` begin is waited for, and counted.
    """
    report = RunReport()
    ahead = now - host.clock.now()
    if begin_due(host, settings, now, report):
        company = (_try(report, lambda: companions(_waiting(host, now))) if companions else None) or Company(
            settings.panels_at_once
        )
        at_once = company.panels_at_once
        report.add(submit(host, settings, ahead, at_once=at_once, progress=progress, limited=limited))
        for other in company.reports:
            report.add(_try(report, other.result) or RunReport())
        _try(report, lambda: rehearsals.make(host, settings, now))
    if not report.errors:
        heartbeat.beat(host, heartbeat.SUBMISSIONS)
    return report


def begin_due(host: Host, settings: Settings, now: datetime, report: RunReport) -> bool:
    """Do what the calendar and the clinic's own settings want at `now`: panels come due, or cease to be.

    Returns whether panels may be submitted. Failures are counted in `report`, as in `run_due`.
    """
    _try(report, lambda: release_ahead(host, settings, submission))
    with host.database.engine.connect() as connection:
        site = clinic.load(connection)
    if not site.enabled:
        _try(report, lambda: night_run.cancel_all(host, now))
        return False
    if not site.configured:
        return False
    _try(report, lambda: departures.end_due(host, now))
    _try(report, lambda: night_run.mark_missed(host, settings, now))
    _try(report, lambda: night_run.postpone(host, settings, now))
    report.night_begun = bool(_try(report, lambda: night_run.begin(host, settings, now)))
    return True


def submit(
    host: Host,
    settings: Settings,
    ahead: timedelta,
    *,
    at_once: int,
    progress: ReportProgress | None = None,
    limited: Limited | None = None,
) -> RunReport:
    """Work on all submissions that want it until none does, `at_once` at a time.

    `ahead`: by how much the time of the run is ahead of the clock. `limited`: by which others share the way out.
    """

    def now() -> datetime:
        return host.clock.now() + ahead

    report, transport, completed = RunReport(), way_out(settings), 0
    if limited:
        transport = limited(transport)
    under_way: set[Future[SubmissionState | None]] = set()
    with ThreadPoolExecutor(at_once, "cpar-submission") as pool:
        while True:
            full = len(under_way) == at_once
            claim = None if full else _try(report, lambda: _next(host, settings, now))
            if claim:
                under_way.add(pool.submit(copy_context().run, _advance, host, settings, transport, claim, now))
                continue
            if not under_way:
                return report
            finished, under_way = wait(under_way, None if full else _LOOK_AGAIN_SECONDS, FIRST_COMPLETED)
            for future in finished:
                _note(report, future)
                completed += 1
                if progress:
                    progress(completed, completed + len(under_way) + _waiting(host, now()))
                _try(report, lambda: heartbeat.beat(host, heartbeat.SUBMISSIONS))


def _advance(host: Host, settings: Settings, transport: Transport, claim: Claim, now: Now) -> SubmissionState | None:
    from .process import advance  # with the first claim: cron asks every minute whether there is one

    return advance(host, settings, transport, claim, now)


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


def _waiting(host: Host, now: datetime) -> int:
    with host.database.engine.connect() as connection:
        return connection.scalar(count_waiting(now)) or 0
