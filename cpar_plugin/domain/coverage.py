"""Whether a patient is covered: what the two dates of coverage in the EMR say on a day.

The same in SQL: `services.roster.coverage`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, Protocol

from .birth import birth_date as calendar_day
from .exhaustive import exhaustive
from .jurisdictions import may_be_alberta

# Programs write 0001-01-01, 1900-01-01 or 9999-12-31 where there is no date.
FIRST_DAY: Final = "1901-01-01"
LAST_DAY: Final = "9998-12-31"
NOT_ENTERED: Final = ("", "0000-00-00")  # and None


class CoverageUse(StrEnum):
    """What is made of coverage. The value is that of the setting."""

    OFF = "off"
    CAUTION = "caution"
    EXCLUDE = "exclude"  # a caution, and who is no longer covered is excluded


class Coverage(StrEnum):
    """What the dates say on a day. The order is the order in which they are offered."""

    ENDED = "ended"
    ENDS_SOON = "ends-soon"
    BEGINS_LATER = "begins-later"
    UNKNOWN = "unknown"
    CURRENT = "current"


class Covered(Protocol):
    """What the host knows of a patient's coverage: ISO texts, perhaps impossible dates; None where none was entered."""

    @property
    def phn_jurisdiction(self) -> str | None: ...
    @property
    def coverage_start(self) -> str | None: ...  # the first day
    @property
    def coverage_end(self) -> str | None: ...  # the last day


LABELS = exhaustive(
    __name__,
    Coverage,
    {
        Coverage.ENDED: "Ended",
        Coverage.ENDS_SOON: "Ends soon",
        Coverage.BEGINS_LATER: "Not begun",
        Coverage.UNKNOWN: "Unknown",
        Coverage.CURRENT: "Current",
    },
)


@dataclass(frozen=True, slots=True)
class CoverageRules:
    """What is made of coverage, and how many days before its end it ends soon."""

    use: CoverageUse = CoverageUse.OFF
    ends_within_days: int = 30

    def soon(self, today: date) -> date:
        """The last day of an end that comes soon."""
        return today + timedelta(days=self.ends_within_days)

    def state(self, patient: Covered, today: date) -> Coverage | None:
        """What the dates say today.

        None for the card of another jurisdiction: its dates say nothing about coverage in Alberta.
        """
        if not may_be_alberta(patient.phn_jurisdiction):
            return None
        start, end = coverage_day(patient.coverage_start), coverage_day(patient.coverage_end)
        if start and end and end < start:
            return Coverage.UNKNOWN
        if end and end < today:
            return Coverage.ENDED
        if start and start > today:
            return Coverage.BEGINS_LATER
        if end is None:
            return Coverage.UNKNOWN
        return Coverage.ENDS_SOON if end <= self.soon(today) else Coverage.CURRENT


NOT_WATCHED: Final = CoverageRules()


def coverage_day(text: str | None) -> date | None:
    """The day of an ISO text; None for what is none, and for a date that programs write where there is none."""
    return calendar_day(text) if text and FIRST_DAY <= text <= LAST_DAY else None


def says_nothing_usable(patient: Covered) -> bool:
    """Whether a date was entered that is of no use: an impossible one, or an end before the beginning.

    Most records of a clinic may have no dates at all: that alone is nothing to point out about each patient.
    """
    entered = [text for text in (patient.coverage_start, patient.coverage_end) if text and text not in NOT_ENTERED]
    days = [coverage_day(text) for text in entered]
    return None in days or days != sorted(filter(None, days))
