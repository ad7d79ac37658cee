"""The values of search parameters, taken apart as R4 says: https://hl7.org/fhir/R4/search.html#ptypes."""

import calendar
import re
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ....store.folding import folded_text
from ....store.types import key_of

_PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_DATE = re.compile(
    r"(?P<prefix>[a-z]{2})?(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_PARTS = re.compile(r"((?:\\.|[^\\,|])*)([,|]|$)", re.DOTALL)


class BadSearch(Exception):
    """A search that cannot be understood. The message says what to do, and never repeats a value."""


class Token(NamedTuple):
    """`system|code`. A system None is any, "" none at all; a code None is any."""

    system: str | None
    code: str | None

    def matches(self, system: str | None, code: str) -> bool:
        """Whether a coding or identifier is meant."""
        return (self.system is None or self.system == (system or "")) and (self.code is None or self.code == code)


class Reference(NamedTuple):
    """A reference to one of our resources. `kind` is None where only the id was given; `key` None for all others."""

    kind: str | None
    key: str | None

    def matches(self, kind: str, key: str) -> bool:
        """Whether `kind/key` is meant."""
        return self.key == key and self.kind in (None, kind)


class Period(NamedTuple):
    """A date or moment to the precision given, in UTC: its first microsecond and its last."""

    prefix: str
    first: datetime
    last: datetime

    def as_days(self, zone: ZoneInfo) -> tuple[date, date]:
        """As civil dates, the first and the last."""
        return self.first.astimezone(zone).date(), self.last.astimezone(zone).date()


class Address(NamedTuple):
    """An address, as it is."""

    text: str


Value = Token | Reference | Period | Address | str


def alternatives(text: str) -> list[list[str]]:
    """The values of a parameter, separated by commas, each in its parts, separated by `|`. Escapes are undone."""
    values: list[list[str]] = [[]]
    place = 0
    while True:
        match = _PARTS.match(text, place)
        if match is None:
            raise BadSearch("A value ends with a backslash. Write \\\\ for a backslash.")
        values[-1].append(re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL))
        if not match[2]:
            return values
        if match[2] == ",":
            values.append([])
        place = match.end()


def token(parts: list[str]) -> Token:
    """Raises BadSearch."""
    match parts:
        case [code] if code:
            return Token(None, code)
        case [system, code] if system or code:
            return Token(system, code or None)
    raise BadSearch("Write a token as code, system|code, |code or system|.")


def reference(text: str, base: str, targets: Collection[str], kind: str | None) -> Reference:
    """`text` is relative, absolute, or an id alone. `kind`: what the modifier says. `base` is our own address."""
    local = text.removeprefix(f"{base}/")
    named, slash, key = local.partition("/")
    if not slash:
        named, key = "", local
    if "://" in local or not _ID.fullmatch(key) or (kind and named and kind != named):
        return Reference(kind, None)  # not one of our resources: nothing refers to it
    named = named or kind or ""
    return Reference(named or None, key if not named or named in targets else None)


def period(text: str, zone: ZoneInfo, now: datetime) -> Period:
    """A date with or without prefix. Without a time zone the clinic's is meant. Raises BadSearch.

    `ap` (about) is made a period that is longer at both ends by a tenth of its distance from `now`.
    """
    match = _DATE.fullmatch(text)
    prefix = (match["prefix"] or "eq") if match else ""
    if match is None or prefix not in _PREFIXES:
        raise BadSearch("Write a date as 2026, 2026-11, 2026-11-10 or 2026-11-10T10:00:00Z, perhaps after ge, lt, ...")
    try:
        first = _first_moment(match, zone)
        last = (first + (_length(match, first) - timedelta(microseconds=1))).astimezone(UTC)
        first = first.astimezone(UTC)
        if prefix == "ap":
            about = abs(now - first) / 10
            prefix, first, last = "eq", first - about, last + about
        for moment in (first, last):
            moment.astimezone(zone)  # has to be possible later
    except (ValueError, OverflowError):
        raise BadSearch("Invalid date, or out of range. Write a date as 2026-11-10.") from None
    return Period(prefix, first, last)


def _first_moment(match: re.Match[str], zone: ZoneInfo) -> datetime:
    day = date(int(match["year"]), int(match["month"] or 1), int(match["day"] or 1))
    fraction = int((match["fraction"] or "0").ljust(6, "0")[:6])
    of_day = time(int(match["hour"] or 0), int(match["minute"] or 0), int(match["second"] or 0), fraction)
    named = match["zone"]
    tz = datetime.strptime(named.replace("Z", "+00:00"), "%z").tzinfo if named else zone
    return datetime.combine(day, of_day, tz)


def _length(match: re.Match[str], first: datetime) -> timedelta:
    if match["fraction"]:
        return timedelta(microseconds=max(1, 10 ** (6 - len(match["fraction"]))))
    if match["second"]:
        return timedelta(seconds=1)
    if match["hour"]:
        return timedelta(minutes=1)
    if match["day"]:
        return timedelta(days=1)
    if match["month"]:
        return timedelta(days=calendar.monthrange(first.year, first.month)[1])
    return timedelta(days=366 if calendar.isleap(first.year) else 365)


def compared(prefix: str, at: Any, first: Any, last: Any) -> Any:
    """Whether `at` is as the prefix asks of `first` to `last`. For columns of SQL and for values in memory."""
    match prefix:
        case "ne":
            return (at < first) | (at > last)
        case "gt" | "sa":
            return at > last
        case "lt" | "eb":
            return at < first
        case "ge":
            return at >= first
        case "le":
            return at <= last
    return (at >= first) & (at <= last)


def text_matches(value: str, modifier: str | None, text: str) -> bool:
    """Whether a text begins with the value, contains it or is it: the first two without case and accents."""
    if modifier == "exact":
        return text == value
    folded_value, folded = folded_text(value), folded_text(text)
    return folded_value in folded if modifier == "contains" else folded.startswith(folded_value)


def is_number(text: str) -> bool:
    """Whether an id can be that of a Patient or a Group."""
    return key_of(text) is not None
