"""`cpar fleet`: what an operator does with all clinics of a fleet at once."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import IO, Final

import click

from cpar_plugin.commands import EXIT_WARNING, Later
from cpar_plugin.hooks import HealthLevel, Refused

from ..host import PREFIX
from . import membership, rounds
from .clinic import FleetClinic
from .clinics import Clinics
from .parallel import Outcome, Work, for_each, progress
from .settings import from_environment
from .store import NO_TEXT
from .table_store import TableStore
from .wording import said_as_of_fleet

_names = click.argument("names", nargs=-1, metavar="[CLINIC]...")
_OF_NO_CLINIC: Final = ("demo", "fleet", "install-fleet", "install-oscar", "registry")


@click.group("fleet")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Serve many clinics: CPAR_FLEET names the file with the fleet's settings.

    Exit code 1: a clinic has a problem. Exit code 3: one has a warning. Every clinic that needs something is named.
    """
    ctx.obj = None


@command.command("status")
@_names
def status_command(names: tuple[str, ...]) -> None:
    """Show how submissions stand: of the clinics named, or what needs someone in any."""
    clinics = _clinics()
    _round(clinics, names, partial(rounds.status_of, facts=bool(names), draining=clinics.read().draining), "Asking")


@command.command("doctor")
@_names
def doctor_command(names: tuple[str, ...]) -> None:
    """Check every clinic, or those named, and say how to fix what is wrong. Nothing is changed."""
    _round(_clinics(), names, rounds.examination_of, "Checking")


@command.command("migrate")
@_names
def migrate_command(names: tuple[str, ...]) -> None:
    """Create or update the plugin's tables of every clinic, or of those named."""
    file = from_environment()
    if file.fleet.clinics_url:
        TableStore(file.fleet.clinics_url).make_table()
    _round(Clinics(file), names, rounds.migrated, "Updating tables", may_be_empty=True)


@command.command("run-due")
@_names
def run_due_command(names: tuple[str, ...]) -> None:
    """Do what is due in every clinic, or in those named, with neither broker nor workers. For cron or systemd."""
    clinics = _clinics()
    work = partial(rounds.all_due, fleet=clinics.settings, draining=clinics.read().draining)
    _round(clinics, names, work, "Working", say_well=False)


@command.command("drain")
@_names
@click.option("--all", "everyone", is_flag=True, help="Every clinic, also those that are added later.")
@click.option("--end", is_flag=True, help="Begin again.")
def drain_command(names: tuple[str, ...], everyone: bool, end: bool) -> None:
    """Begin nothing new for the clinics named: what a worker has in hand is finished, all else waits."""
    if everyone == bool(names):
        raise click.UsageError("Name clinics, or give --all.")
    clinics, names = _clinics(), tuple(dict.fromkeys(names))
    for name in names:
        clinics.read().clinic(name)
    for name in names or ("",):
        clinics.store.drain(name, end=end)
    still = _clinics().read().draining
    if not end:
        click.echo(f"Nothing new is begun. To end that: cpar fleet drain --end {' '.join(names) or '--all'}")
    elif still.intersection(names):
        click.echo("Nothing new is begun yet: all clinics are draining. To end that: cpar fleet drain --end --all")
        click.get_current_context().exit(EXIT_WARNING)
    else:
        click.echo("Submissions are begun again.")
        if everyone and still:
            click.echo(f"Of these nothing new is begun: {', '.join(sorted(still))}. To end that, name them with --end.")


@command.command("add")
@click.argument("name", metavar="CLINIC")
@click.option("--settings", "file", type=click.File(encoding="utf-8"), required=True, help="Its file; - reads it.")
@click.option("--replace", is_flag=True, help="Change the settings of a clinic that is in the fleet already.")
def add_command(name: str, file: IO[str], replace: bool) -> None:
    """Add a clinic: its settings are checked, its tables made, then its settings are kept. No restart is needed."""
    try:
        settings = file.read()
    except UnicodeDecodeError:
        raise Refused({"settings": f"{file.name}: {NO_TEXT}"}) from None
    clinic = membership.add(_clinics(), name, settings, replace=replace)
    click.echo(f"{name} has been {'changed' if replace else 'added'}. Its pages: {clinic.address}")
    if clinic.pages_fault:
        raise click.ClickException(f"Its pages are not served: {clinic.pages_fault}")


