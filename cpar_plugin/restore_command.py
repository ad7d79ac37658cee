"""`cpar after-restore`: what a restored backup no longer knows is listed, asked about, and seen to."""

import sys
from collections.abc import Iterator
from typing import Final

import click

from .commands import open_host
from .domain.calendar import Calendar
from .services.health import after_restore
from .services.health.after_restore import Found
from .services.submissions.texts import STATE, spoken, spoken_moment
from .settings import load

HOLD: Final = "hold"
_CHOICE: Final = click.Choice([HOLD, "keep"])
_NAMED: Final = 20


@click.command("after-restore")
@click.option("--clients", type=_CHOICE, help="Hold every FHIR client until it is allowed again, or keep them.")
@click.option("--submissions", type=_CHOICE, help="Hold what may have been submitted already, or let it go on.")
@click.pass_context
def command(ctx: click.Context, clients: str | None, submissions: str | None) -> None:
    """See to what follows when our tables were put back from a backup. Before the service is started again.

    It lists and asks. Without a terminal it needs both options, and changes nothing without.
    """
    host = open_host(ctx)
    settings = load(host.settings)
    calendar = settings.calendar(host.clock.zone)
    found = after_restore.look(host, settings)
    for line in _lines(found, calendar):
        click.echo(line)
    if not sys.stdin.isatty() and (clients is None or submissions is None):
        raise click.ClickException("Nothing was changed. Say what to do: --clients hold|keep --submissions hold|keep")
    hold_clients = clients == HOLD if clients else _asked("Hold all FHIR clients until each is allowed again?")
    hold_submissions = submissions == HOLD if submissions else _asked("Hold what may have been submitted already?")
    held = after_restore.see_to(
        host, settings, host.identity.system, hold_clients=hold_clients, hold_submissions=hold_submissions
    )
    click.echo("Done. Whatever other systems hold is out of date for us now, and exports have to be asked for anew.")
    for client in held:
        click.echo(
            f"On hold: {client.client_id} ({client.name}). Once you are sure: cpar client allow {client.client_id}"
        )
    if hold_submissions:
        click.echo("No submission goes on by itself. Those that are missing are asked for on the panels' pages.")


def _asked(question: str) -> bool:
    return click.confirm(question, default=True)


def _lines(found: Found, calendar: Calendar) -> Iterator[str]:
    if found.last_work_at:
        yield f"The last work that these tables tell of: {spoken_moment(found.last_work_at, calendar)}."
        yield "What was done later is lost; what of it may come back, or be done twice:"
    yield f"FHIR clients that may read, also any that were revoked later: {len(found.clients) or 'none'}"
    for client, changed_at in found.clients:
        used = f"last token {spoken_moment(client.last_used_at, calendar)}" if client.last_used_at else "never used"
        yield f"  {client.client_id}  {client.name}: changed {spoken_moment(changed_at, calendar)}, {used}"
    yield f"Submissions that go on, also any that were finished later: {len(found.open) or 'none'}"
    for one in found.open[:_NAMED]:
        asked_at = spoken_moment(one.asked_at, calendar)
        yield f"  Panel {one.panel_number}: {STATE[one.state].lower()}, asked for {asked_at}"
    if len(found.open) > _NAMED:
        yield f"  and {len(found.open) - _NAMED} more"
    dates = ", ".join(spoken(day) for day in found.automatic) or "none"
    yield f"Automatic submissions that would be made, perhaps once more: {dates}"
    if found.unknown_files:
        yield f"Submissions in the outbox folder that these tables do not know: {len(found.unknown_files)}"
        yield from (f"  {name}" for name in found.unknown_files[:_NAMED])
    yield "The registry, and the EMR's audit trail (cparSubmission, cparFhirClient), tell what was done since."
