"""A migration that was killed, after any of its statements, can be repeated: MariaDB keeps what was made until then."""

import subprocess
import sys
from pathlib import Path

import alembic.command
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from click.testing import CliRunner
from sqlalchemy import create_engine, inspect, select

from cpar_plugin.store import tables
from cpar_plugin.store.migrations import SOURCE, versions
from oscar_host.migrate import command

from ..fhirapi.recorded import GIVEN_OUT

# Each process is killed after one statement more than the one before it: it finds what that one has left, and goes on.
# Only the first one makes the table of the version: that statement does not count, or the others would be out of step.
KILLED = """
import os, signal, sys
from sqlalchemy import event
from cpar_plugin.store.migrations import SOURCE, VERSION_TABLE
from cpar_plugin.host_kit.database import HostDatabase
from cpar_plugin.host_kit.migrations import upgrade

def run(last):
    engine, seen = HostDatabase(sys.argv[1]).engine, 0

    def executed(connection, cursor, statement, *_):
        nonlocal seen
        seen += not (statement.strip().startswith("CREATE") and VERSION_TABLE in statement)
        if seen == last:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "after_cursor_execute", executed)
    upgrade(engine, SOURCE)

killed = 0
while True:
    if process := os.fork():
        status = os.waitpid(process, 0)[1]
        if status != signal.SIGKILL:
            break
        killed += 1
    else:
        run(killed + 1)
        os._exit(0)
print(status, killed)
"""


@pytest.mark.databases("in turn")
def test_the_first_migration_killed_after_every_statement_is_finished_by_the_next_one(database_url: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", KILLED, database_url], capture_output=True, text=True, timeout=600, check=False
    )
    assert result.stderr == ""
    status, killed = map(int, result.stdout.split())
    first = (Path(versions.__file__).parent / "0001_first_tables.py").read_text(encoding="utf-8")
    assert status == 0
    assert killed > first.count("op.create_table(") + first.count("op.create_index(")
    engine = create_engine(database_url)
    with engine.connect() as connection:
        options = {"version_table": SOURCE.version_table, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, tables.metadata) == []
        clinics = connection.execute(select(tables.clinic.c.clinic_id, tables.clinic.c.enabled_at)).all()
        assert clinics == [(1, None)]
        comparison = tables.exclusion_comparison.c
        assert connection.execute(select(comparison.whole_at, comparison.operation_id)).all() == [(None, 0)]
    assert set(inspect(engine).get_table_names()) == {*tables.metadata.tables, SOURCE.version_table}
    engine.dispose()


@pytest.mark.databases("in turn")
def test_whom_reads_gave_out_is_kept_when_it_becomes_sets_however_often_that_is_cut_off(database_url: str) -> None:
    engine, config = create_engine(database_url), Config()
    config.set_main_option("script_location", str(SOURCE.script_location))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0020")
        for read_id, patient_ids in ((3, (17, 18)), (4, ()), (9, (17,))):
            connection.exec_driver_sql(
                "INSERT INTO cpar_read (read_id, at, actor_id, interaction, kind, resource_id, patients, address) "
                f"VALUES ({read_id}, '2026-01-01', 'client-1', 'read', 'Group', '1', {len(patient_ids)}, '')"
            )
            for patient_id in patient_ids:
                connection.exec_driver_sql(f"INSERT INTO cpar_read_patient VALUES ({read_id}, {patient_id})")
    result = subprocess.run(
        [sys.executable, "-c", KILLED, database_url], capture_output=True, text=True, timeout=600, check=False
    )
    assert (result.stderr, result.stdout.split()[0]) == ("", "0")
    with engine.begin() as connection:
        assert [tuple(row) for row in connection.execute(GIVEN_OUT)] == [(3, 17), (3, 18), (9, 17)]
        for read_id in (10, 11):  # as one patient is recorded since then
            connection.exec_driver_sql(
                "INSERT INTO cpar_read "
                "(read_id, at, actor_id, interaction, kind, resource_id, patients, address, patient_id) "
                f"VALUES ({read_id}, '2026-01-01', 'client-1', 'read', 'Patient', '19', 1, '', 19)"
            )
        config.attributes["connection"] = connection
        alembic.command.downgrade(config, "0020")
        rows = connection.exec_driver_sql("SELECT read_id, patient_id FROM cpar_read_patient ORDER BY 1, 2").all()
        assert [tuple(row) for row in rows] == [(3, 17), (3, 18), (9, 17), (10, 19), (11, 19)]
    engine.dispose()


def test_what_keeps_the_tables_from_being_made_is_reported_and_not_to_migrate_once_more(
    database_url: str, environment: dict[str, str]
) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW cpar_member AS SELECT 1 AS patient_id")
    result = CliRunner().invoke(command, [], env=environment)
    assert result.exit_code == 1
    assert "The tables were not created or updated: OperationalError: " in result.output
    assert "fix the cause, and run cpar migrate again" in result.output
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP VIEW cpar_member")
    assert CliRunner().invoke(command, [], env=environment).exit_code == 0
    engine.dispose()


def test_of_an_error_about_rows_only_the_kind_is_reported(database_url: str, environment: dict[str, str]) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE cpar_clinic (name VARCHAR(9))")
    result = CliRunner().invoke(command, [], env=environment)
    assert result.exit_code == 1
    assert "The tables were not created or updated: OperationalError." in result.output
    engine.dispose()
