"""How many of a panel's patients were asked, and how many are confirmed: counted month by month, for each panel."""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final, Self
from zoneinfo import ZoneInfo

from .bands import months_before
from .confirmation import ConfirmedHow

# Someone spoke with the patient, or decided about this one patient alone.
IN_PERSON: Final = (ConfirmedHow.AT_CHECK_IN, ConfirmedHow.BY_PERSON)


@dataclass(frozen=True, slots=True)
class RateCounts:
    """What the two rates of a month are made of, for one panel or several: a patient is on one panel at most.

    `visited`: members with a visit in the month; None where the host cannot say. `in_person`: those of them who were
    confirmed in person in the month. `members`, and `confirmed`: those whose confirmation is recent.
    """

    visited: int | None
    in_person: int
    members: int
    confirmed: int


def rate(part: int, whole: int | None) -> float | None:
    """A share, 0 to 1. None where there is no one to have a share of: that is no rate, not a rate of nothing."""
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class CalendarMonth:
    """A month of the clinic's calendar."""

    first: date

    @classmethod
    def of(cls, day: date) -> Self:
        """The month of a day."""
        return cls(day.replace(day=1))

    @property
    def previous(self) -> Self:
        """The month before."""
        return type(self)(months_before(self.first, 1))

    @property
    def following(self) -> date:
        """The first day of the next month."""
        return months_before(self.first, -1)

    def ends(self, zone: ZoneInfo) -> datetime:
        """The moment at which it is over: midnight in the clinic's zone."""
        return datetime.combine(self.following, time(), zone)

    def starts(self, zone: ZoneInfo) -> datetime:
        """Its first moment, likewise."""
        return datetime.combine(self.first, time(), zone)
