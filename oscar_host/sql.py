"""SQL that SQLite and MariaDB spell differently."""

from datetime import date
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Date, String, case, func, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_NO_DAY = date(1, 1, 1)  # OSCAR's default for a day that nobody has entered; 0000-00-00 sorts before it


class letters(FunctionElement[str]):  # noqa: N801  # spelled like the function that it is
    """A host's text as letters that compare one by one and with the plugin's own columns.

    Older hosts keep utf8mb3 or latin1 with a collation that takes `c` for `C`. Use it on what is shown or compared,
    never on an indexed column by which rows are found.
    """

    name = "letters"
    type = String()
    inherit_cache = True


@compiles(letters)
def _as_it_is(element: letters, compiler: SQLCompiler, **context: Any) -> str:
    return f"({compiler.process(element.clauses, **context)})"


@compiles(letters, "mysql", "mariadb")
def _converted(element: letters, compiler: SQLCompiler, **context: Any) -> str:
    return f"(CONVERT({compiler.process(element.clauses, **context)} USING utf8mb4) COLLATE utf8mb4_bin)"


class _later(FunctionElement[date]):  # noqa: N801
    name = "later"
    type = Date()
    inherit_cache = True


@compiles(_later)
def _max(element: _later, compiler: SQLCompiler, **context: Any) -> str:
    return f"max({compiler.process(element.clauses, **context)})"


@compiles(_later, "mysql", "mariadb")
def _greatest(element: _later, compiler: SQLCompiler, **context: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **context)})"


def later(first: ColumnElement[Any], second: ColumnElement[Any]) -> ColumnElement[date]:
    """The later of two days, either of which may be NULL or a day that nobody has entered. Each is evaluated once."""
    floor = _day(_NO_DAY)
    return func.nullif(_later(func.coalesce(first, floor), func.coalesce(second, floor)), floor, type_=Date())


class _day(FunctionElement[date]):  # noqa: N801
    name = "day"
    type = Date()
    inherit_cache = True

    def __init__(self, day: date) -> None:
        super().__init__(literal(day, Date()))


@compiles(_day)
def _as_text(element: _day, compiler: SQLCompiler, **context: Any) -> str:
    return compiler.process(element.clauses, **context)


@compiles(_day, "mysql", "mariadb")
def _as_date(element: _day, compiler: SQLCompiler, **context: Any) -> str:
    # Sent as text, it would make text of the days that it is compared with.
    return f"CAST({compiler.process(element.clauses, **context)} AS DATE)"


class real_day(FunctionElement[bool]):  # noqa: N801
    """Whether a date column holds a day of the calendar. OSCAR's server takes 2026-00-00, which Python cannot read."""

    name = "real_day"
    type = Boolean()
    inherit_cache = True


@compiles(real_day)
def _entered(element: real_day, compiler: SQLCompiler, **context: Any) -> str:
    return f"({compiler.process(element.clauses, **context)} IS NOT NULL)"


@compiles(real_day, "mysql", "mariadb")
def _with_month_and_day(element: real_day, compiler: SQLCompiler, **context: Any) -> str:
    day = compiler.process(element.clauses, **context)
    return f"(MONTH({day}) > 0 AND DAYOFMONTH({day}) > 0)"


def filled(text: ColumnElement[Any]) -> ColumnElement[str | None]:
    """The text without blanks around it; NULL when nothing is left."""
    return func.nullif(func.trim(letters(text)), "", type_=String())


def without_separators(text: ColumnElement[Any]) -> ColumnElement[str | None]:
    """An identifier without its spaces and hyphens; NULL when nothing is left."""
    return func.nullif(func.replace(func.replace(letters(text), " ", ""), "-", ""), "", type_=String())


def may_be_stored(text: str) -> bool:
    """Whether OSCAR's three-byte utf8 can hold the text: MariaDB refuses to compare its columns with any other."""
    return all(character <= "\uffff" for character in text)


def two_digits(text: ColumnElement[str | None]) -> ColumnElement[str | None]:
    """`1` as `01`; everything else, and NULL, stays as it is."""
    return case((func.length(text) == 1, literal("0").concat(text)), else_=text)
