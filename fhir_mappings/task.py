"""Lines of the registry's reports as Tasks: that something does not agree, of whom, and how far the work on it is.

Neither notes nor names nor what the registry says are in a Task: the clinic's pages have those.
"""

from datetime import date, datetime
from typing import Final, Protocol

from ..domain.exhaustive import exhaustive
from ..domain.report_lines import STATE_LABELS, ReportLineState
from ..domain.reports import ReportKind
from ..settings import Settings
from .identifiers import Refer, Resource
from .panel_group import instant

R4_TASK: Final = "http://hl7.org/fhir/StructureDefinition/Task"
STATUSES: Final = "http://hl7.org/fhir/task-status"
REQUESTED: Final = "requested"  # open, and nobody has taken it
# https://hl7.org/fhir/R4/valueset-task-status.html
STATUS_OF: Final = exhaustive(
    __name__,
    ReportLineState,
    {
        ReportLineState.OPEN: "accepted",
        ReportLineState.WAITING: "on-hold",
        ReportLineState.DONE: "completed",
        ReportLineState.FIXED: "completed",
        ReportLineState.OURS_IS_RIGHT: "completed",
        ReportLineState.WILL_NOT_DO: "rejected",
    },
)
CODE_DISPLAYS: Final = {
    ReportKind.CONFLICT.value: "The patient is on a panel of another clinic too",
    ReportKind.MISMATCH.value: "The patient's data are not the same as the registry's",
}


STATE_DISPLAYS: Final = {state.value: STATE_LABELS[state] for state in ReportLineState}


class TaskLine(Protocol):
    """A line with the member whom it is about. `panel_id` is the member's."""

    @property
    def line_id(self) -> int: ...
    @property
    def patient_id(self) -> int: ...
    @property
    def panel_id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def owner_id(self) -> str | None: ...
    @property
    def opened_at(self) -> datetime: ...
    @property
    def changed_at(self) -> datetime | None: ...


def codes(settings: Settings) -> str:
    """The code system of what a Task is about."""
    return f"{settings.uri_codes}/report-line"


def states(settings: Settings) -> str:
    """The code system of how far the work is, in the clinic's words."""
    return f"{settings.uri_codes}/report-line-state"


def status(state: ReportLineState, *, is_taken: bool) -> str:
    """R4's status of a line."""
    return REQUESTED if state is ReportLineState.OPEN and not is_taken else STATUS_OF[state]


def task(line: TaskLine, due: date | None, settings: Settings, refer: Refer) -> Resource:
    """`due`: by which of the clinic's days the work is to be done, if there is such a day."""
    resource: Resource = {
        "resourceType": "Task",
        "id": str(line.line_id),
        "meta": {"profile": [R4_TASK]},
        "status": status(ReportLineState(line.state), is_taken=bool(line.owner_id)),
        "businessStatus": {
            "coding": [{"system": states(settings), "code": line.state, "display": STATE_DISPLAYS[line.state]}],
        },
        "intent": "order",
        "code": {
            "coding": [{"system": codes(settings), "code": line.kind, "display": CODE_DISPLAYS[line.kind]}],
        },
        "focus": {"reference": refer(f"Group/{line.panel_id}")},
        "for": {"reference": refer(f"Patient/{line.patient_id}")},
        "authoredOn": instant(line.opened_at),
        # R4, inv-1: not before authoredOn. A line that came back was opened again after its last change.
        "lastModified": instant(max(line.opened_at, line.changed_at or line.opened_at)),
    }
    if due:
        resource["restriction"] = {"period": {"end": due.isoformat()}}
    return resource


def patient_of(resource: Resource) -> int:
    """The patient whom a Task is for."""
    return int(resource["for"]["reference"].rpartition("/")[2])
