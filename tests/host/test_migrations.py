"""The plugin's migrations: once, again, and by several processes at the same moment."""

import subprocess
import sys

import pytest
from sqlalchemy import inspect, text

from cpar_plugin.hooks import MigrationSource
from cpar_plugin.host_kit.database import HostDatabase
from cpar_plugin.host_kit.migrations import upgrade

FIRST = """
import time
import sqlalchemy as sa
from alembic import op
revision = "1"
down_revision = None
def upgrade():
    op.create_table("first", sa.Column("n", sa.Integer, primary_key=True))
    time.sleep(0.3)  # long enough for the others to come
    op.execute("INSERT INTO first VALUES (1)")
"""
SECOND = """
import sqlalchemy as sa
from alembic import op
revision = "2"
down_revision = "1"
def upgrade():
    op.add_column("first", sa.Column("name", sa.String(5)))
"""
BROKEN = """
from alembic import op
revision = "2"
down_revision = "1"
def upgrade():
    op.execute("INSERT INTO nowhere VALUES (1)")
"""
PROCESS = """
import sys
from pathlib import Path
from cpar_plugin.hooks import MigrationSource
from cpar_plugin.host_kit.database import HostDatabase
from cpar_plugin.host_kit.migrations import upgrade
source = MigrationSource(script_location=Path(sys.argv[2]), version_table="its_version")
print("ready", flush=True)
sys.stdin.readline()
upgrade(HostDatabase(sys.argv[1]).engine, source)
"""


@pytest.fixture
def source(tmp_path):
    (tmp_path / "50% off" / "versions").mkdir(parents=True)
    (tmp_path / "50% off" / "versions" / "1_first.py").write_text(FIRST)
    return MigrationSource(script_location=tmp_path / "50% off", version_table="its_version")


@pytest.fixture
def database(place):
    database = HostDatabase(place.url)
    yield database
    database.engine.dispose()


def version(database) -> str:
    with database.engine.connect() as connection:
        return connection.scalar(text("SELECT version_num FROM its_version"))


def test_what_is_missing_is_applied_and_nothing_twice(database, source):
    upgrade(database.engine, source)
    upgrade(database.engine, source)
    assert version(database) == "1"
    (source.script_location / "versions" / "2_second.py").write_text(SECOND)
    upgrade(database.engine, source)
    assert version(database) == "2"
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT n, name FROM first")).all() == [(1, None)]


def test_its_version_table_is_its_own(database, source):
    upgrade(database.engine, source)
    assert set(inspect(database.engine).get_table_names()) == {"first", "its_version"}


def test_a_migration_that_fails_is_not_counted_as_done_and_can_be_fixed(database, source):
    upgrade(database.engine, source)
    second = source.script_location / "versions" / "2_second.py"
    second.write_text(BROKEN)
    with pytest.raises(Exception, match="nowhere"):
        upgrade(database.engine, source)
    assert version(database) == "1"
    second.write_text(SECOND)
    upgrade(database.engine, source)
    assert version(database) == "2"


def test_processes_that_start_at_once_wait_for_each_other(database, source):
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-W", "error", "-c", PROCESS, url, str(source.script_location)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(3)]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 3
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    failures = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], failures
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM first")) == 1


def test_the_plugins_tables_are_exactly_what_its_code_says(host):
    from cpar_plugin.store.tables import metadata

    result = inspect(host.database.engine)
    for table in metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in result.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.c}, table.name
