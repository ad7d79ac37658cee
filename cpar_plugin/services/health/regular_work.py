"""What has the regular work done, and what to do where it is not done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ...settings import Settings


@dataclass(frozen=True, slots=True)
class RegularWork:
    """Parts of sentences."""

    logs: str
    keep: str  # for submissions
    keep_jobs: str = ""  # for all else, where that is another


_BY_SETTING: Final[Mapping[str, RegularWork]] = {
    "host": RegularWork(
        "the log of the host or of cron",
        "keep the host's scheduler running, or run cpar run-due every minute from cron or systemd",
        "keep the host's scheduler running (cpar run-due does not do this)",
    ),
    "fleet": RegularWork("the log of cron or systemd", "run cpar fleet run-due every minute from there"),
    "workers": RegularWork(
        "the logs of the beat and of the workers", "keep both running: cpar fleet beat, cpar fleet worker"
    ),
}


def remedy(settings: Settings, *, jobs: bool = False) -> str:
    """What to do where it is not done; `jobs`: other work than submissions."""
    work = _BY_SETTING[settings.scheduler]
    return f"Check {work.logs}, and {(work.keep_jobs if jobs else '') or work.keep}."
