"""Chance that is the same for the same seed."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Random choices made of `Random.random` alone, the one sequence that Python promises to keep between versions."""

    def __init__(self, seed: int) -> None:
        self.roll: Callable[[], float] = random.Random(seed).random  # noqa: S311 - nothing secret is made of it

    def below(self, limit: int) -> int:
        """A whole number from 0 up to, not including, `limit`."""
        return int(self.roll() * limit)

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[int(self.roll() * len(choices))]

    def chance(self, share: float) -> bool:
        """True in this share of the cases, 0 to 1."""
        return self.roll() < share

    def deal(self, per_thousand: Mapping[T, int]) -> Iterator[T | None]:
        """Endless cards: of each thousand dealt exactly so many of each kind, the others None, in a random order."""
        cards: list[T | None] = [card for card, share in per_thousand.items() for _ in range(share)]
        cards += [None] * (1000 - len(cards))
        while True:
            yield from sorted(cards, key=lambda _: self.roll())
