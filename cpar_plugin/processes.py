"""Processes that submit alongside `cpar run-due`: Python prepares panels on one processor a process."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from importlib.metadata import entry_points
from typing import Final

from . import settings as plugin_settings
from .commands import HOSTS
from .hooks import Host
from .services.submissions.run import Companions, Company, RunReport, submit
from .settings import Settings
from .tracing import about, subject

_PANELS_EACH: Final = 10  # fewer are submitted before another process has started


def division(waiting: int, panels_at_once: int, processors: int) -> tuple[int, int]:
    """Among how many processes this many panels are divided, and how many each but the first has under way at a time.

    The first has the rest of `panels_at_once`.
    """
    processes = max(1, min(processors, panels_at_once, waiting // _PANELS_EACH))
    return processes, panels_at_once // processes


@contextmanager
def companions(name: str, host: Host, settings: Settings, now: datetime) -> Iterator[Companions]:
    """For `run_due` at `now`: other processes that open the installed host of this name, as this one did.

    One that dies is an error of the run; what it had claimed is taken up when its claim has run out.
    """
    ending = ExitStack()

    def begin(waiting: int) -> Company:
        processes, each = division(waiting, settings.panels_at_once, len(os.sched_getaffinity(0)))
        others, ahead = processes - 1, now - host.clock.now()
        if not others:
            return Company(settings.panels_at_once)
        # Cron asks every minute, nearly always for nothing: what begins processes is imported when there are any.
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        pool = ending.enter_context(ProcessPoolExecutor(others, get_context("spawn")))
        trace = subject().trace
        reports = [pool.submit(_submit, name, ahead, each, trace) for _ in range(others)]
        return Company(settings.panels_at_once - others * each, reports)

    with ending:
        yield begin


def _submit(name: str, ahead: timedelta, at_once: int, trace: str) -> RunReport:
    host: Host = entry_points(group=HOSTS)[name].load()()
    try:
        with about(trace=trace):
            return submit(host, plugin_settings.load(host.settings), ahead, at_once=at_once)
    finally:
        host.database.engine.dispose()
