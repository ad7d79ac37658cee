"""One of many numbers, written into the statement: there may be more of them than a statement can have parameters."""

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Dialect, bindparam
from sqlalchemy.types import UserDefinedType


class _Numbers(UserDefinedType[Collection[int]]):
    """As SQL all at once: SQLAlchemy takes ten times as long to write each of them as a literal of its own."""

    cache_ok = True

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        def written(numbers: Collection[int]) -> str:
            return f"({', '.join(map(str, map(int, numbers))) or 'NULL'})"

        return written


def among(column: ColumnElement[int], numbers: Collection[int]) -> ColumnElement[bool]:
    """Whether a column is one of these numbers; NULL, and so not true, where there are none."""
    written = bindparam(None, sorted(numbers), _Numbers(), literal_execute=True)
    return column.op("IN", is_comparison=True, return_type=Boolean())(written)
