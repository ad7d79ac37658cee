"""The geometry of pictures: shares of a bar's place, and a line over months. Pure numbers; the templates draw."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT = 56, 24  # room for the letters next to the line
_TOP, _BOTTOM = 20, 32
_MOST_STEPS = 5
_LEAST_VISIBLE = 0.6  # percent: someone is never drawn as no one


@dataclass(frozen=True, slots=True)
class Line:
    """A line from the left to the right in a box of WIDTH by HEIGHT. `grid` is the axis: heights and their numbers."""

    points: Sequence[tuple[float, float]]
    grid: Sequence[tuple[float, int]]


def share(count: int, of: int) -> float:
    """How much of its place a bar fills, in percent. What is not nothing can be seen."""
    return round(max(100 * count / of, _LEAST_VISIBLE), 2) if count and of else 0


def percent(count: int, of: int) -> str:
    """A share in words: someone is never 0 %, and not everyone never 100 %."""
    if not of or not count:
        return "-"
    share = round(100 * count / of)
    if share == 0:
        return "<1%"
    return ">99%" if share == 100 and count < of else f"{share}%"


def rate(part: int, whole: int | None) -> str:
    """A rate in words: of no one there is none, and it is `-`; no one of many is 0%."""
    if not whole:
        return "-"
    return percent(part, whole) if part else "0%"


def line(values: Sequence[int]) -> Line:
    """A line through the values, at equal distances; the axis begins at 0 and ends at a round number."""
    step = _step(max(values, default=0))
    top = max(step, -(-max(values, default=0) // step) * step)
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - _TOP - _BOTTOM

    def height(value: int) -> float:
        return round(_TOP + plot_height * (1 - value / top), 1)

    spaces = max(len(values) - 1, 1)
    points = [(round(LEFT + plot_width * index / spaces, 1), height(value)) for index, value in enumerate(values)]
    return Line(points, [(height(value), value) for value in range(0, top + 1, step)])


def _step(largest: int) -> int:
    """The round number (1, 2 or 5 with zeros) of which few steps reach the largest value."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if largest <= step * _MOST_STEPS:
                return step
        power *= 10
