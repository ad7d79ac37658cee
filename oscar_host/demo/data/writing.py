"""Write an invented clinic into OSCAR's tables: in one transaction, and with the same memory for any number of rows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice

from sqlalchemy import Connection, Table, inspect, select

from cpar_plugin.hooks import Refused
from cpar_plugin.host_kit.database import MARIADB, HostDatabase
from oscar_host.schema import Tables

from . import visits
from .clinic import MERGE_COLUMNS, Record, records
from .fitting import FittedInsert, Values, holds_emoji, without_emoji
from .people import COLUMNS as PATIENT_COLUMNS
from .staff import staff

_PATIENTS_AT_ONCE = 2000
_NOTES = visits.COLUMNS.index("notes")


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows there are now, and how many notes lost an emoji that their column cannot hold."""

    patients: int
    appointments: int
    merges: int
    notes_without_emoji: int


def fill(
    database: HostDatabase,
    tables: Tables,
    *,
    patients: int,
    seed: int,
    as_of: date,
    progress: Callable[[int], None] = lambda done: None,
) -> Written:
    """Make the tables that are missing and fill them; `progress` is called with the number of patients written.

    Raises Refused, with nothing done, when there are patients or appointments already.
    """
    _refuse_a_clinic_in_use(database, tables)
    tables.metadata.create_all(database.engine)
    with database.writing() as connection, _indexes_put_off(connection, (tables.demographic, tables.appointment)):
        write_staff(connection, tables, seed, as_of)
        return _write_records(connection, tables, records(seed, patients, as_of), progress)


def _refuse_a_clinic_in_use(database: HostDatabase, tables: Tables) -> None:
    inspector = inspect(database.engine)
    with database.engine.connect() as connection:
        for table, noun in ((tables.demographic, "patients"), (tables.appointment, "appointments")):
            exists = inspector.has_table(table.name, schema=table.schema)
            if exists and connection.execute(select(1).select_from(table).limit(1)).first():
                raise Refused(f"This database already has {noun}: nothing was changed. Choose an empty database.")


def write_staff(connection: Connection, tables: Tables, seed: int, as_of: date) -> None:
    """Add the rows that are not there yet: OSCAR's own installation brings roles, objects and the provider -1."""
    for table, key, rows in staff(tables, seed, as_of):
        names = key.split()
        existing = {tuple(row) for row in connection.execute(select(*(table.c[name] for name in names)))}
        missing = [tuple(row.values()) for row in rows if tuple(row[name] for name in names) not in existing]
        FittedInsert(connection, table, list(rows[0])).write(connection, missing)


def _write_records(
    connection: Connection, tables: Tables, source: Iterator[Record], progress: Callable[[int], None]
) -> Written:
    into_patients = FittedInsert(connection, tables.demographic, PATIENT_COLUMNS)
    into_visits = FittedInsert(connection, tables.appointment, visits.COLUMNS)
    into_merges = FittedInsert(connection, tables.demographic_merged, MERGE_COLUMNS)
    emoji = holds_emoji(connection, tables.appointment, "notes")
    count = appointments = merges = changed = 0
    while batch := list(islice(source, _PATIENTS_AT_ONCE)):
        rows = [visit for record in batch for visit in record.visits]
        if not emoji:
            changed += _replace_emoji(rows)
        into_patients.write(connection, [tuple(record.patient.values()) for record in batch])
        appointments += into_visits.write(connection, rows)
        merges += into_merges.write(connection, [record.merge for record in batch if record.merge])
        count += len(batch)
        progress(count)
    return Written(count, appointments, merges, changed)


def _replace_emoji(rows: list[Values]) -> int:
    changed = 0
    for index, visit in enumerate(rows):
        note = visit[_NOTES]
        if note and (plain := without_emoji(note)) != note:
            rows[index] = (*visit[:_NOTES], plain, *visit[_NOTES + 1 :])
            changed += 1
    return changed


@contextmanager
def _indexes_put_off(connection: Connection, tables: tuple[Table, ...]) -> Iterator[None]:
    """SQLite: build the indexes of these tables once, at the end. All of it is one transaction.

    Not on MariaDB: a failure would leave OSCAR without them, and its own bulk mode (unique_checks = 0) was measured to
    cost three times as much.
    """
    if connection.dialect.name in MARIADB:
        yield
        return
    names = tuple(table.name for table in tables)
    marks = ", ".join("?" * len(names))
    indexes = connection.exec_driver_sql(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({marks})",  # noqa: S608
        names,
    ).all()
    quote = connection.dialect.identifier_preparer.quote
    for name, _ in indexes:
        connection.exec_driver_sql(f"DROP INDEX {quote(name)}")
    yield
    for _, sql in indexes:
        connection.exec_driver_sql(sql)
