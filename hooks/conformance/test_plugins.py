"""What the host does for its plugins: their tables are there, their pages answer, programs reach them."""

import pytest
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint

from .. import MigrationSource, ProgramInterface
from ..plugins import Plugins
from .bench import Bench


def _installed() -> Plugins:
    plugins = Plugins()
    plugins.load_installed()
    return plugins


def test_the_tables_of_every_plugin_are_of_its_newest_version(bench: Bench) -> None:
    sources: list[MigrationSource] = list(_installed().emr_migrations())
    assert sources, "no plugin is installed"
    for source in sources:
        newest = set(ScriptDirectory(source.script_location).get_heads())
        with bench.host.database.engine.connect() as connection:
            applied = MigrationContext.configure(connection, opts={"version_table": source.version_table})
            assert set(applied.get_current_heads()) == newest, "apply migrations() at start, with their version table"


def test_programs_need_no_form_of_the_host(bench: Bench) -> None:
    """What they may is said with each request; without it they are told to prove themselves, and no more."""
    programs: list[Blueprint] = [
        one for one in _installed().emr_blueprints(bench.host) if isinstance(one, ProgramInterface)
    ]
    if not programs:
        pytest.skip("no plugin has an interface for programs")
    answer = bench.browser(None).post("/fhir/Patient/_search")
    assert answer.status_code == 401, "leave a ProgramInterface out of the protection of forms"
