"""SQL that SQLite and MariaDB spell differently."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Date, DateTime, Integer, String, case, func, literal, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from cpar_plugin.domain.texts import BLANKS, NOTHING, SEPARATORS, SPACE

_ANY_DAY = date(9999, 12, 31)
_NO_DAY = date(1, 1, 1)  # OSCAR's default for a day that no one has entered; 0000-00-00 sorts before it


def constant(value: str | int) -> ColumnElement[Any]:
    """A letter or number of ours, written into the SQL: a statement with fewer parameters is sent sooner."""
    if isinstance(value, int):
        return literal_column(str(value), Integer())
    if not re.fullmatch("[A-Za-z0-9 .-]*", value):
        raise ValueError("only what needs no escaping is a constant")
    return literal_column(f"'{value}'", String())


_NOTHING = constant("")


READABLE, COLLAPSED = "cpar_readable", "cpar_collapsed"  # what we give every connection to SQLite


def spelled(function: type[FunctionElement[Any]], standard: str, mariadb: str) -> None:
    """How a function of ours is written, with {0} for what is in its parentheses."""

    def written(form: str) -> Callable[..., str]:
        def compiled(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
            return form.replace("{0}", compiler.process(element.clauses, **context))

        return compiled

    compiles(function)(written(standard))
    compiles(function, "mysql", "mariadb")(written(mariadb))


class letters(FunctionElement[str]):  # noqa: N801  # spelled like the function that it is
    """A host's text as letters that compare one by one and with the plugin's own columns.

    Older hosts keep utf8mb3 or latin1 with a collation that takes `c` for `C`. Use it on what is shown or compared,
    never on an indexed column by which rows are found.
    """

    name = "letters"
    type = String()
    inherit_cache = True


spelled(letters, "({0})", "(CONVERT({0} USING utf8mb4) COLLATE utf8mb4_bin)")


class exactly(FunctionElement[str]):  # noqa: N801
    """The same where blanks at the end count as well: OSCAR compares names of roles in Java."""

    name = "exactly"
    type = String()
    inherit_cache = True


spelled(exactly, "({0})", "(CONVERT({0} USING utf8mb4) COLLATE utf8mb4_nopad_bin)")


class _later(FunctionElement[date]):  # noqa: N801
    name = "later"
    type = Date()
    inherit_cache = True


spelled(_later, "max({0})", "greatest({0})")


def later(first: ColumnElement[Any], second: ColumnElement[Any]) -> ColumnElement[date]:
    """The later of two days, either of which may be NULL or a day that no one has entered.

    MariaDB evaluates what is in a NULLIF twice: better a column or an aggregate than a query.
    """
    floor = _day(_NO_DAY)
    return func.nullif(_later(func.coalesce(first, floor), func.coalesce(second, floor)), floor, type_=Date())


class _earlier(FunctionElement[date]):  # noqa: N801
    name = "earlier"
    type = Date()
    inherit_cache = True


spelled(_earlier, "min({0})", "least({0})")


def earlier(first: ColumnElement[Any], second: ColumnElement[Any]) -> ColumnElement[date]:
    """The earlier of two days, either of which may be NULL. What is said of `later` is true of it."""
    ceiling = _day(_ANY_DAY)
    return func.nullif(_earlier(func.coalesce(first, ceiling), func.coalesce(second, ceiling)), ceiling, type_=Date())


class greater(FunctionElement[str]):  # noqa: N801
    """The greater of two texts, neither of which may be NULL. Each is evaluated once."""

    name = "greater"
    type = String()
    inherit_cache = True


spelled(greater, "max({0})", "greatest({0})")


class moment_of(FunctionElement[datetime]):  # noqa: N801
    """A day and a time of day as a moment without a zone; midnight where the time is NULL."""

    name = "moment_of"
    type = DateTime()
    inherit_cache = True


@compiles(moment_of)
def _joined(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    day, time = (compiler.process(part, **context) for part in element.clauses)
    return f"({day} || ' ' || COALESCE({time}, '00:00:00'))"


@compiles(moment_of, "mysql", "mariadb")
def _timestamp(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    day, time = (compiler.process(part, **context) for part in element.clauses)
    return f"TIMESTAMP({day}, COALESCE({time}, TIME'00:00:00'))"  # with a text MariaDB would make texts of all times


class _day(FunctionElement[date]):  # noqa: N801
    name = "day"
    type = Date()
    inherit_cache = True

    def __init__(self, day: date) -> None:
        super().__init__(literal(day, Date()))


# MariaDB would make text of the days that a text is compared with.
spelled(_day, "{0}", "CAST({0} AS DATE)")


class real_day(FunctionElement[bool]):  # noqa: N801
    """Whether a date column holds a day of the calendar. OSCAR's server takes 2026-00-00, which Python cannot read."""

    name = "real_day"
    type = Boolean()
    inherit_cache = True


