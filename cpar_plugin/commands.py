"""The command `cpar`: what an operator does from a shell, cron or systemd. Packages add subcommands by entry point."""

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError, SQLAlchemyError

from .domain.refusals import Refused
from .extras import command_for, missing
from .hooks import Host
from .services.operations import clinic

SUBCOMMANDS = "cpar.commands"
HOSTS = "cpar.hosts"
EXIT_WARNING = 3  # 1: an error or a problem; 2: wrong usage (click)


class Sentences(click.Group):
    """A group whose errors are one sentence each: exit code 1, or 2 for wrong usage, and never a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (Refused, SQLAlchemyError) as error:
            raise click.ClickException(sentence(error)) from None


def sentence(error: Refused | SQLAlchemyError, migrate: str = "cpar migrate") -> str:
    """What to do about an error that ends a command. Without the text of the database, which may hold patient data."""
    match error:
        case Refused():
            return str(error)
        case ProgrammingError():
            return f"The database has no tables of this version yet: run {migrate}."
        case OperationalError() | InterfaceError():
            return (
                "The database cannot be used. Check that it is running, its URL, and that its tables exist "
                f"({migrate})."
            )
    return f"The database reported an error ({type(error).__name__})."


class Later(click.Command):
    """A command that is imported only when it is called, so that `cpar --help` and cron's `cpar run-due` start fast.

    `extra` names the extra of setup.cfg whose packages it needs: without them it says how to install these.
    """

    def __init__(self, name: str, module: str, short_help: str, *, extra: str = "") -> None:
        super().__init__(name, short_help=short_help)
        self._module = module
        self._extra = extra

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        if self._extra and (packages := missing(self._extra)):
            raise click.ClickException(
                f"cpar {self.name} needs packages that are not installed ({', '.join(packages)}). "
                f"Install them: {command_for(self._extra)}"
            )
        command: click.Command = import_module(self._module).command
        return command.make_context(info_name, args, parent, **extra)


def _hosts() -> dict[str, EntryPoint]:
    return {entry_point.name: entry_point for entry_point in entry_points(group=HOSTS)}


@click.group(cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", "name", metavar="NAME", help="The EMR to use, if more than one is installed.")
@click.version_option(package_name="oscar-cpar-plugin", prog_name="cpar")
@click.pass_context
def cpar(ctx: click.Context, name: str | None) -> None:
    """Panels for Alberta's Central Patient Attachment Registry."""
    ctx.obj = name


def open_host(ctx: click.Context) -> Host:
    """The host that `--host` names, or the only one installed; it is closed with the command.

    Raises UsageError when that is not clear.
    """
    host: Host = _hosts()[host_name(ctx)].load()()
    ctx.call_on_close(host.database.engine.dispose)
    return host


def host_name(ctx: click.Context) -> str:
    """The name of that host. Raises UsageError when it is not clear which."""
    hosts, name = _hosts(), ctx.find_root().obj
    if name is None and len(hosts) == 1:
        return next(iter(hosts))
    if name not in hosts:
        installed = ", ".join(sorted(hosts)) or "none"
        raise click.UsageError(f"Select the EMR with --host. Installed: {installed}.")
    return str(name)


@cpar.command("enable")
@click.pass_context
def enable_command(ctx: click.Context) -> None:
    """Turn the integration on: the panel box appears on every patient page."""
    host = open_host(ctx)
    changed = clinic.enable(host, host.identity.system)
    click.echo("The CPAR integration is on." if changed else "The CPAR integration was already on.")


@cpar.command("disable")
@click.pass_context
def disable_command(ctx: click.Context) -> None:
    """Turn the integration off: nothing is shown or submitted; nothing is deleted."""
    host = open_host(ctx)
    changed = clinic.disable(host, host.identity.system)
    click.echo(
        "The CPAR integration is off. Submissions queued or in progress will be cancelled at the next run."
        if changed
        else "The CPAR integration was already off."
    )


cpar.add_command(Later("run-due", "cpar_plugin.run_due_command", "Do what is due: for cron or systemd, every minute."))
cpar.add_command(Later("status", "cpar_plugin.status_command", "Show the status of submissions."))
cpar.add_command(
    Later("client", "cpar_plugin.client_commands", "Manage clients that read panels through the FHIR interface.")
)
cpar.add_command(Later("fhir-package", "cpar_plugin.package_command", "Write our FHIR definitions as a package."))
cpar.add_command(Later("history", "cpar_plugin.history_command", "Show what happened to the panel of a patient."))
cpar.add_command(
    Later(
        "after-restore",
        "cpar_plugin.restore_command",
        "Follow up after the tables were restored from a backup.",
    )
)


def main() -> None:
    """Run `cpar` with the subcommands of all packages that add some."""
    for entry_point in entry_points(group=SUBCOMMANDS):
        entry_point.load()(cpar)
    cpar()
