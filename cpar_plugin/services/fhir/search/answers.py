"""How a search parameter is answered: in SQL where resources are many, by what each holds where they are few."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, literal, true

from ....fhir_mappings.searchable import Parameter
from ....hooks import Host
from ....settings import Settings
from ....store.types import Moment
from ...clients.caller import Caller
from ..sources import LARGE, Source
from ..versions import Versioned
from .values import Period, Token, compared, is_number


@dataclass(frozen=True, slots=True)
class Rows:
    """What conditions are made of: the rows of a kind that a caller may read. `updated`: when each last changed."""

    connection: Connection
    host: Host
    settings: Settings
    caller: Caller
    source: Source
    updated: ColumnElement[Any]

    @property
    def columns(self) -> Mapping[str, ColumnElement[Any]]:
        """The source's, by name."""
        return self.source.columns


Referred = frozenset[str] | Select[Any]  # ids of resources; or rows of the source of one of LARGE
Fits = Callable[[Rows, Any, str | None], ColumnElement[bool]]
Value = Callable[[Versioned], Iterable[Any]]


def _always(_: Rows) -> ColumnElement[bool]:
    return true()


@dataclass(frozen=True, slots=True)
class Sql:
    """An answer in SQL: whether a row fits a value (with a modifier), whether it has one, what `_sort` orders by."""

    fits: Fits
    present: Callable[[Rows], ColumnElement[bool]] = _always
    order: Callable[[Rows], ColumnElement[Any]] | None = None  # never NULL
    # A condition by which an index finds those that fit a value, and perhaps some others; None where it does not help.
    by_index: Callable[[Rows, Any, str | None], ColumnElement[bool] | None] | None = None
    # Of a reference: whether a row refers to one of these resources; and the ids to which rows of a select refer.
    through: Callable[[Rows, Referred], ColumnElement[bool]] | None = None
    targets: Callable[[Rows, Select[Any]], Referred] | None = None


@dataclass(frozen=True, slots=True)
class Answered(Parameter):
    """A search parameter with its answer.

    `value`: what a resource holds for it: pairs of system and code, references such as `Patient/7`, texts, or moments.
    """

    sql: Sql | None = None
    value: Value | None = None


class Unanswered(Exception):
    """A search parameter is announced and nothing answers it."""


def answered(kind: str, parameters: Iterable[Answered]) -> dict[str, Answered]:
    """The parameters of a kind by name. Raises Unanswered for one that would be announced and find nothing."""
    by_name = {parameter.name: parameter for parameter in parameters}
    for name, parameter in by_name.items():
        lacking = (
            "sql"
            if kind in LARGE and parameter.sql is None
            else "value"
            if kind not in LARGE and not parameter.value
            else ""
        )
        if kind in LARGE and parameter.sql and parameter.sorts and parameter.sql.order is None:
            lacking = "sql.order, because results may be sorted by it"
        if (
            kind in LARGE
            and parameter.sql
            and parameter.targets
            and not (parameter.sql.through and parameter.sql.targets)
        ):
            lacking = "sql.through and sql.targets, because it is a reference"
        if lacking:
            raise Unanswered(
                f"The search parameter {kind}?{name} is announced, and nothing answers it: "
                f"give it {lacking} in services/fhir/search/table.py."
            )
    return by_name


def with_id(rows: Rows, value: Token, _: str | None) -> ColumnElement[bool]:
    """The row with this number."""
    code = value.code if value.system is None and value.code and is_number(value.code) else "0"
    return rows.source.key == int(code)


def changed(rows: Rows, value: Period, _: str | None) -> ColumnElement[bool]:
    """Rows that changed last in a period."""
    return within(rows.updated, value)


def within(column: ColumnElement[Any], value: Period) -> ColumnElement[bool]:
    """Rows with a moment in a period, or before it, and so on."""
    first, last = (literal(moment, Moment()) for moment in (value.first, value.last))
    fits: ColumnElement[bool] = compared(value.prefix, column, first, last)
    return fits
