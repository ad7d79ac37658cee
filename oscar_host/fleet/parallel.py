"""Work on many clinics at a time: several in each of several processes, for Python uses one processor a process."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Final, Protocol

import click
from sqlalchemy.exc import SQLAlchemyError

from cpar_plugin.commands import sentence
from cpar_plugin.hooks import HealthLevel, Refused
from cpar_plugin.tracing import about, new_trace

from .clinic import FleetClinic
from .settings import FleetSettings

log = logging.getLogger(__name__)

_WORTH_A_PROCESS: Final = 4  # with fewer clinics each, work is over before another process has begun


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of the work on one clinic, in sentences without patient data."""

    name: str
    level: HealthLevel
    sentences: tuple[str, ...] = ()


class _Flag(Protocol):
    value: int


Work = Callable[[FleetClinic], Outcome]  # what may go to another process: a function of a module


def for_each(clinics: Sequence[FleetClinic], work: Work, settings: FleetSettings) -> Iterator[Outcome]:
    """Do the work for all clinics, and say of each what has become of it as soon as it is over. Raises nothing."""
    processes = min(settings.process_count, len(clinics) // _WORTH_A_PROCESS)
    if processes < 2:
        with ThreadPoolExecutor(settings.clinics_at_once, "cpar-fleet") as threads, _ended_early(threads):
            for future in as_completed(threads.submit(_guarded, work, clinic) for clinic in clinics):
                yield future.result()
        return
    context = get_context("spawn")
    ended = context.RawValue("b", 0)  # without a lock, which a process that is killed would keep
    with (
        ProcessPoolExecutor(processes, context, _begin_process, (settings, ended)) as pool,
        _ended_early(pool, ended),
    ):
        batches: dict[Future[list[Outcome]], Sequence[FleetClinic]] = {
            pool.submit(_batch, work, batch, settings.clinics_at_once): batch
            for batch in _batches(clinics, min(4 * settings.clinics_at_once, ceil(len(clinics) / processes)))
        }
        for finished in as_completed(batches):
            yield from _outcomes(finished, batches[finished])


@contextmanager
def _ended_early(pool: Executor, ended: _Flag | None = None) -> Iterator[None]:
    """Where the block ends by Ctrl-C nothing else is begun; what is in hand the pool waits for.

    `ended` lets the processes of the pool know.
    """
    try:
        yield
    except BaseException as error:
        if ended is not None:  # a flag that is not set is false
            ended.value = 1
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            click.echo("\nWhat is in hand is finished first. Press Ctrl+C again to end at once.", err=True)
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def _batches(clinics: Sequence[FleetClinic], size: int) -> Iterator[Sequence[FleetClinic]]:
    return (clinics[begin : begin + size] for begin in range(0, len(clinics), size))


def _outcomes(future: "Future[list[Outcome]]", batch: Sequence[FleetClinic]) -> Iterable[Outcome]:
    try:
        return future.result()
    except Exception as error:  # the process has died, by a signal or for want of memory
        log.error("a process of the fleet has ended: %s", type(error).__name__)
        message = "Problem: The work was interrupted: a process ended. Run the command again."
        return [Outcome(clinic.name, HealthLevel.FAILURE, (message,)) for clinic in batch]


class _Process:
    """This one, where it is of a pool."""

    ended: _Flag | None = None


def _begin_process(settings: FleetSettings, ended: _Flag) -> None:
    """A terminal sends Ctrl-C to all processes: only the first knows what it means here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_the_first, name="cpar-fleet-end", daemon=True).start()
    _Process.ended = ended
    settings.decide()


def _end_with_the_first() -> None:
    first = parent_process()
    assert first is not None
    first.join()
    os._exit(1)


def _batch(work: Work, clinics: Sequence[FleetClinic], at_once: int) -> list[Outcome]:
    def outcome(clinic: FleetClinic) -> Outcome | None:
        return None if _Process.ended and _Process.ended.value else _guarded(work, clinic)

    with ThreadPoolExecutor(at_once, "cpar-fleet") as threads:
        return [outcome for outcome in threads.map(outcome, clinics) if outcome]


def _guarded(work: Work, clinic: FleetClinic) -> Outcome:
    try:
        with about(trace=new_trace(), clinic=clinic.name):
            return work(clinic)
    except (Refused, SQLAlchemyError) as error:
        return Outcome(clinic.name, HealthLevel.FAILURE, (f"Problem: {sentence(error, 'cpar fleet migrate')}",))
    except Exception as error:
        # Only the kind of error: its text may hold patient data.
        log.error("clinic %s: %s", clinic.name, type(error).__name__)
        return Outcome(
            clinic.name, HealthLevel.FAILURE, (f"Problem: An error occurred ({type(error).__name__}). See the log.",)
        )


@contextmanager
def progress(text: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar where someone looks at a terminal; it moves on each time that what the block is given is called."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # cron needs none
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(text), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=total)
        yield lambda: bar.advance(task)
