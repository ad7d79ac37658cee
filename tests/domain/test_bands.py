"""Where the bands of an overview begin and end."""

from datetime import date

import hypothesis.strategies as st
import pytest
from hypothesis import given

from cpar_plugin.domain import bands

DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))


def band_of(day: date, bounds: object, last: str) -> str:
    return next((label for label, bound in bounds if day > bound), last)  # type: ignore[attr-defined]


@given(day=DAYS, today=DAYS)
def test_a_day_is_in_the_band_of_the_whole_months_that_have_passed_since(day: date, today: date) -> None:
    passed = (today.year - day.year) * 12 + today.month - day.month - (today.day < day.day)
    ends = (1, 3, 6, 12, 24, 36)
    place = next((place for place, end in enumerate(ends) if passed < end), len(ends))
    assert band_of(day, bands.lapse_bounds(today), bands.LONGEST) == bands.LAPSES[place]


@given(born=DAYS, today=DAYS)
def test_a_patient_is_in_the_band_of_the_birthdays_they_have_had(born: date, today: date) -> None:
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    place = min(max(age, 0) // 10, 9)
    assert band_of(born, bands.age_bounds(today), bands.OLDEST) == bands.AGES[place]


def test_the_bands_of_so_many_years_back_or_more_are_the_last_ones() -> None:
    assert bands.YEARS_AGO == {
        1: ("1 to 2 years", "2 to 3 years", "3 years or longer", "Never"),
        2: ("2 to 3 years", "3 years or longer", "Never"),
        3: ("3 years or longer", "Never"),
    }


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        ("2026-03-31", 1, "2026-02-28"),
        ("2024-02-29", 12, "2023-02-28"),
        ("2026-01-15", 1, "2025-12-15"),
        ("0001-01-15", 1, "0001-01-01"),
    ],
)
def test_a_shorter_month_ends_earlier(day: str, months: int, before: str) -> None:
    assert bands.months_before(date.fromisoformat(day), months) == date.fromisoformat(before)


def test_months_begin_on_their_first_day_across_years() -> None:
    starts = bands.month_starts(date(2026, 1, 31), 3)
    assert list(starts) == [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)]
