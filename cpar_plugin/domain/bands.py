"""The bands in which an overview counts: how long ago a day was, and how old patients are."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from typing import Final

# Up to how many months ago, each band from where the one before it ends. Source: the filters of a panel's page.
_LAPSES: Final = (
    ("Less than 1 month", 1),
    ("1 to 3 months", 3),
    ("3 to 6 months", 6),
    ("6 to 12 months", 12),
    ("1 to 2 years", 24),
    ("2 to 3 years", 36),
)
LONGEST: Final = "3 years or longer"
NEVER: Final = "Never"
LAPSES: Final = (*(label for label, _ in _LAPSES), LONGEST, NEVER)
# The bands of the days that many years ago or more, NEVER among them.
YEARS_AGO: Final = {
    months // 12: LAPSES[place:] for place, (_, months) in enumerate(_LAPSES, 1) if months in (12, 24, 36)
}

_DECADES: Final = range(0, 90, 10)
OLDEST: Final = "90 or older"
UNDATED: Final = "No valid date"
AGES: Final = (*(f"{age} to {age + 9}" for age in _DECADES), OLDEST, UNDATED)

_FIRST_YEAR = 1


def lapse_bounds(today: date) -> Sequence[tuple[str, date]]:
    """Each band with the day after which its days begin; a day belongs to the first band where that is true.

    Days up to the last bound are of the band LONGEST. A day in the future is of the first band.
    """
    return [(label, months_before(today, months)) for label, months in _LAPSES]


def age_bounds(today: date) -> Sequence[tuple[str, date]]:
    """Each band of ages with the day after which its patients were born, in the same way; the others are OLDEST."""
    return [(label, months_before(today, 12 * (age + 10))) for label, age in zip(AGES, _DECADES, strict=False)]


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    if year < _FIRST_YEAR:
        return date.min
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def month_starts(today: date, count: int) -> Sequence[date]:
    """The first days of the last `count` months, that of `today` among them, the earliest first."""
    first = today.replace(day=1)
    return [months_before(first, back) for back in reversed(range(count))]
