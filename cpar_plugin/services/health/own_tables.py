"""Whether the plugin's tables are those that its code is written for."""

from sqlalchemy import inspect

from ...hooks import Health, Host
from ...settings import Settings
from ...store.tables import metadata

_RESTORE = (
    "They were changed, or a backup was restored in part: restore all of them from one backup. If there are "
    "no panels yet: drop the tables whose names begin with cpar_, and run cpar migrate."
)


def complete(host: Host, settings: Settings) -> Health:
    """Whether every table has its columns. Reads no row."""
    by_table = inspect(host.database.engine).get_multi_columns(filter_names=list(metadata.tables))
    columns = {name: {column["name"] for column in of_table} for (_, name), of_table in by_table.items()}
    lacking = []
    for table in metadata.sorted_tables:
        absent = [column.name for column in table.c if column.name not in columns.get(table.name, ())]
        if absent:
            lacking.append(f"{table.name} ({', '.join(absent)})" if table.name in columns else table.name)
    if lacking:
        return Health.failure(f"The plugin's tables are incomplete: {', '.join(lacking)}.", _RESTORE)
    return Health.ok(f"All {len(metadata.tables)} tables of the plugin are complete.")
