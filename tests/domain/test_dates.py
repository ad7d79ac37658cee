"""Dates and times for people, in one form."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from cpar_plugin.domain.dates import birth_date_text, date_text, moment_text


def test_a_date_has_month_day_and_year() -> None:
    assert [date_text(date(2026, month, 1)) for month in (1, 12)] == ["Jan 1, 2026", "Dec 1, 2026"]


@pytest.mark.parametrize(
    ("utc", "text"),
    [
        ("2026-07-01T09:15:00", "Jul 1, 2026, 3:15 AM"),
        ("2026-07-01T18:00:59", "Jul 1, 2026, 12:00 PM"),
        ("2026-07-02T05:59:00", "Jul 1, 2026, 11:59 PM"),
        ("2026-07-02T06:05:00", "Jul 2, 2026, 12:05 AM"),
    ],
)
def test_a_time_is_the_clinics_by_a_clock_of_twelve_hours(utc: str, text: str) -> None:
    assert moment_text(datetime.fromisoformat(f"{utc}+00:00"), ZoneInfo("America/Edmonton")) == text


@pytest.mark.parametrize(
    ("held", "text"),
    [
        ("1977-03-04", "Mar 4, 1977"),
        ("1977-02-30", "1977-02-30"),
        ("1977-3-4", "1977-3-4"),
        ("19770304", "19770304"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_date_of_birth_that_is_none_is_shown_as_it_is(held: str | None, text: str) -> None:
    assert birth_date_text(held) == text
