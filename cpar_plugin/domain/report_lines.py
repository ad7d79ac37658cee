"""The lines of reports as work: each stays the same line from report to report, with how far the work on it is."""

from enum import StrEnum
from typing import Final

from .exhaustive import exhaustive
from .refusals import Refused
from .reports import ReportKind


class ReportLineState(StrEnum):
    """How far the work on a line is, in the order in which states are shown."""

    OPEN = "open"
    WAITING = "waiting"
    DONE = "done"
    WILL_NOT_DO = "will-not-do"


STATE_LABELS: Final = exhaustive(
    __name__,
    ReportLineState,
    {
        ReportLineState.OPEN: "Open",
        ReportLineState.WAITING: "Waiting",
        ReportLineState.DONE: "Done",
        ReportLineState.WILL_NOT_DO: "Will not do",
    },
)
# Whether each line of such a report is work for someone.
IS_WORK: Final = exhaustive(
    __name__,
    ReportKind,
    {
        ReportKind.CONFLICT: True,
        ReportKind.MISMATCH: True,
        ReportKind.REGISTRY_LIST: False,
        ReportKind.METRICS: False,
        ReportKind.OTHER: True,
    },
)
_TIMES: Final = {2: "second time", 3: "third time"}


def times_text(times: int) -> str:
    """How often a line has come back; '' for the first time."""
    return _TIMES.get(times, f"time no. {times}") if times > 1 else ""


def require_why(state: ReportLineState, note: str) -> None:
    """Raises Refused (`note`) where the reason has to be noted."""
    if state is ReportLineState.WILL_NOT_DO and not note:
        raise Refused({"note": "Enter why in the note, then Will not do."})
