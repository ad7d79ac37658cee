"""What the host does for its plugins: their tables are there, their pages answer, programs reach them."""

import pytest
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

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
    """They prove who they are with each request; without that they get 401, and nothing about a form."""
    interfaces = {
        blueprint.name
        for blueprint in _installed().emr_blueprints(bench.host)
        if isinstance(blueprint, ProgramInterface)
    }
    browser = bench.browser(None)
    paths = [
        rule.rule
        for rule in browser.application.url_map.iter_rules()
        if rule.endpoint.split(".")[0] in interfaces and "POST" in (rule.methods or ()) and not rule.arguments
    ]
    if not paths:
        pytest.skip("no plugin has an interface for programs")
    answers = {browser.post(path).status_code for path in paths}
    assert 401 in answers, "leave a ProgramInterface out of the protection of forms"
