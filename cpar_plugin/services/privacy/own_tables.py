"""The plugin's tables as they are in the database, with what each column holds."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Engine, Table, inspect

from ...store.tables import metadata
from .columns import TableHolds
from .contents import TABLES
from .document import IN_THIS_SYSTEM, Grid, PackSection, StatementSource

MISSING = "missing"


def section(engine: Engine, of_host: Mapping[Table, TableHolds]) -> PackSection:
    """Every table of this version, and its columns with the types that they have here. Reads no row.

    `of_host` are tables that the host keeps next to them.
    """
    return PackSection(
        "Tables of the plugin",
        StatementSource.BOTH,
        [*_grids(engine, of_host)],
        "The plugin reads and writes all of them, and no one else needs to. “About” says who a column tells something "
        "about: a patient, staff (users of the EMR and providers), the clinic and its panels, or the system itself.",
    )


def _grids(engine: Engine, of_host: Mapping[Table, TableHolds]) -> Iterator[Grid]:
    ours = {**{table: TABLES[name] for name, table in metadata.tables.items()}, **of_host}
    reflected = inspect(engine).get_multi_columns(filter_names=[table.name for table in ours])
    types = {(table, column["name"]): column["type"] for (_, table), columns in reflected.items() for column in columns}
    for table in sorted(ours, key=lambda one: one.name):
        rows = []
        for column in table.c:
            holds = ours[table].holds(column.name)
            column_type = types.get((table.name, column.name))
            here = column_type.compile(engine.dialect) if column_type else MISSING
            rows.append((column.name, here, holds.about.value, holds.text))
        yield Grid(f"{table.name}: {ours[table].text}", ("Column", IN_THIS_SYSTEM, "About", "Holds"), rows)
