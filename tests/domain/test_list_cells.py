"""Cells of lists as spreadsheets and other programs leave them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.gender import Gender, named_gender
from cpar_plugin.domain.list_cells import (
    DateOrder,
    SerialsFrom,
    date_readings,
    listed_date,
    listed_phn,
    split_name,
)

DAYS = st.dates(date(1930, 1, 1), date(2029, 12, 31))
MONTHS = ("January", "Feb", "march", "Apr.", "May", "June", "JUL", "août", "Sept", "octobre", "Nov", "décembre")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("123456789", "123456789"),
        ("12345-6789", "123456789"),
        (" 123 456 789 ", "123456789"),
        ("123456789.0", "123456789"),
        ("45678901", "045678901"),
        ("45678901.0", "045678901"),
        ("'045678901", "045678901"),
        ("1234567890", "1234567890"),
        ("n/a", "n/a"),
        ("", ""),
    ],
)
def test_a_phn_has_its_nine_digits_again(text: str, expected: str) -> None:
    assert listed_phn(text) == expected


@given(DAYS)
def test_a_day_is_read_in_its_order_however_it_is_written(day: date) -> None:
    assert listed_date(f"{day:%d/%m/%Y}", DateOrder.DAY_FIRST) == day
    assert listed_date(f"{day:%-d.%-m.%y}", DateOrder.DAY_FIRST) == day
    assert listed_date(f"{day:%m-%d-%Y}", DateOrder.MONTH_FIRST) == day
    assert listed_date(f"{day:%y-%m-%d}", DateOrder.YEAR_FIRST) == day
    name = MONTHS[day.month - 1]
    for text in (f"{day:%Y-%m-%d}", f"{day:%Y%m%d}", f"{day:%Y-%m-%d} 00:00:00", f"{day:%d} {name} {day.year}"):
        assert {listed_date(text, order) for order in (*DateOrder, None)} == {day}, text
    assert listed_date(f"{name} {day.day}, {day.year}", None) == day


@given(st.dates(date(1904, 12, 31), date(2029, 12, 31)))
def test_a_number_of_days_is_read_from_either_beginning(day: date) -> None:
    since_1900 = (day - date(1899, 12, 30)).days
    assert listed_date(str(since_1900), None) == listed_date(f"{since_1900}.0", None) == day
    assert listed_date(str(since_1900 - 1462), None, SerialsFrom.MAC) == day


def test_the_29_february_that_never_was_is_counted_as_spreadsheets_do() -> None:
    assert listed_date("366", None) == date(1900, 12, 31)
    assert listed_date("367", None) - listed_date("366", None) == timedelta(1)  # type: ignore[operator]


@pytest.mark.parametrize("text", ["", "12", "2 March", "1980-02-30", "n/a", "31/02/1980", "a b c", "1/2/3/4"])
def test_what_names_no_day_is_none(text: str) -> None:
    assert listed_date(text, DateOrder.DAY_FIRST) is None


@given(st.text())
def test_no_text_breaks_reading(text: str) -> None:
    assert set(date_readings(text)) <= set(DateOrder)
    assert isinstance(listed_phn(text), str)
    assert named_gender(text) in (*Gender, None)
    for family_first in (True, False):
        split_name(text, family_first=family_first)


def test_a_date_of_which_the_order_is_open_is_none_without_one() -> None:
    assert listed_date("03/02/1980", None) is None
    assert listed_date("02/02/1980", None) == date(1980, 2, 2)


@pytest.mark.parametrize(
    ("text", "family_first", "expected"),
    [
        ("Côté, Hélène Marie", False, ("Côté", "Hélène Marie")),
        ("Hélène Marie Côté", False, ("Côté", "Hélène Marie")),
        ("COTE HELENE MARIE", True, ("COTE", "HELENE MARIE")),
        ("Madonna", False, ("Madonna", "")),
        ("", True, ("", "")),
    ],
)
def test_a_full_name_is_taken_apart(text: str, family_first: bool, expected: tuple[str, str]) -> None:
    assert split_name(text, family_first=family_first) == expected


def test_genders_are_read_in_english_and_french() -> None:
    assert {named_gender(text) for text in ("f", "Female", "Femme")} == {Gender.FEMALE}
    assert {named_gender(text) for text in ("M", "homme", "H")} == {Gender.MALE}
    assert [named_gender(text) for text in ("X", "Inconnu", "1", "")] == [Gender.OTHER, Gender.UNKNOWN, None, None]
