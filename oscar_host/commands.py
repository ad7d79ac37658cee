"""The subcommands that this host adds to `cpar`, through the entry point group `cpar.commands`."""

from importlib import import_module

import click


class Later(click.Command):
    """A command that is imported only when it is called, so that `cpar --help` and cron's `cpar run-due` start fast."""

    def __init__(self, name: str, module: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self._module = module

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        command: click.Command = import_module(self._module).command
        return command.make_context(info_name, args, parent, **extra)


def register(group: click.Group) -> None:
    """Add the subcommands to the group `cpar`."""
    group.add_command(Later("demo", "oscar_host.demo.tryout", "Try everything: a clinic, a panel, a submission."))
    group.add_command(Later("demo-data", "oscar_host.demo.data.command", "Fill a database with an invented clinic."))
    group.add_command(Later("migrate", "oscar_host.migrate", "Make or update the plugin's tables."))
    group.add_command(Later("registry", "oscar_host.demo.registry.command", "Run a registry to send panels to."))
    group.add_command(Later("serve", "oscar_host.demo.serve", "Run the embedded EMR."))
