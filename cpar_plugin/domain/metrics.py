"""The registry's metrics of a panel: what it had in the file and counts as attached, beside what was sent."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from .list_cells import plain
from .refusals import Refused

MOST: Final = 9_999_999
MONTHS: Final = 12  # for which figures can be entered
_COUNT = re.compile(r"\d{1,7}|\d{1,3}(?:[ ,.'\u00a0\u202f]\d{3})+", re.ASCII)
_WHOLE = re.compile(r"(.+)[.,]0{1,2}")  # as spreadsheets keep whole numbers
_ISO_MONTH = re.compile(r"(\d{4})-(\d{2})(?:-\d{2})?", re.ASCII)
_NAMED_MONTH = re.compile(r"([a-z]{3,9}) (\d{4})", re.ASCII)
_NAMES: Final = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)


@dataclass(frozen=True, slots=True)
class RegistryCounts:
    """Patients of a panel by the registry's count; None for what it did not say. `as_of`: the date of its source."""

    received: int | None  # in the file that it received
    attached: int | None
    as_of: date | None

    @property
    def present(self) -> bool:
        """Whether it has any count: without, there is none for the month."""
        return self.received is not None or self.attached is not None


NO_COUNTS: Final = RegistryCounts(None, None, None)


@dataclass(frozen=True, slots=True)
class AttachmentGap:
    """How many of those sent are not attached (negative: more are attached than were sent), and what explains it.

    A patient with a conflict and a mismatch counts as conflict alone.
    """

    patients: int
    conflicts: int
    mismatches: int

    @property
    def unexplained(self) -> int:
        """What neither conflicts nor mismatches explain."""
        return max(self.patients - self.conflicts - self.mismatches, 0)


def entered_counts(received: str, attached: str, as_of: str, today: date) -> RegistryCounts:
    """What was typed. Raises Refused by field (`received`, `attached`, `as_of`)."""
    messages: dict[str, str] = {}
    counts = {}
    for field, text in (("received", received), ("attached", attached)):
        counts[field] = counted(text)
        if text.strip() and counts[field] is None:
            messages[field] = f"Enter a whole number from 0 to {MOST:,}."
    if not messages and all(count is None for count in counts.values()):
        messages["received"] = "Enter at least one of the two numbers."
    try:
        day = date.fromisoformat(as_of.strip())
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 3000:
        messages["as_of"] = "Enter the date of the report or page as year-month-day, for instance 2026-11-07."
    elif day > today:
        messages["as_of"] = "This date is in the future: enter the date of the report or page."
    if messages:
        raise Refused(messages)
    return RegistryCounts(counts["received"], counts["attached"], day)


def counted(text: str) -> int | None:
    """A number of patients as people and spreadsheets write it; None for what is none."""
    text = text.strip()
    if whole := _WHOLE.fullmatch(text):
        text = whole[1]
    if not _COUNT.fullmatch(text):
        return None
    number = int(re.sub(r"\D", "", text))
    return number if number <= MOST else None


def month_named(text: str, otherwise: date) -> date | None:
    """The first day of the month that a report names by a date, `2026-11` or `November 2026`; None for any other text.

    '' is the month of `otherwise`.
    """
    if not text:
        return otherwise.replace(day=1)
    if iso := _ISO_MONTH.fullmatch(text):
        year, month = int(iso[1]), int(iso[2])
    elif named := _NAMED_MONTH.fullmatch(plain(text)):
        places = (place for place, name in enumerate(_NAMES, 1) if name.startswith(named[1]))
        year, month = int(named[2]), next(places, 0)
    else:
        return None
    return date(year, month, 1) if 2000 <= year < 3000 and 1 <= month <= 12 else None


def gap(sent: int | None, attached: int | None, conflicts: int, mismatches: int) -> AttachmentGap | None:
    """None unless both are known."""
    return None if sent is None or attached is None else AttachmentGap(sent - attached, conflicts, mismatches)
