"""Family names by the index that OSCAR has: ranges of it in which no name is missing that begins with some letters.

Names are compared by `store.folding`, OSCAR's column by a collation of its own, which differs by server. In each of
these, letters that are one letter for us are one, or follow that letter, or all letters. What is not seen in a name
(`domain.texts`) comes before the letters, or after them. Names with such are in ranges of their own, and are few.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Final

from sqlalchemy import ColumnElement, and_, literal, or_, true

COLLATIONS: Final = frozenset(
    (
        "latin1_german1_ci",
        "latin1_swedish_ci",
        "utf8mb3_general_ci",
        "utf8mb3_unicode_520_ci",
        "utf8mb3_unicode_ci",
        "utf8mb3_uca1400_ai_ci",
        "utf8mb4_general_ci",
        "utf8mb4_unicode_520_ci",
        "utf8mb4_unicode_ci",
        "utf8mb4_uca1400_ai_ci",
    )
)
_LONGEST: Final = 10  # letters: each more is two more ranges
_ALSO: Final = {"u": "uy"}  # latin1_swedish_ci sorts ü as y
_FIRST, _LAST, _BEHIND = "a", "z", "z" * 10  # no name begins with so many z


def by_index(column: ColumnElement[str], collation: str | None) -> Callable[[str], ColumnElement[bool] | None]:
    """`hooks.StoredPatients.family_begins` of a column; `collation` is that of its index, None for a column without."""
    if collation not in COLLATIONS:
        return lambda _: None
    return partial(begins_with, column)


def begins_with(column: ColumnElement[str], letters: str) -> ColumnElement[bool]:
    """True for every name that begins with these letters (a to z), whatever its case and accents, and for some others.

    The column itself, of one of COLLATIONS, so that its index is read.
    """
    letters = letters[:_LONGEST]
    while sum(letter in _ALSO for letter in letters) > 1:
        letters = letters[:-1]
    beginnings = {"".join(one) for one in product(*(_ALSO.get(letter, letter) for letter in letters))}
    shorter = {beginning[:length] for beginning in beginnings for length in range(1, len(beginning))}
    return or_(
        column < literal(_FIRST),
        column > literal(_BEHIND),
        *(_between(column, _before(beginning), _after(beginning)) for beginning in sorted(beginnings)),
        *(condition for beginning in sorted(shorter) for condition in _unlike_letters(column, beginning)),
    )


def _unlike_letters(column: ColumnElement[str], beginning: str) -> Iterator[ColumnElement[bool]]:
    """Names in which something follows that is sorted before all letters, or after them. Nothing is not among it."""
    yield and_(_between(column, _before(beginning), beginning + _FIRST), column != literal(beginning))
    yield _between(column, beginning + _BEHIND, _after(beginning))


def _between(column: ColumnElement[str], before: str | None, after: str | None) -> ColumnElement[bool]:
    return and_(
        true(),
        *([column > literal(before)] if before else []),
        *([column < literal(after)] if after else []),
    )


def _before(beginning: str) -> str | None:
    """The end of the names before, None for the first: some collations sort what is not seen before nothing at all."""
    beginning = beginning.rstrip(_FIRST)
    return beginning[:-1] + chr(ord(beginning[-1]) - 1) + _BEHIND if beginning else None


def _after(beginning: str) -> str | None:
    """The next beginning, None for the last: what follows z is not the same everywhere."""
    beginning = beginning.rstrip(_LAST)
    return beginning[:-1] + chr(ord(beginning[-1]) + 1) if beginning else None
