"""`cpar history`: what happened to the panel of one patient, for an operator who is asked about it."""

from collections.abc import Iterator

import click

from .commands import open_host
from .domain.dates import date_text, moment_text
from .domain.wording import wordings
from .hooks import Host
from .services.history import of_patient
from .services.history.of_patient import PatientEvent
from .services.operations import looks
from .services.operations.looks import Look


@click.command("history")
@click.option("--patient", "patient_id", type=click.IntRange(1, 2**63 - 1), required=True, help="The record number.")
@click.pass_context
def command(ctx: click.Context, patient_id: int) -> None:
    """Show what happened to the panel of a patient, most recent first. The look is recorded."""
    host = open_host(ctx)
    looks.record(host, Look(host.identity.system, "patient_history", "cpar history"), [patient_id])
    events = of_patient.of_patient(host, host.identity.system, patient_id)
    if not events:
        click.echo(f"Record {patient_id} has never been on a panel.")
    for event in events:
        for line in _lines(host, event, patient_id):
            click.echo(line)


def _lines(host: Host, event: PatientEvent, patient_id: int) -> Iterator[str]:
    record = f" (record {event.patient_id}, merged into this one)" if event.patient_id != patient_id else ""
    by = f", by {event.by}" if event.by else ""
    yield f"{moment_text(event.at, host.clock.zone)}: {event.text}{record}{by}"
    if event.confirmed_on and event.confirmed_how:
        yield f"  Last confirmation: {date_text(event.confirmed_on)} ({event.confirmed_how.value})"
    wording = wordings(host.roster)
    for reason in event.reasons:
        yield f"  {wording[reason].label}"
