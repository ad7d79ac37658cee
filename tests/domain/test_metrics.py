"""The registry's metrics of a panel: numbers and months as reports write them, and what explains a difference."""

from datetime import date

import pytest

from cpar_plugin.domain.metrics import AttachmentGap, RegistryCounts, counted, entered_counts, gap, month_named
from cpar_plugin.domain.refusals import Refused

TODAY = date(2026, 11, 10)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("812", 812),
        (" 812 ", 812),
        ("812.0", 812),
        ("1,812", 1812),
        ("1 812", 1812),
        ("1\u00a0812", 1812),
        ("1.812", 1812),
        ("0", 0),
        ("", None),
        ("-1", None),
        ("81.5", None),
        ("12,34", None),
        ("12345678", None),
        ("٣", None),
    ],
)
def test_a_count_is_read_as_people_and_spreadsheets_write_it(text: str, number: int | None) -> None:
    assert counted(text) == number


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2026-10-07", date(2026, 10, 1)),
        ("2026-10", date(2026, 10, 1)),
        ("October 2026", date(2026, 10, 1)),
        ("Oct. 2026", date(2026, 10, 1)),
        ("", date(2026, 11, 1)),
        ("2026-13", None),
        ("10/2026", None),
        ("Total", None),
        ("Junk 2026", None),
    ],
)
def test_a_month_is_read_or_not_guessed(text: str, month: date | None) -> None:
    assert month_named(text, TODAY) == month


def test_what_is_typed_needs_a_number_and_the_date_of_its_source() -> None:
    assert entered_counts("812", "", "2026-11-10", TODAY) == RegistryCounts(812, None, TODAY)
    for typed, fields in (
        (("", "", "2026-11-10"), {"received"}),
        (("x", "9.5", "2026-11-10"), {"received", "attached"}),
        (("1", "1", ""), {"as_of"}),
        (("1", "1", "2026-11-11"), {"as_of"}),
    ):
        with pytest.raises(Refused) as refused:
            entered_counts(*typed, TODAY)
        assert set(refused.value.messages) == fields


def test_a_difference_is_explained_as_far_as_lines_do() -> None:
    assert gap(None, 5, 1, 1) is None
    assert gap(5, None, 1, 1) is None
    assert gap(10, 4, 2, 1) == AttachmentGap(6, 2, 1)
    assert [gap(10, attached, 2, 1).unexplained for attached in (4, 8, 12)] == [3, 0, 0]  # type: ignore[union-attr]
