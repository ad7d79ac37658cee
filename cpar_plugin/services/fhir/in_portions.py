"""Short texts of very many rows, read as few long ones: for a driver each row takes longer than its text."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func

END: Final = ";"  # of each text; in none of them
_KEYS: Final = 256  # in a portion, at most: far below the megabyte that MariaDB puts together


class CutShort(Exception):
    """The database has not returned all of a portion."""


def as_one(rows: Select[Any], text: ColumnElement[str]) -> Select[Any]:
    """All of these rows as one portion, by a statement that may be made once. Each of a row's texts ends with END."""
    columns: tuple[ColumnElement[Any], ...] = func.count(), func.aggregate_strings(text, "")
    return rows.with_only_columns(*columns, maintain_column_froms=True)


def portions(
    connection: Connection, one: Select[Any], key: ColumnElement[int], of_row: int = 1, **parameters: Any
) -> Iterator[list[str]]:
    """The texts of each row of `as_one`, so many of each, without END.

    In the order of portions: the rows of one have keys next to each other, in no order. Raises CutShort rather than
    losing a text.
    """
    portion = key - key % _KEYS
    query = one.group_by(portion).order_by(portion).execution_options(yield_per=1)
    with connection.execute(query, parameters) as result:
        for count, joined in result:
            yield _split(count * of_row, joined)


def together(connection: Connection, one: Select[Any], of_row: int, **parameters: Any) -> list[str]:
    """The same of a few thousand rows, in no order: nothing need be put in order first."""
    count, joined = connection.execute(one, parameters).one()
    return _split(count * of_row, joined or "")


def _split(count: int, joined: str) -> list[str]:
    texts = joined.split(END)
    if len(texts) != count + 1 or texts.pop():
        raise CutShort
    return texts