spelled(real_day, "({0} IS NOT NULL)", "(MONTH({0}) > 0 AND DAYOFMONTH({0}) > 0)")


def filled(text: ColumnElement[Any]) -> ColumnElement[str | None]:
    """The text without blanks around it; NULL when nothing is left."""
    return func.nullif(func.trim(letters(text)), _NOTHING, type_=String())


class _odd(FunctionElement[bool]):  # noqa: N801
    """Whether a text of `letters` may hold a character that needs a closer look: few do, and it is quick to ask."""

    name = "odd"
    type = Boolean()
    inherit_cache = True


class _seen(FunctionElement[str]):  # noqa: N801
    """`domain.texts.readable`; '' on MariaDB, and NULL on SQLite, when nothing is left."""

    name = "seen"
    type = String()
    inherit_cache = True


class _collapsed(FunctionElement[Any]):  # noqa: N801
    """`domain.texts.without_separators`; NULL when nothing is left."""

    name = "collapsed"
    type = String()
    inherit_cache = True


def _one_of(*ranges: tuple[int, int]) -> str:
    """For MariaDB's regular expressions, as a literal."""
    return "[" + "".join(rf"\\x{{{first:04x}}}-\\x{{{last:04x}}}" for first, last in ranges) + "]"


_TO_BLANK, _TO_NOTHING = _one_of(*SPACE, *BLANKS), _one_of(*NOTHING)
# All but what every keyboard has, and the letters of Europe's languages: what it finds is looked at more closely.
# Short, for MariaDB reads it again for each statement.
_SQLITE_ODD = "({0} GLOB '*[^ -~\u00c0-\u024f]*')"
_MARIADB_ODD = r"({0} REGEXP '[^ -~\\x{c0}-\\x{24f}]')"
spelled(_odd, _SQLITE_ODD, _MARIADB_ODD)
spelled(
    _seen,
    f"{READABLE}({{0}})",
    f"TRIM(REGEXP_REPLACE(REGEXP_REPLACE({{0}}, '{_TO_NOTHING}+', ''), '{_TO_BLANK}+', ' '))",
)
# First what most texts are. Behind the condition, for MariaDB evaluates what is in a NULLIF twice.
_UNHYPHENED = "NULLIF(REPLACE(REPLACE({0}, ' ', ''), '-', ''), '')"
spelled(
    _collapsed,
    f"(CASE WHEN {{0}} NOT GLOB '*[^0-9A-Za-z]*' THEN NULLIF({{0}}, '') WHEN {_SQLITE_ODD} "
    f"THEN NULLIF({COLLAPSED}({{0}}), '') ELSE {_UNHYPHENED} END)",
    f"(CASE WHEN {_MARIADB_ODD} THEN NULLIF(REGEXP_REPLACE({{0}}, '{_one_of(*SEPARATORS)}+', ''), '') "
    f"ELSE {_UNHYPHENED} END)",
)


class two_digits(FunctionElement[str]):  # noqa: N801
    """The text without blanks around it, and `1` as `01`; NULL when nothing is left."""

    name = "two_digits"
    type = String()
    inherit_cache = True


spelled(
    two_digits,
    "(CASE WHEN {0} GLOB '[0-9][0-9]' THEN {0} WHEN LENGTH(TRIM({0})) = 1 THEN '0' || TRIM({0}) "
    "ELSE NULLIF(TRIM({0}), '') END)",
    "(CASE LENGTH(TRIM({0})) WHEN 1 THEN CONCAT('0', TRIM({0})) ELSE NULLIF(TRIM({0}), '') END)",
)


def seen(name: ColumnElement[Any]) -> ColumnElement[str | None]:
    """A name without what cannot be seen. NULL for an empty one; one of which nothing can be seen stays as it is."""
    text = letters(name)
    clean = func.coalesce(func.nullif(_seen(text), _NOTHING), text, type_=String())
    return case((_odd(text), clean), else_=filled(name))


def without_separators(text: ColumnElement[Any]) -> ColumnElement[str | None]:
    """An identifier without blanks, dashes and what cannot be seen; NULL when nothing is left."""
    return without_separators_as_compared(letters(text))


def without_separators_as_compared(text: ColumnElement[Any]) -> ColumnElement[str | None]:
    """The same, which compares as the text itself does: rows of an indexed column are found by it."""
    return _collapsed(text)


def may_be_stored(text: str) -> bool:
    """Whether OSCAR's three-byte utf8 can hold the text: MariaDB refuses to compare its columns with any other."""
    return all(character <= "\uffff" for character in text)
