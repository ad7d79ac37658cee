"""The hooks that this plugin implements. A few lines each: the work is done elsewhere."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from importlib import metadata

from flask import Blueprint

from .hooks import (
    Actor,
    HealthCheck,
    Host,
    Job,
    Manifest,
    MenuItem,
    MigrationSource,
    Notice,
    PatientNote,
    Permission,
    Widget,
    hookimpl,
)
from .services.exclusions import due as exclusions
from .services.fhir import refresh
from .services.health.checks import checks, log_connection_problems
from .services.operations import access
from .services.reports import hourly
from .services.retention import retention
from .services.roster import merges, rates
from .services.submissions import mail
from .services.submissions.run import run_due
from .settings import load
from .store.migrations import SOURCE
from .web import around, blueprint, patient_list, widget
from .web.fhir import fhir_blueprint
from .web.fhir.background import background

SUBMISSIONS = "cpar-submissions"  # the name of the job that submits


@hookimpl
def emr_manifest() -> Manifest:
    """Name, version and the contract versions that this plugin works with."""
    return Manifest(name="CPAR", version=metadata.version("oscar-cpar-plugin"), contract=">=1.0,<2")


@hookimpl
def emr_demographic_widgets(host: Host, actor: Actor, patient_id: int) -> Sequence[Widget]:
    """The panel of the patient; nothing while the integration is off."""
    return widget.widgets(host, actor, patient_id)


@hookimpl
def emr_patient_notes(host: Host, actor: Actor, patient_ids: Collection[int]) -> Sequence[PatientNote]:
    """The panel of each patient, and what there is to do about it."""
    return patient_list.notes(host, actor, patient_ids)


@hookimpl
def emr_admin_menu(host: Host, actor: Actor) -> Sequence[MenuItem]:
    """Panel management, for those who may."""
    return around.menu(host, actor)


@hookimpl
def emr_schedule_menu(host: Host, actor: Actor) -> Sequence[MenuItem]:
    """The check-in list, on a host with appointments; nothing while the integration is off."""
    return around.schedule_menu(host)


@hookimpl
def emr_notices(host: Host, actor: Actor) -> Sequence[Notice]:
    """What went wrong with submissions, for those who manage panels."""
    return around.notices(host, actor)


@hookimpl
def emr_blueprints(host: Host) -> Sequence[Blueprint]:
    """All pages, under `/cpar`, and the FHIR interface, under `/fhir`."""
    return [blueprint(host), fhir_blueprint(host)]


@hookimpl
def emr_permissions() -> Sequence[Permission]:
    """The right to manage panels."""
    return [Permission(name=access.MANAGE, description="Create, edit, fill and submit CPAR panels")]


@hookimpl
def emr_scheduled_jobs(host: Host) -> Sequence[Job]:
    """Submissions that are due, mail about them, FHIR resources, exclusions, rates, certificates, exports,
    notifications of subscriptions, lines of reports that are fixed, and the removal of what has been kept for its time.

    Mail is a job of its own: a mail server that does not answer keeps no panel from being submitted.
    """
    settings = load(host.settings)
    working = background(host, settings)

    def run(now: datetime) -> None:
        run_due(host, settings, now)

    def send_mail(now: datetime) -> None:
        mail.send(host, settings, now)

    def compare_exclusions(now: datetime) -> None:
        exclusions.compare_due(host, settings, now)

    def remove_old(now: datetime) -> None:
        retention.carry_out(host, settings, now)

    def count_rates(now: datetime) -> None:
        rates.count_due(host, settings, now)

    return [
        Job(name=SUBMISSIONS, every=timedelta(minutes=1), run=run),
        Job(name="cpar-mail", every=timedelta(minutes=1), run=send_mail),
        Job(
            name="cpar-fhir",
            every=timedelta(minutes=settings.fhir_refresh_minutes),
            run=lambda _: refresh.run(host, settings),
        ),
        Job(name="cpar-exclusions", every=timedelta(minutes=1), run=compare_exclusions),
        Job(name="cpar-rates", every=timedelta(minutes=1), run=count_rates),
        Job(name="cpar-certificates", every=timedelta(days=1), run=lambda _: log_connection_problems(host, settings)),
        Job(name="cpar-exports", every=timedelta(minutes=1), run=lambda _: working.exports.maintain()),
        Job(
            name="cpar-subscriptions",
            every=timedelta(minutes=1),
            run=lambda _: working.subscriptions.maintain(),
        ),
        Job(name="cpar-reports", every=timedelta(minutes=1), run=lambda now: hourly.compare_due(host, now)),
        Job(name="cpar-retention", every=timedelta(hours=1), run=remove_old),
    ]


@hookimpl
def emr_migrations() -> MigrationSource:
    """Where the changes of the plugin's tables are."""
    return SOURCE


@hookimpl
def emr_patients_merged(host: Host, kept: int, retired: int) -> None:
    """Bring memberships in line with a merge."""
    merges.catch_up(host)


@hookimpl
def emr_health_checks(host: Host) -> Sequence[HealthCheck]:
    """Whether everything works, and what to do where it does not."""
    return checks(host)


@hookimpl
def emr_startup(host: Host) -> None:
    """From now on, exports are made and subscribers notified in the background."""
    background(host, load(host.settings)).start()


@hookimpl
def emr_shutdown(host: Host) -> None:
    """Leave both to others."""
    background(host, load(host.settings)).stop()
