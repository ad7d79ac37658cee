"""A number that was typed with separators anywhere, found by the index on its column.

A text with the number has either just its characters, or the first few of them and then a separator. These are short
ranges of the index, nearly all of them empty. A separator sorts before all digits or behind them all.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from sqlalchemy import Boolean
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_LONGEST: Final = 20  # the length of the column
_FIRST_DIGIT, _BEHIND_DIGITS = "'0'", "'A'"  # whatever the collation
Spelled = Callable[[str, int], str]


class may_be_typed_as(FunctionElement[bool]):  # noqa: N801  # spelled like the function that it is
    """Whether a column may hold a number, both given in this order: it does not hold it in rows that are excluded.

    Written as text, for it is long: made of expressions it takes longer to put together than to be answered.
    """

    name = "may_be_typed_as"
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> "may_be_typed_as":
        """Itself: a comparison with 1 would keep databases from using the index."""
        return self


def _ranges(column: str, number: str, begun: Spelled, first: str, following: Spelled, joined: str) -> Iterator[str]:
    def with_end(text: str, end: str) -> str:
        return joined.format(text, end)

    yield f"{column} = {number}"
    yield f"{column} >= {_BEHIND_DIGITS}"
    for position in range(_LONGEST):
        start = begun(number, position)
        yield f"{column} >= {with_end(start, first)} AND {column} < {with_end(start, _FIRST_DIGIT)}"
        if position:
            end = with_end(begun(number, position - 1), following(number, position))
            yield f"{column} >= {with_end(start, _BEHIND_DIGITS)} AND {column} < {end}"


# Before all separators: by number the 1 is; where signs have an order of their own it counts for nothing, and tab is.
# What follows all that begins with a digit is the next character; after the 9 a letter, since signs come before it.
@compiles(may_be_typed_as)
def _standard(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    def begun(number: str, position: int) -> str:
        return f"substr({number}, 1, {position})"

    def following(number: str, position: int) -> str:
        last_digit = f"substr({number}, {position}, 1)"
        return f"CASE {last_digit} WHEN '9' THEN {_BEHIND_DIGITS} ELSE char(unicode({last_digit}) + 1) END"

    return _condition(element, compiler, context, begun, "char(1, 9)", following, "({0} || {1})")


@compiles(may_be_typed_as, "mysql", "mariadb")
def _mariadb(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    def begun(number: str, position: int) -> str:
        return f"LEFT({number}, {position})"

    def following(number: str, position: int) -> str:
        last_digit = f"SUBSTR({number}, {position}, 1)"  # in ASCII, which compares with a column of any character set
        return f"IF({last_digit} = '9', {_BEHIND_DIGITS}, CHAR(ORD({last_digit}) + 1 USING ascii))"

    return _condition(element, compiler, context, begun, "CHAR(1, 9 USING ascii)", following, "CONCAT({0}, {1})")


def _condition(element: FunctionElement[Any], compiler: SQLCompiler, context: dict[str, Any], *spelling: Any) -> str:
    column, number = (compiler.process(clause, **context) for clause in element.clauses)
    return "(" + " OR ".join(f"({condition})" for condition in _ranges(column, number, *spelling)) + ")"
