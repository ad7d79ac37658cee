"""`cpar migrate`: bring the plugins' tables up to date."""

import click

from cpar_plugin.hooks.plugins import Plugins

from .host import from_environment
from .migrations import upgrade


@click.command("migrate")
def command() -> None:
    """Make or update the plugins' own tables. The EMR's tables are not touched."""
    host = from_environment()
    plugins = Plugins()
    plugins.load_installed()
    for source in plugins.migrations():
        upgrade(host.database.engine, source)
    click.echo("The tables are up to date.")
