"""`cpar migrate`: bring the plugins' tables up to date."""

import click

from cpar_plugin.hooks.plugins import Plugins

from .host import OscarHost, from_environment
from .migrations import upgrade


@click.command("migrate")
def command() -> None:
    """Make or update the plugins' own tables. The EMR's tables are not touched."""
    installed_plugins(from_environment())
    click.echo("The tables are up to date.")


def installed_plugins(host: OscarHost) -> Plugins:
    """The installed plugins, their tables up to date."""
    plugins = Plugins()
    plugins.load_installed()
    for source in plugins.migrations():
        upgrade(host.database.engine, source)
    return plugins
