"""The lines of reports as work: each stays the same line from report to report, with how far the work on it is."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from .exhaustive import exhaustive
from .refusals import Refused
from .reports import ReportKind


class ReportLineState(StrEnum):
    """How far the work on a line is, in the order in which states are shown."""

    OPEN = "open"
    WAITING = "waiting"
    DONE = "done"
    FIXED = "fixed"  # by itself: the record has what the registry has
    OURS_IS_RIGHT = "ours-is-right"  # the registry's value is wrong
    WILL_NOT_DO = "will-not-do"


STATE_LABELS: Final = exhaustive(
    __name__,
    ReportLineState,
    {
        ReportLineState.OPEN: "Open",
        ReportLineState.WAITING: "Waiting",
        ReportLineState.DONE: "Done",
        ReportLineState.FIXED: "Fixed in the record",
        ReportLineState.OURS_IS_RIGHT: "Ours is right",
        ReportLineState.WILL_NOT_DO: "Will not do",
    },
)
IS_TO_DO: Final = exhaustive(
    __name__,
    ReportLineState,
    {
        ReportLineState.OPEN: True,
        ReportLineState.WAITING: True,
        ReportLineState.DONE: False,
        ReportLineState.FIXED: False,
        ReportLineState.OURS_IS_RIGHT: False,
        ReportLineState.WILL_NOT_DO: False,
    },
)
IS_DONE: Final = (ReportLineState.DONE.value, ReportLineState.FIXED.value)  # until a report has it again
SET_BY_PEOPLE: Final = tuple(state for state in ReportLineState if state is not ReportLineState.FIXED)
WITH_WHY: Final = (ReportLineState.OURS_IS_RIGHT, ReportLineState.WILL_NOT_DO)  # the note says why
TO_DO: Final = tuple(state.value for state, is_to_do in IS_TO_DO.items() if is_to_do)


class LineComparison(StrEnum):
    """Why a line changed by itself."""

    FIXED = "fixed"
    NOT_FIXED = "not-fixed"
    ON_PANEL_AGAIN = "on-panel-again"
    PANEL_DELETED = "panel-deleted"


COMPARISON_TEXTS: Final = exhaustive(
    __name__,
    LineComparison,
    {
        LineComparison.FIXED: "The record has what the registry has",
        LineComparison.NOT_FIXED: "The record no longer has what the registry has",
        LineComparison.ON_PANEL_AGAIN: "The patient is on a panel again: what was decided no longer holds",
        LineComparison.PANEL_DELETED: "Closed: the panel of the report was deleted",
    },
)
GONE_FROM_REPORT, PANEL_DELETED = "Gone from the report", "Panel deleted"  # why a line is closed
# What a line says of a patient, on the patient's page.
OF_PATIENT: Final = exhaustive(
    __name__,
    ReportKind,
    {
        ReportKind.CONFLICT: "Conflict with another clinic",
        ReportKind.MISMATCH: "Data not the same as the registry's",
        ReportKind.REGISTRY_LIST: "In the registry's list of a panel",
        ReportKind.METRICS: "In a report of the registry",
        ReportKind.OTHER: "In a report of the registry",
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


def due_on(opened_at: datetime, days: int, zone: ZoneInfo) -> date | None:
    """By which of the clinic's days a line is to be done; None where `days` is 0."""
    return opened_at.astimezone(zone).date() + timedelta(days=days) if days else None


def overdue_before(now: datetime, days: int, zone: ZoneInfo) -> datetime | None:
    """Lines that came before this moment are overdue: their day was before today. None where there is no such day."""
    if not days:
        return None
    return datetime.combine(now.astimezone(zone).date() - timedelta(days=days), time(), zone).astimezone(UTC)


def require_why(state: ReportLineState, note: str) -> None:
    """Raises Refused (`note`) where the reason has to be noted."""
    if state in WITH_WHY and not note:
        raise Refused({"note": f"Enter why in the note, then {STATE_LABELS[state]}."})
