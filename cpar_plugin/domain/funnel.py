"""From the members of a panel to those that are paid for: each step with how many it loses, and how many come in.

Every step says since which other one it counts: what that one has, less those lost, with those gained, is what it has
itself. A step that nobody has reported is passed over. Sources: the members and the last submission are ours, and have
their lists; the registry reports numbers without names (the metrics of a panel), unless its own list was uploaded.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from .exhaustive import exhaustive
from .reasons import Reason


class FunnelStep(StrEnum):
    """The steps, from the EMR to the payment."""

    MEMBERS = "members"
    SUBMITTABLE = "submittable"
    SENT = "sent"
    RECEIVED = "received"
    ATTACHED = "attached"
    PAYABLE = "payable"  # an estimate


STEP_LABELS: Final = exhaustive(
    __name__,
    FunnelStep,
    {
        FunnelStep.MEMBERS: "In the EMR",
        FunnelStep.SUBMITTABLE: "Would be submitted",
        FunnelStep.SENT: "Sent",
        FunnelStep.RECEIVED: "In the registry's file",
        FunnelStep.ATTACHED: "Attached",
        FunnelStep.PAYABLE: "Payable (estimate)",
    },
)


@dataclass(frozen=True, slots=True)
class PatientCount:
    """A number of patients, and the day that it is of; None where its source has none."""

    patients: int
    on: date | None


@dataclass(frozen=True, slots=True)
class RegistryListed:
    """The registry's own list of a panel, as it was uploaded last, against the members as they are now."""

    report_id: int
    on: date  # of the upload
    only_ours: int  # members who are not in it
    only_registry: int  # rows about others


@dataclass(frozen=True, slots=True)
class SentNow:
    """The last submission that arrived. `added` would be submitted now and were not in it, `removed` the reverse.

    Both are None where who was in it is no longer kept.
    """

    submission_id: int
    count: PatientCount
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class FunnelFigures:
    """What is known of a panel, in numbers of patients. None: there is none, or nobody has reported it.

    `confirmation_only` are those excluded who need nothing but a confirmation. `coverage_ended` are members
    whose coverage has ended: those who would be submitted, and where it excludes them, those who were sent. None where
    the EMR does not say, or the clinic does not look at it.
    """

    members: int
    excluded: int = 0
    confirmation_only: int = 0
    sent: SentNow | None = None
    received: PatientCount | None = None
    attached: PatientCount | None = None
    listed: RegistryListed | None = None
    coverage_ended: int | None = None


@dataclass(frozen=True, slots=True)
class StepCount:
    """One step. Without `count` nothing is known, and it is passed over: then all others are None too."""

    step: FunnelStep
    count: PatientCount | None
    since: FunnelStep | None = None
    lost: int | None = None
    gained: int | None = None


def needs_confirmation_only(reasons: Sequence[Reason]) -> bool:
    """Whether a confirmation is all that keeps a member from being submitted."""
    return tuple(reasons) == (Reason.NO_CONFIRMATION,)


def steps(figures: FunnelFigures) -> Sequence[StepCount]:
    """Every step, in order."""
    result: list[StepCount] = []
    last = FunnelStep.MEMBERS
    counts = {FunnelStep.MEMBERS: figures.members}
    for step in FunnelStep:
        one = _step(step, figures, last, counts)
        if one.count is not None:
            last, counts[step] = step, one.count.patients
        result.append(one)
    return result


def _step(step: FunnelStep, figures: FunnelFigures, last: FunnelStep, counts: dict[FunnelStep, int]) -> StepCount:
    match step:
        case FunnelStep.MEMBERS:
            return StepCount(step, PatientCount(figures.members, None))
        case FunnelStep.SUBMITTABLE:
            return StepCount(step, PatientCount(figures.members - figures.excluded, None), last, figures.excluded, 0)
        case FunnelStep.SENT:
            if figures.sent is None:
                return StepCount(step, None)
            if figures.sent.added is None or figures.sent.removed is None:
                return _reported(step, figures.sent.count, last, counts)
            return StepCount(step, figures.sent.count, last, figures.sent.added, figures.sent.removed)
        case FunnelStep.RECEIVED:
            listed = figures.listed
            if figures.received is None and listed is not None:
                count = PatientCount(figures.members - listed.only_ours, listed.on)
                return StepCount(step, count, FunnelStep.MEMBERS, listed.only_ours, 0)
            return _reported(step, figures.received, last, counts)
        case FunnelStep.ATTACHED:
            return _reported(step, figures.attached, last, counts)
        case FunnelStep.PAYABLE:
            if figures.attached is None or figures.coverage_ended is None:
                return StepCount(step, None)
            lost = min(figures.coverage_ended, figures.attached.patients)
            count = PatientCount(figures.attached.patients - lost, figures.attached.on)
            return StepCount(step, count, FunnelStep.ATTACHED, lost, 0)


def _reported(
    step: FunnelStep, count: PatientCount | None, last: FunnelStep, counts: dict[FunnelStep, int]
) -> StepCount:
    """A step of which only the number is known, and the difference to the last one that is."""
    if count is None:
        return StepCount(step, None)
    difference = counts[last] - count.patients
    return StepCount(step, count, last, max(difference, 0), max(-difference, 0))


@dataclass(frozen=True, slots=True)
class StepTotal:
    """A step of several panels together: of `panels` it is known, and only these are counted."""

    step: FunnelStep
    patients: int
    panels: int
    lost: int
    gained: int
    first_on: date | None  # the days that the numbers are of
    last_on: date | None


def totals(panels: Iterable[Sequence[StepCount]]) -> Sequence[StepTotal]:
    """The steps of all panels together. Losses and gains are those of each panel, added."""
    sums = {step: StepTotal(step, 0, 0, 0, 0, None, None) for step in FunnelStep}
    for one in (one for panel in panels for one in panel if one.count is not None):
        assert one.count
        so_far, on = sums[one.step], one.count.on
        sums[one.step] = StepTotal(
            one.step,
            so_far.patients + one.count.patients,
            so_far.panels + 1,
            so_far.lost + (one.lost or 0),
            so_far.gained + (one.gained or 0),
            min(_days(so_far.first_on, on), default=None),
            max(_days(so_far.last_on, on), default=None),
        )
    return tuple(sums.values())


def _days(*days: date | None) -> Iterator[date]:
    yield from (day for day in days if day is not None)
