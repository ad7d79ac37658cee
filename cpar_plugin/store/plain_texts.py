"""Texts of the form that nearly all have, told by either database itself, without a call back into Python for each."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Boolean, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

# Each ends with a full stop that is put after the text: `$` alone also fits before a line break.
_NINE_DIGITS: Final = "^[0-9]{9}[.]$"
_DAY: Final = (
    "^(19|20)[0-9]{2}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)[.]$"
)


class nine_digits(FunctionElement[bool]):  # noqa: N801  # spelled like the function that it is
    """Whether a text is nine digits and nothing else; NULL for NULL."""

    name = "nine_digits"
    type = Boolean()
    inherit_cache = True


class ordinary_day(FunctionElement[bool]):  # noqa: N801
    """Whether a text is a day of the calendar, of this century or the last, in ISO form; NULL for NULL.

    It may be false of February 29.
    """

    name = "ordinary_day"
    type = Boolean()
    inherit_cache = True


class has_letter(FunctionElement[bool]):  # noqa: N801
    """Whether a text has a letter of which there is a capital, on SQLite one of A to Z; NULL for NULL."""

    name = "has_letter"
    type = Boolean()
    inherit_cache = True


class ten_letters(FunctionElement[str]):  # noqa: N801
    """What short texts are grouped by: MariaDB groups what may be long by a slower way. On SQLite the whole text."""

    name = "ten_letters"
    type = String()
    inherit_cache = True


def _spelled(form: str) -> Callable[..., str]:
    def written(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
        return form.replace("{0}", compiler.process(element.clauses, **context))

    return written


compiles(nine_digits)(_spelled(f"({{0}} GLOB '{'[0-9]' * 9}')"))
compiles(nine_digits, "mysql", "mariadb")(_spelled(f"(CONCAT({{0}}, '.') REGEXP '{_NINE_DIGITS}')"))
# SQLite's date() makes 2026-03-02 of 2026-02-30, with a modifier in every version: a real day remains itself.
compiles(ordinary_day)(_spelled("({0} BETWEEN '1900-01-01' AND '2099-12-31' AND date({0}, '+0 days') IS {0})"))
compiles(ordinary_day, "mysql", "mariadb")(_spelled(f"(CONCAT({{0}}, '.') REGEXP '{_DAY}')"))
compiles(has_letter)(_spelled("({0} GLOB '*[A-Za-z]*')"))
compiles(has_letter, "mysql", "mariadb")(_spelled("(UPPER({0}) <> LOWER({0}))"))
compiles(ten_letters)(_spelled("{0}"))
compiles(ten_letters, "mysql", "mariadb")(_spelled("LEFT({0}, 10)"))
