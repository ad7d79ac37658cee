"""The plugin's tables as they are in the database, with what each column holds."""

from collections.abc import Iterator

from sqlalchemy import Engine, inspect

from ...store.tables import metadata
from .contents import TABLES, column_holds
from .document import IN_THIS_SYSTEM, Grid, PackSection, StatementSource

MISSING = "missing"


def section(engine: Engine) -> PackSection:
    """Every table of this version, and its columns with the types that they have here. Reads no row."""
    return PackSection(
        "Tables of the plugin",
        StatementSource.BOTH,
        list(_grids(engine)),
        "The plugin reads and writes all of them, and no one else needs to. “About” says who a column tells something "
        "about: a patient, staff (users of the EMR and providers), the clinic and its panels, or the system itself.",
    )


def _grids(engine: Engine) -> Iterator[Grid]:
    reflected = inspect(engine).get_multi_columns(filter_names=list(metadata.tables))
    types = {(table, column["name"]): column["type"] for (_, table), columns in reflected.items() for column in columns}
    for name in sorted(metadata.tables):
        rows = []
        for column in metadata.tables[name].c:
            holds = column_holds(name, column.name)
            column_type = types.get((name, column.name))
            here = column_type.compile(engine.dialect) if column_type else MISSING
            rows.append((column.name, here, holds.about.value, holds.text))
        yield Grid(f"{name}: {TABLES[name].text}", ("Column", IN_THIS_SYSTEM, "About", "Holds"), rows)
