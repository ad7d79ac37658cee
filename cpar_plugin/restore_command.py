"""`cpar after-restore`: what a restored backup no longer knows is listed, asked about, and corrected."""

import sys
from collections.abc import Iterator
from typing import Final

import click

from .commands import open_host
from .domain.calendar import Calendar
from .domain.dates import date_text, moment_text
from .services.health import after_restore
from .services.health.after_restore import RestoreFindings
from .services.submissions.texts import STATE
from .settings import load

HOLD: Final = "hold"
_CHOICE: Final = click.Choice([HOLD, "keep"])
_NAMED: Final = 20


@click.command("after-restore")
@click.option("--clients", type=_CHOICE, help="Put every FHIR client on hold until allowed again, or keep them.")
@click.option(
    "--submissions", type=_CHOICE, help="Hold submissions that may already have been sent, or let them continue."
)
@click.pass_context
def command(ctx: click.Context, clients: str | None, submissions: str | None) -> None:
    """Finish the restore of our tables from a backup. Run it before the service is started again.

    It lists and asks. Without a terminal it needs both options, and changes nothing without.
    """
    host = open_host(ctx)
    settings = load(host.settings)
    calendar = settings.calendar(host.clock.zone)
    report = after_restore.look(host, settings)
    for line in _lines(report, calendar):
        click.echo(line)
    if not sys.stdin.isatty() and (clients is None or submissions is None):
        raise click.ClickException("Nothing was changed. Choose: --clients hold|keep --submissions hold|keep")
    hold_clients = (
        clients == HOLD if clients else _confirmed("Put all FHIR clients on hold until each is allowed again?")
    )
    hold_submissions = (
        submissions == HOLD if submissions else _confirmed("Hold submissions that may already have been sent?")
    )
    held_clients = after_restore.carry_out(
        host, settings, host.identity.system, hold_clients=hold_clients, hold_submissions=hold_submissions
    )
    click.echo(
        "Done. Copies held by other systems are now considered out of date, and exports must be requested again."
    )
    for client in held_clients:
        click.echo(
            f"On hold: {client.client_id} ({client.name}). When you are sure: cpar client allow {client.client_id}"
        )
    if hold_submissions:
        click.echo("No submission will continue on its own. Submit missing panels again from the Panels page.")


def _confirmed(question: str) -> bool:
    return click.confirm(question, default=True)


def _lines(report: RestoreFindings, calendar: Calendar) -> Iterator[str]:
    if report.last_work_at:
        yield f"Last activity recorded in these tables: {moment_text(report.last_work_at, calendar.zone)}."
        yield "Later activity is lost. It may reappear or be repeated as follows:"
    yield f"FHIR clients with access, including any revoked later: {len(report.clients) or 'none'}"
    for client, changed_at in report.clients:
        used = f"last token {moment_text(client.last_used_at, calendar.zone)}" if client.last_used_at else "never used"
        yield f"  {client.client_id}  {client.name}: changed {moment_text(changed_at, calendar.zone)}, {used}"
    yield f"Submissions that will continue, including any completed later: {len(report.open) or 'none'}"
    for submission in report.open[:_NAMED]:
        requested_at = moment_text(submission.requested_at, calendar.zone)
        yield f"  Panel {submission.panel_number}: {STATE[submission.state].lower()}, requested {requested_at}"
    if len(report.open) > _NAMED:
        yield f"  and {len(report.open) - _NAMED} more"
    dates = ", ".join(date_text(day) for day in report.automatic) or "none"
    yield f"Automatic submissions that will run, possibly a second time: {dates}"
    if report.unknown_files:
        yield f"Submissions in the outbox folder that are not in these tables: {len(report.unknown_files)}"
        yield from (f"  {name}" for name in report.unknown_files[:_NAMED])
    yield "The registry, and the EMR's audit trail (cparSubmission, cparFhirClient), show what was done since."
