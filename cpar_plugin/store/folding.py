"""Comparing names without case and accents, on either database."""

import unicodedata
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from .sqlite_functions import give

_NAME = "cpar_folded"


@lru_cache(4096)
def folded_text(text: str) -> str:
    """Without case and accents: `Hélène` and `HELENE` are the same."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


class folded(FunctionElement[str]):  # noqa: N801  # spelled like the function that it is
    """A text that is compared and ordered without case and accents. Call `can_fold` on the connection first.

    On MariaDB by its collation, which goes a little less far (`ß` is not `ss` at the end of a beginning, for instance).
    """

    name = _NAME
    type = String()
    inherit_cache = True


@compiles(folded)
def _called(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    return f"{_NAME}({compiler.process(element.clauses, **context)})"


@compiles(folded, "mysql", "mariadb")
def _collated(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    return f"(CONVERT({compiler.process(element.clauses, **context)} USING utf8mb4) COLLATE utf8mb4_unicode_520_ci)"


def can_fold(connection: Connection) -> None:
    """Give an SQLite connection the function, which it does not have by itself. Nothing to do elsewhere."""
    give(connection, _NAME, folded_text)


def text_fits(column: ColumnElement[str], modifier: str | None, text: str) -> ColumnElement[bool]:
    """Whether the column begins with the text, without case and accents; `contains` it; or is it, letter by letter."""
    if modifier == "exact":
        return column == text
    plain = folded_text(text)
    folded_column = folded(column)
    return (
        folded_column.contains(plain, autoescape=True)
        if modifier == "contains"
        else folded_column.startswith(plain, autoescape=True)
    )
