"""Short texts of very many rows, read as few long ones: for a driver each row takes longer than its text."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func

END: Final = ";"  # of each text; in none of them
_KEYS: Final = 256  # in a portion, at most: far below the megabyte that MariaDB puts together


class CutShort(Exception):
    """The database has not returned all of a portion."""


def portions(
    connection: Connection, rows: Select[Any], key: ColumnElement[int], text: ColumnElement[str], **parameters: Any
) -> Iterator[list[str]]:
    """The text of each row, in the order of portions: those of one have keys next to each other, in no order.

    `text` ends with END, which is taken off. Raises CutShort rather than losing one.
    """
    portion = key - key % _KEYS
    query = rows.with_only_columns(func.count(), func.aggregate_strings(text, ""), maintain_column_froms=True)
    query = query.group_by(portion).order_by(portion).execution_options(yield_per=1)
    with connection.execute(query, parameters) as result:
        for count, joined in result:
            yield _split(count, joined)


def together(connection: Connection, rows: Select[Any], text: ColumnElement[str], **parameters: Any) -> list[str]:
    """The text of each of a few thousand rows, in no order: as one portion, which need not be put in order first."""
    query = rows.with_only_columns(func.count(), func.aggregate_strings(text, ""), maintain_column_froms=True)
    count, joined = connection.execute(query, parameters).one()
    return _split(count, joined or "")


def _split(count: int, joined: str) -> list[str]:
    texts = joined.split(END)
    if len(texts) != count + 1 or texts.pop():
        raise CutShort
    return texts
