"""What has the regular work done, and what to do where it is not done."""

from typing import Final, NamedTuple, assert_never

from ...settings import Settings


class _RegularWork(NamedTuple):
    """Parts of sentences."""

    logs: str
    keep: str  # for submissions
    keep_jobs: str  # for all else


_KEEP_HOST: Final = "keep the host's scheduler running"
_KEEP_FLEET: Final = "run cpar fleet run-due every minute from there"
_KEEP_WORKERS: Final = "keep both running: cpar fleet beat, cpar fleet worker"
_HOST: Final = _RegularWork(
    "the log of the host or of cron",
    f"{_KEEP_HOST}, or run cpar run-due every minute from cron or systemd",
    f"{_KEEP_HOST} (cpar run-due does not do this)",
)
_FLEET: Final = _RegularWork("the log of cron or systemd", _KEEP_FLEET, _KEEP_FLEET)
_WORKERS: Final = _RegularWork("the logs of the beat and of the workers", _KEEP_WORKERS, _KEEP_WORKERS)


def remedy(settings: Settings, *, jobs: bool = False) -> str:
    """What to do where it is not done; `jobs`: other work than submissions."""
    work = _regular_work(settings)
    return f"Check {work.logs}, and {work.keep_jobs if jobs else work.keep}."


def _regular_work(settings: Settings) -> _RegularWork:
    match settings.scheduler:
        case "host":
            return _HOST
        case "fleet":
            return _FLEET
        case "workers":
            return _WORKERS
        case _:
            assert_never(settings.scheduler)
