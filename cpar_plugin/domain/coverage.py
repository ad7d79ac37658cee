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
ZERO_DATE: Final = "0000-00-00"


class CoverageUse(StrEnum):
    """What is made of coverage. The value is that of the setting."""

    OFF = "off"
    CAUTION = "caution"
    EXCLUDE = "exclude"  # a caution, and who is no longer covered is excluded


class UnknownCoverage(StrEnum):
    """Which patients without a usable last day have unknown coverage. The value is that of the setting."""

    UNUSABLE = "unusable"  # a date was entered that is none; a database's zero date counts as not entered
    ZERO = "zero"  # the same, and a zero date counts as one that is none
    ALL = "all"


class Coverage(StrEnum):
    """What the dates say on a day. The order is the order in which they are offered."""

    ENDED = "ended"
    ENDS_SOON = "ends-soon"
    BEGINS_LATER = "begins-later"
    UNKNOWN = "unknown"
    NOT_ENTERED = "not-entered"  # no last day, which alone is nothing to point out
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
        Coverage.NOT_ENTERED: "No end date",
        Coverage.CURRENT: "Current",
    },
)


@dataclass(frozen=True, slots=True)
class CoverageRules:
    """What is made of coverage, how many days before its end it ends soon, and whose is unknown."""

    use: CoverageUse = CoverageUse.OFF
    ends_within_days: int = 30
    unknown: UnknownCoverage = UnknownCoverage.ZERO

    @property
    def not_entered(self) -> tuple[str, ...]:
        """The texts, besides none, that stand for a date that no one has entered."""
        return ("", ZERO_DATE) if self.unknown is UnknownCoverage.UNUSABLE else ("",)

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
            texts = patient.coverage_start, patient.coverage_end
            is_unknown = self.unknown is UnknownCoverage.ALL or any(map(self._is_unusable, texts))
            return Coverage.UNKNOWN if is_unknown else Coverage.NOT_ENTERED
        return Coverage.ENDS_SOON if end <= self.soon(today) else Coverage.CURRENT

    def _is_unusable(self, text: str | None) -> bool:
        return text is not None and text not in self.not_entered and coverage_day(text) is None


NOT_WATCHED: Final = CoverageRules()


def coverage_day(text: str | None) -> date | None:
    """The day of an ISO text; None for what is none, and for a date that programs write where there is none."""
    return calendar_day(text) if text and FIRST_DAY <= text <= LAST_DAY else None
