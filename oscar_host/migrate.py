"""`cpar migrate`: bring the plugins' tables up to date."""

import re

import click
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.migrations import upgrade

from .host import OscarHost, from_environment
from .own_sessions import make_table

_OF_TABLES = re.compile(r"\s*(CREATE|ALTER|DROP|CONNECT)\b")
_AGAIN = (
    "What was created is kept: fix the cause, and run cpar migrate again. cpar doctor checks permissions and server."
)


@click.command("migrate")
def command() -> None:
    """Create or update the tables of the plugins and of their host. The EMR's tables are not changed."""
    try:
        with from_environment() as host:
            installed_plugins(host)
    except (SQLAlchemyError, TimeoutError) as error:
        raise click.ClickException(f"The tables were not created or updated: {_reason(error)}. {_AGAIN}") from None
    click.echo("The tables are up to date.")


def installed_plugins(host: OscarHost, *, may_be_newer: bool = False) -> Plugins:
    """The installed plugins, their tables up to date and the host's own there. `may_be_newer` as in `upgrade`."""
    plugins = Plugins()
    plugins.load_installed()
    for source in plugins.emr_migrations():
        upgrade(host.database.engine, source, may_be_newer=may_be_newer)
    make_table(host.database.engine)
    return plugins


def _reason(error: SQLAlchemyError | TimeoutError) -> str:
    """The server's own words, but where it speaks of rows: those may be patient data."""
    if isinstance(error, TimeoutError):
        return str(error)
    original = error.orig if isinstance(error, DBAPIError) else None
    parts = [str(part) for part in original.args] if original else []
    if parts and _OF_TABLES.match(getattr(error, "statement", None) or "CONNECT"):
        return f"{type(error).__name__}: {' '.join(parts)}"
    return type(error).__name__


if __name__ == "__main__":
    command()
