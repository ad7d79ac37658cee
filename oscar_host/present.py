"""Which of an OSCAR-family EMR's tables and columns a database has: forks and versions differ."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Engine, Table, bindparam, inspect, null, text
from sqlalchemy.dialects.mysql.base import ischema_names
from sqlalchemy.types import NullType, TypeEngine

from cpar_plugin.hooks import Refused
from cpar_plugin.host_kit.schemas import schema_of

from .schema import Tables


@dataclass(frozen=True)
class Present:
    """Which tables and columns this database really has. Names are compared without case, as both databases do."""

    types: Mapping[str, Mapping[str, type[TypeEngine[Any]]]]  # by table, by column
    names_collation: str | None = None  # of patients' last names, where MariaDB has an index that begins with them

    @cached_property
    def names(self) -> frozenset[tuple[str, frozenset[str]]]:
        """The tables, each with its columns: what statements depend on, to be compared with another database's."""
        return frozenset((table, frozenset(columns)) for table, columns in self.types.items())

    def has(self, table: Table) -> bool:
        """Whether the table is there."""
        return table.name in self.types

    def has_column(self, column: Column[Any]) -> bool:
        """Whether the column is there."""
        return column.name.lower() in self.types.get(column.table.name, ())

    def type_of(self, column: Column[Any]) -> type[TypeEngine[Any]]:
        """The kind of type that a column has here. Raises KeyError where there is none."""
        return self.types[column.table.name][column.name.lower()]

    def column(self, column: Column[Any]) -> ColumnElement[Any]:
        """The column, or NULL where this fork has none."""
        return column if self.has_column(column) else null()


def present(engine: Engine, tables: Tables) -> Present:
    """Look which of our tables and their columns are there. Raises Refused where there is no OSCAR at all."""
    schema = schema_of(engine, tables.demographic)
    types = _reflected(engine, tables) if engine.dialect.name == "sqlite" else _columns(engine, tables)
    if tables.demographic.name not in types:
        database = schema or engine.url.database
        raise Refused(
            f"There is no table demographic in the database {database}: set CPAR_HOST_SCHEMA to the name of the EMR's "
            "database, or make one for trying out with cpar demo-data."
        )
    return Present(types, None if engine.dialect.name == "sqlite" else _names_collation(engine, schema))


def column_types(engine: Engine, tables: Tables) -> Mapping[str, Mapping[str, TypeEngine[Any]]]:
    """The whole types, by table, by column in small letters. Several statements for each table."""
    schema = schema_of(engine, tables.demographic)
    reflected = inspect(engine).get_multi_columns(schema=schema, filter_names=_names(tables))
    return {
        table: {str(column["name"]).lower(): column["type"] for column in columns}
        for (_, table), columns in reflected.items()
        if columns
    }


_Types = Mapping[str, Mapping[str, type[TypeEngine[Any]]]]


def _names(tables: Tables) -> list[str]:
    return [getattr(tables, field.name).name for field in fields(tables)]


def _reflected(engine: Engine, tables: Tables) -> _Types:
    types = column_types(engine, tables)
    return {table: {name: type(kind) for name, kind in columns.items()} for table, columns in types.items()}


# A column without a right is not seen, so that an account with rights to single ones would miss the others.
_COLUMNS: Final = text(
    "SELECT table_name, column_name, data_type FROM information_schema.columns "
    "WHERE table_schema = :schema AND table_name IN :names UNION ALL "
    "SELECT table_name, column_name, NULL FROM information_schema.column_privileges "
    "WHERE table_schema = :schema AND table_name IN :names"
).bindparams(bindparam("names", expanding=True))
# Each of the two views that are joined is given the names: else MariaDB opens the tables of all databases there are.
_NAMES_COLLATION: Final = text(
    "SELECT name.collation_name FROM information_schema.columns AS name "
    "JOIN information_schema.statistics AS part ON part.column_name = name.column_name "
    "WHERE name.table_schema = :schema AND name.table_name = 'demographic' AND name.column_name = 'last_name' "
    "AND part.table_schema = :schema AND part.table_name = 'demographic' "
    "AND part.seq_in_index = 1 AND part.sub_part IS NULL LIMIT 1"
)


def _columns(engine: Engine, tables: Tables) -> _Types:
    """Of MariaDB, by one statement: the inspector asks for each table, and reads the SQL that makes it.

    Raises DBAPIError, by the inspector, where the account may read single columns, or there is no such database.
    """
    names, schema = _names(tables), schema_of(engine, tables.demographic) or engine.url.database
    known = {name.lower(): name for name in names}  # some servers keep names in small letters
    types: dict[str, dict[str, type[TypeEngine[Any]]]] = {}
    with engine.connect() as connection:
        rows = connection.execute(_COLUMNS, {"schema": schema, "names": names}).all()
    if not rows or any(kind is None for _, _, kind in rows):
        return _reflected(engine, tables)
    for table, column, kind in rows:
        types.setdefault(known[table.lower()], {})[column.lower()] = ischema_names.get(kind, NullType)
    return types


def _names_collation(engine: Engine, schema: str | None) -> str | None:
    with engine.connect() as connection:
        names = {"schema": schema or engine.url.database}
        collation: str | None = connection.scalar(_NAMES_COLLATION, names)
    return collation