@command.command("remove")
@click.argument("name", metavar="CLINIC")
@click.option("--force", is_flag=True, help="Without asking its database whether something is in progress.")
def remove_command(name: str, force: bool) -> None:
    """Remove a clinic. Its database is not changed, and its settings are kept, though no longer read."""
    click.echo(f"{name} has been removed. Its settings are kept in {membership.remove(_clinics(), name, force=force)}")


@command.command("for", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("name", metavar="CLINIC")
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND...")
@click.pass_context
def for_command(ctx: click.Context, name: str, arguments: tuple[str, ...]) -> None:
    """Run another command of cpar for one clinic: cpar fleet for north client list."""
    if arguments[0] in _OF_NO_CLINIC:
        raise click.UsageError(f"It concerns no single clinic. Run it alone: cpar {arguments[0]}")
    clinic = _clinics().read().clinic(name)
    clinic.own_folder()
    for variable in [variable for variable in os.environ if variable.startswith(PREFIX)]:
        del os.environ[variable]
    os.environ.update({f"{PREFIX}{setting.upper()}": value for setting, value in clinic.settings.items()})
    with said_as_of_fleet(name):
        ctx.find_root().command.main([*arguments], prog_name=f"cpar fleet for {name}")


command.add_command(
    Later("worker", "oscar_host.fleet.work.worker_command", "Do the work of all clinics, from RabbitMQ.", extra="fleet")
)
command.add_command(
    Later("beat", "oscar_host.fleet.work.beat_command", "Ask all clinics what is due, for the workers.", extra="fleet")
)
command.add_command(
    Later("night", "oscar_host.fleet.night.command", "Serve the page of the night, and metrics.", extra="fleet")
)


def _clinics() -> Clinics:
    return Clinics(from_environment())


def _round(
    clinics: Clinics,
    names: Sequence[str],
    work: Work,
    text: str,
    *,
    say_well: bool = True,
    may_be_empty: bool = False,
) -> None:
    """Do it for all, print what needs someone, and end with the exit code of the worst."""
    outcomes = [
        Outcome(entry.name, HealthLevel.FAILURE, (f"Problem: {entry.reason}",))
        for entry in clinics.read().wrong.values()
        if not names or entry.name in names
    ]
    selected: list[FleetClinic] = [*clinics.read().clinics.values()]
    if names:
        refused = {outcome.name for outcome in outcomes}
        selected = [clinics.read().clinic(name) for name in dict.fromkeys(names) if name not in refused]
    with progress(text, len(selected)) as advance:
        for outcome in for_each(selected, work, clinics.settings):
            outcomes.append(outcome)
            advance()
    for outcome in sorted(outcomes, key=lambda outcome: outcome.name):
        for sentence in outcome.sentences:
            click.echo(f"{outcome.name}: {sentence}")
    levels = Counter(outcome.level for outcome in outcomes)
    if not outcomes and not may_be_empty:
        click.echo(f"Warning: There is no clinic in {clinics.store.place}. To add one: cpar fleet add")
        levels[HealthLevel.WARNING] += 1
    if say_well or set(levels) - {HealthLevel.OK} or sys.stdout.isatty():
        click.echo(_summary(len(outcomes), levels))
    code = 1 if levels[HealthLevel.FAILURE] else EXIT_WARNING if levels[HealthLevel.WARNING] else 0
    click.get_current_context().exit(code)


def _summary(count: int, levels: Counter[HealthLevel]) -> str:
    return (
        f"Clinics: {count}. With problems: {levels[HealthLevel.FAILURE]}. With warnings: {levels[HealthLevel.WARNING]}."
    )
