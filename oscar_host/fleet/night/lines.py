"""One line for each clinic: how its night stands, and what needs doing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cpar_plugin.domain.exhaustive import exhaustive
from cpar_plugin.domain.pace import time_left
from cpar_plugin.domain.submission import LOUD, SubmissionState
from cpar_plugin.services.submissions.night_counts import NightCounts
from cpar_plugin.services.submissions.notices import quiet_since
from cpar_plugin.services.submissions.texts import STATE, Stage

from ..clinic import FleetReading
from .readings import NightReading, NightReadings

_NAMED: Final = 10  # panels of one clinic


class NightState(StrEnum):
    """What an operator looks for, the most urgent first. The value is what it is called."""

    WRONG = "Wrong settings"
    UNREADABLE = "Database unreachable"
    NO_TABLES = "Tables missing"
    QUIET = "No worker"
    ATTENTION = "Needs attention"
    RETRIED = "Retry scheduled"
    IN_PROGRESS = "In progress"
    UNREAD = "Not read yet"
    DRAINING = "Draining"
    OFF = "Turned off"
    INCOMPLETE = "Not set up"
    DONE = "Finished"
    NOTHING = "Nothing due"

    @property
    def needs_someone(self) -> bool:
        """Whether it does not become right by itself."""
        return self in _URGENT


_URGENT: Final = frozenset(
    {NightState.WRONG, NightState.UNREADABLE, NightState.NO_TABLES, NightState.QUIET, NightState.ATTENTION}
)
_ORDER: Final = {state: place for place, state in enumerate(NightState)}

_TO_DO: Final[Mapping[NightState, str]] = exhaustive(
    __name__,
    NightState,
    {
        NightState.WRONG: "",  # the reason says it
        NightState.UNREADABLE: "Check that its database runs and lets the fleet in: cpar fleet doctor {name}",
        NightState.NO_TABLES: "Run: cpar fleet migrate {name}",
        NightState.QUIET: "Check that workers run, or cpar fleet run-due, and its log.",
        NightState.ATTENTION: "See cpar fleet status {name}",
        NightState.RETRIED: "",
        NightState.IN_PROGRESS: "",
        NightState.UNREAD: "",
        NightState.DRAINING: "To end that: cpar fleet drain --end {name}",
        NightState.OFF: "",
        NightState.INCOMPLETE: "The clinic enters its Clinic Name and Site ID in Settings.",
        NightState.DONE: "",
        NightState.NOTHING: "",
    },
)
_REMEDY: Final[Mapping[SubmissionState, str]] = {
    SubmissionState.REFUSED: "The clinic corrects what the registry did not accept, then presses Retry.",
    SubmissionState.FAILED: "Fix the cause, then the clinic presses Retry.",
    SubmissionState.MISSED: "The clinic submits it manually.",
    SubmissionState.NOTHING_TO_SEND: "The clinic looks at its exclusions.",
    SubmissionState.HELD: "The clinic releases it in Submission History.",
}
assert set(_REMEDY) == LOUD


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicLine:
    """A clinic, by its name in the fleet. No patient, and no name of a provider or of a panel."""

    name: str
    state: NightState
    counts: NightCounts | None = None
    sentences: tuple[str, ...] = ()
    unreadable_since: datetime | None = None
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetNight:
    """All clinics, the most urgent first, and their sums. What cannot be read counts as it was last read."""

    lines: tuple[ClinicLine, ...]
    panels: int
    delivered: int
    held: int
    failed: int
    nothing_to_send: int
    retried: int
    in_progress: int
    began_at: datetime | None  # the earliest night run of which something is still in progress
    left: timedelta | None  # until what is in progress has finished; None where it is not known


def fleet_night(readings: NightReadings) -> FleetNight:
    """As far as it is known now. Returns at once."""
    fleet, now = readings.clinics.read(), readings.clock.now()
    lines = [
        ClinicLine(name=wrong.name, state=NightState.WRONG, sentences=(wrong.reason,)) for wrong in fleet.wrong.values()
    ]
    lines += [_line(name, readings.of(name), fleet, now) for name in fleet.clinics]
    counts = [line.counts for line in lines if line.counts]
    working = [one for one in counts if one.in_progress or one.finished_lately]
    in_progress = sum(one.in_progress for one in counts)
    return FleetNight(
        lines=tuple(sorted(lines, key=lambda line: (_ORDER[line.state], line.name))),
        panels=sum(one.panels for one in counts),
        delivered=_sum(counts, Stage.DELIVERED),
        held=_sum(counts, Stage.HELD),
        failed=_sum(counts, Stage.FAILED),
        nothing_to_send=_sum(counts, Stage.NOTHING_TO_SEND),
        retried=sum(one.retried for one in counts),
        in_progress=in_progress,
        began_at=min((one.began_at for one in working if one.in_progress and one.began_at), default=None),
        left=time_left(
            in_progress,
            sum(one.finished_lately for one in counts),
            max((one.ran_for for one in working), default=timedelta(0)),
        ),
    )


def _sum(counts: Iterable[NightCounts], stage: Stage) -> int:
    return sum(one.of(stage) for one in counts)


def _line(name: str, reading: NightReading, fleet: FleetReading, now: datetime) -> ClinicLine:
    state = _state(name, reading, fleet)
    sentences = [_TO_DO[state].format(name=name)]
    if reading.counts and state is not NightState.OFF:
        sentences += [_panels(reading.counts, one) for one in sorted(LOUD) if reading.counts.states[one]]
        if reading.counts.retried:
            sentences.append(f"Panels that will be tried again: {reading.counts.retried}.")
    return ClinicLine(
        name=name,
        state=state,
        counts=reading.counts,
        sentences=tuple(filter(None, sentences)),
        unreadable_since=reading.unreadable_since,
        read_at=reading.read_at,
    )


def _state(name: str, reading: NightReading, fleet: FleetReading) -> NightState:
    counts = reading.counts
    if reading.unreadable_since:
        return NightState.NO_TABLES if reading.lacks_tables else NightState.UNREADABLE
    if counts is None:
        return NightState.UNREAD
    if counts.enabled_at is None:
        return NightState.OFF
    if name in fleet.draining:
        return NightState.DRAINING
    if quiet_since(counts.enabled_at, counts.beat_at, counts.read_at):
        return NightState.QUIET
    if any(counts.states[one] for one in LOUD):
        return NightState.ATTENTION
    if not counts.is_configured:
        return NightState.INCOMPLETE
    if counts.in_progress:
        return NightState.IN_PROGRESS
    if counts.retried:
        return NightState.RETRIED
    return NightState.DONE if counts.states else NightState.NOTHING


def _panels(counts: NightCounts, state: SubmissionState) -> str:
    ids = counts.panel_ids.get(state, ())
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"{STATE[state]}: panel {', '.join(map(str, ids[:_NAMED]))}{more}. {_REMEDY[state]}"
