"""Bring a plugin's tables up to date, whichever process comes first."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from threading import Lock

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from cpar_plugin.hooks import MigrationSource, Refused

from .database import MARIADB

_WAIT_SECONDS = 120
_NEWER = "The tables are from a newer version than this one. Install that version here, too."
_ONE_AT_A_TIME = Lock()  # of a process: migrations reach their context through a name of Alembic's modules


class Step(Enum):
    """The state of a plugin's tables relative to its migrations."""

    NONE = auto()  # there are no tables yet
    BEHIND = auto()
    CURRENT = auto()
    AHEAD = auto()  # of a newer version than the one that is installed


def upgrade(engine: Engine, source: MigrationSource, *, may_be_newer: bool = False) -> None:
    """Apply what is missing of the plugin's migrations. Does nothing when all are there.

    The folder's own env.py is not run: connection, version table and lock are the host's. Processes that start at the
    same moment wait for each other. Raises TimeoutError when another process holds the lock for two minutes, and
    Refused where the tables are of a newer version, unless they `may_be_newer`: then they are left as they are.
    """
    step = step_of(engine, source)
    if step is Step.AHEAD and not may_be_newer:
        raise Refused({"tables": _NEWER})
    if step in (Step.CURRENT, Step.AHEAD):
        return
    config, scripts = _scripts(source)
    with (
        _ONE_AT_A_TIME,
        _migration_lock(engine, source.version_table) as connection,
        EnvironmentContext(config, scripts, fn=lambda revision, _: scripts._upgrade_revs("head", revision)) as run,
    ):
        run.configure(connection=connection, version_table=source.version_table, transactional_ddl=False)
        run.run_migrations()


def step_of(engine: Engine, source: MigrationSource) -> Step:
    """The state of the plugin's tables. Changes nothing."""
    _, scripts = _scripts(source)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": source.version_table})
        applied = set(context.get_current_heads())
    if not applied:
        return Step.NONE
    if applied == set(scripts.get_heads()):
        return Step.CURRENT
    revisions = {script.revision for script in scripts.walk_revisions()}
    return Step.BEHIND if applied <= revisions else Step.AHEAD


def _scripts(source: MigrationSource) -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(source.script_location).replace("%", "%%"))
    return config, ScriptDirectory.from_config(config)


@contextmanager
def _migration_lock(engine: Engine, name: str) -> Iterator[Connection]:
    if engine.dialect.name not in MARIADB:
        with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            yield connection
        return
    lock = {"name": f"{engine.url.database}.{name}"[:64], "seconds": _WAIT_SECONDS}
    with engine.connect() as connection:
        if connection.scalar(text("SELECT GET_LOCK(:name, :seconds)"), lock) != 1:
            raise TimeoutError("another process has been changing the tables for two minutes: try again")
        connection.commit()
        try:
            yield connection
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": lock["name"]})
