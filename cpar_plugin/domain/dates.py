"""Dates and times for people to read, in one form on every page, in messages, emails and commands."""

import re
from datetime import date, datetime, time, timedelta, tzinfo

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # whatever the locale
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def date_text(day: date) -> str:
    """`Dec 1, 2026`."""
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


def month_text(day: date) -> str:
    """`Dec 2026`, where there is no room for more."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def month_code(day: date) -> str:
    """`2026-12`, for programs and addresses."""
    return day.isoformat()[:7]


def moment_text(moment: datetime, zone: tzinfo) -> str:
    """`Dec 1, 2026, 3:15 AM`, in the zone."""
    local = moment.astimezone(zone)
    return f"{date_text(local.date())}, {time_text(local.time())}"


def time_text(moment: time) -> str:
    """`3:15 AM`, of the clinic's clock."""
    return f"{moment.hour % 12 or 12}:{moment.minute:02} {'AM' if moment.hour < 12 else 'PM'}"


def birth_date_text(text: str | None) -> str:
    """The EMR's date of birth, `Mar 4, 1977`; its text as it is where that is not a date, '' for none."""
    if not text or not _ISO.fullmatch(text):
        return text or ""
    try:
        return date_text(date.fromisoformat(text))
    except ValueError:
        return text


def period_text(period: timedelta) -> str:
    """Such as `730 days` or `24 hours`."""
    if period.seconds or period <= timedelta(days=1):
        return f"{period // timedelta(hours=1)} hours"
    return f"{period.days} days"
