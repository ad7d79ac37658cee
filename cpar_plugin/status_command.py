"""`cpar status`: how submissions stand, for an operator and for monitoring."""

import click

from . import settings as plugin_settings
from .commands import EXIT_WARNING, open_host
from .services.submissions.status import status


@click.command("status")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show the status of submissions.

    Exit code 1: something needs attention. Exit code 3: something may soon, such as a registry that has not answered
    for an hour.
    """
    host = open_host(ctx)
    state = status(host, plugin_settings.load(host.settings), host.clock.now())
    for fact in state.facts:
        click.echo(fact)
    for warning in state.warnings:
        click.echo(f"Warning: {warning}")
    for problem in state.problems:
        click.echo(f"Problem: {problem}")
    if state.problems:
        ctx.exit(1)
    if state.warnings:
        ctx.exit(EXIT_WARNING)
