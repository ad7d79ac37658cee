"""The cells of a list of patients, as other programs and spreadsheets leave them."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from enum import IntEnum, StrEnum
from typing import Final

from .texts import readable, without_separators

PHN_DIGITS: Final = 9
_FEWEST_DIGITS: Final = 7  # of a PHN that was kept as a number and has lost its leading zeros
_WHOLE = re.compile(r"(\d+)\.0*")


class DateOrder(StrEnum):
    """The order of day, month and year in dates that are all digits."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"
    YEAR_FIRST = "ymd"


class SerialsFrom(IntEnum):
    """From which year a spreadsheet counts the days that it keeps as numbers."""

    WINDOWS = 1900
    MAC = 1904


def plain(text: str) -> str:
    """Small letters without accents, digits, and single spaces for everything else."""
    if text.isascii() and text.isalnum():
        return text.lower()
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", re.sub(r"[\u0300-\u036f]", "", letters)).split())


def listed_phn(text: str) -> str:
    """A PHN as nine digits: without separators and `.0`, with the zeros that a number has lost.

    What cannot be a PHN stays as it is, without separators; '' for none.
    """
    if len(text) == PHN_DIGITS and text.isascii() and text.isdigit():
        return text
    digits = without_separators(text.strip().lstrip("'"))
    if whole := _WHOLE.fullmatch(digits):
        digits = whole[1]
    if digits.isascii() and digits.isdigit() and _FEWEST_DIGITS <= len(digits) < PHN_DIGITS:
        return digits.zfill(PHN_DIGITS)
    return digits


def split_name(text: str, *, family_first: bool) -> tuple[str, str]:
    """Family and given name of a full name: around its comma, else the first word or the last is the family name."""
    line = readable(text) or ""
    family, comma, given = line.partition(",")
    if not comma:
        words = line.split()
        family, given = (
            (words[0], " ".join(words[1:]))
            if family_first and words
            else ((words[-1], " ".join(words[:-1])) if words else ("", ""))
        )
    return family.strip(), given.strip()


def listed_date(text: str, order: DateOrder | None, serials_from: SerialsFrom = SerialsFrom.WINDOWS) -> date | None:
    """The day that a cell names; None where it names none. `order` may be None where no date needs it."""
    if not text:
        return None
    if day := iso_day(text):
        return day
    readings = date_readings(text, serials_from)
    if order is not None:
        return readings.get(order)
    return next(iter(readings.values())) if len(set(readings.values())) == 1 else None


def iso_day(text: str) -> date | None:
    """The day of a text such as `1980-02-03`, which is read in one way whatever the order; None for any other."""
    if len(text) != _ISO_LENGTH or not text[4] == text[7] == "-":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


_ISO_LENGTH: Final = 10


def date_readings(text: str, serials_from: SerialsFrom = SerialsFrom.WINDOWS) -> Mapping[DateOrder, date]:
    """The days that a cell may name, by the order that it is read in: the same in all where there is no doubt."""
    line = _TIME.sub("", readable(text) or "").strip(" ,")
    if serial := _SERIAL.fullmatch(line):
        return _always(_serial_day(int(serial[1]), serials_from))
    if compact := _COMPACT.fullmatch(line):
        as_iso = _day(*(int(part) for part in compact.groups()))
        if as_iso and 1900 <= as_iso.year < 2100:
            return _always(as_iso)
        parts = [line[:2], line[2:4], line[4:]]
    else:
        parts = _PARTS.findall(line)
        if len(parts) != 3 or _PARTS.sub("", line).strip(" ./-,") or not any(part.isdigit() for part in parts):
            return {}
    months = [place for place, part in enumerate(parts) if not part.isdigit()]
    if len(months) > 1:
        return {}
    if months:
        month = _month(parts.pop(months[0]))
        year, day = sorted(parts, key=len, reverse=True) if len(parts[0]) != len(parts[1]) else reversed(parts)
        return _always(_day(_year(year), month, int(day)))
    if len(parts[0]) == 4:
        return _always(_day(*map(int, parts)))
    first, second, third = parts
    readings = {
        DateOrder.DAY_FIRST: _day(_year(third), int(second), int(first)),
        DateOrder.MONTH_FIRST: _day(_year(third), int(first), int(second)),
        DateOrder.YEAR_FIRST: _day(_year(first), int(second), int(third)) if len(third) < 3 else None,
    }
    return {order: day for order, day in readings.items() if day}


def is_serial(text: str) -> bool:
    """Whether a cell can only be a day as the number that a spreadsheet keeps."""
    return _SERIAL.fullmatch(text.strip()) is not None


_TIME = re.compile(r"[T ]\d{1,2}:\d{2}.*$", re.IGNORECASE)
_SERIAL = re.compile(r"(\d{3,5})(?:\.\d*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_PARTS = re.compile(r"\d{1,4}|[^\W\d_]{3,}")
# English, and French where it begins otherwise; with what tells June from July in French.
_MONTHS: Final = (
    ("jan",), ("feb", "fev"), ("mar",), ("apr", "avr"), ("may", "mai"), ("jun", "juin"), ("jul", "juil"),
    ("aug", "aou"), ("sep",), ("oct",), ("nov",), ("dec",),
)  # fmt: skip


def _month(text: str) -> int:
    word = plain(text)
    return next((number for number, begins in enumerate(_MONTHS, 1) if word.startswith(begins)), 0)


def _year(text: str) -> int:
    """Of two digits the year that is not to come: this module knows no day, so that of the century's end decides."""
    number = int(text)
    if len(text) > 2:
        return number
    return number + (2000 if number <= _LAST_SHORT_YEAR else 1900)


_LAST_SHORT_YEAR: Final = 29  # as spreadsheets have it: 30 is 1930


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _serial_day(number: int, serials_from: SerialsFrom) -> date | None:
    if serials_from is SerialsFrom.MAC:
        return date(1904, 1, 1) + timedelta(days=number)
    # The first of these days is 1 January 1900, and a 29 February of that year is counted, which never was.
    return date(1899, 12, 31) + timedelta(days=number - (number >= 60))


def _always(day: date | None) -> Mapping[DateOrder, date]:
    return dict.fromkeys(DateOrder, day) if day else {}
