"""The geometry of pictures."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from cpar_plugin.web import charts

NUMBERS = st.integers(0, 10**12)


@given(count=NUMBERS, others=NUMBERS)
def test_a_bar_fills_its_share_and_is_seen_whenever_there_is_someone(count: int, others: int) -> None:
    filled = charts.share(count, max(count, others))
    assert 0 <= filled <= 100
    assert (filled > 0.5) == (count > 0)
    assert filled == 100 or count < max(count, others) or count == 0


@given(st.lists(NUMBERS, max_size=24))
def test_a_line_remains_in_its_box_above_an_axis_that_begins_at_zero(values: list[int]) -> None:
    line = charts.line(values)
    heights = [height for height, _ in line.grid]
    numbers = [number for _, number in line.grid]
    assert len(line.points) == len(values)
    assert numbers[0] == 0
    assert 2 <= len(numbers) <= 6
    assert numbers[-1] >= max(values, default=0)
    assert heights == sorted(heights, reverse=True)
    assert 0 < heights[-1] < heights[0] < charts.HEIGHT
    places = [x for x, _ in line.points]
    assert places == sorted(set(places))
    for (x, y), value in zip(line.points, values, strict=True):
        assert charts.LEFT <= x <= charts.WIDTH - charts.RIGHT
        assert heights[-1] <= y <= heights[0]
        assert y == pytest.approx(heights[0] - (heights[0] - heights[-1]) * value / numbers[-1], abs=0.11)


def test_an_axis_is_marked_in_round_numbers() -> None:
    marks = {largest: [number for _, number in charts.line([largest]).grid] for largest in (0, 4, 7, 1234, 20_000)}
    assert marks == {
        0: [0, 1],
        4: [0, 1, 2, 3, 4],
        7: [0, 2, 4, 6, 8],
        1234: [0, 500, 1000, 1500],
        20_000: [0, 5000, 10_000, 15_000, 20_000],
    }


def test_a_share_in_words_never_says_none_or_all_where_there_is_someone() -> None:
    assert [charts.percent(count, 1000) for count in (0, 1, 5, 500, 999, 1000)] == [
        "-",
        "<1%",
        "<1%",
        "50%",
        ">99%",
        "100%",
    ]
    assert charts.percent(0, 0) == "-"
