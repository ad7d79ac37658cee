"""How long after the beginning of a day something was, on either database."""

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Date, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class seconds_after(FunctionElement[int]):  # noqa: N801  # spelled like the function that it is
    """Whole seconds from the beginning of a day to a moment without a zone; NULL for none."""

    name = "seconds_after"
    type = BigInteger()
    inherit_cache = True

    def __init__(self, day: date, moment: ColumnElement[Any]) -> None:
        super().__init__(literal(day, Date()), moment)


@compiles(seconds_after)
def _subtracted(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    day, moment = (f"CAST(strftime('%s', {compiler.process(part, **context)}) AS INTEGER)" for part in element.clauses)
    return f"({moment} - {day})"


@compiles(seconds_after, "mysql", "mariadb")
def _difference(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    return f"TIMESTAMPDIFF(SECOND, {compiler.process(element.clauses, **context)})"
