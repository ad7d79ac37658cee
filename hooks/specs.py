"""The hooks through which the host asks its plugins, as `plugins.Plugins` asks them."""

from collections.abc import Collection, Sequence

import flask
import pluggy

from .ports import Host
from .values import (
    Actor,
    HealthCheck,
    Job,
    Manifest,
    MenuItem,
    MigrationSource,
    Notice,
    PatientNote,
    Permission,
    Widget,
)

PROJECT = "oscar_emr"
PREFIX = "emr_"
CONTRACT_VERSION = "1.0"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def emr_manifest() -> Manifest:  # type: ignore[empty-body]
    """Say who you are and with which contract versions you work. Asked once, before anything else.

    .. versionadded:: 1.0
    """


@hookspec
def emr_demographic_widgets(host: Host, actor: Actor, patient_id: int) -> Sequence[Widget]:  # type: ignore[empty-body]
    """Return the boxes for the page of a patient `actor` may see.

    .. versionadded:: 1.0
    """


@hookspec
def emr_patient_notes(  # type: ignore[empty-body]
    host: Host, actor: Actor, patient_ids: Collection[int]
) -> Sequence[PatientNote]:
    """Return what a list of patients says of each, except those `actor` may not see.

    .. versionadded:: 1.0
    """


@hookspec
def emr_admin_menu(host: Host, actor: Actor) -> Sequence[MenuItem]:  # type: ignore[empty-body]
    """Return the administration entries that `actor` may open.

    .. versionadded:: 1.0
    """


@hookspec
def emr_schedule_menu(host: Host, actor: Actor) -> Sequence[MenuItem]:  # type: ignore[empty-body]
    """Return what `actor` may open beside the schedule of a day, for those who receive patients.

    .. versionadded:: 1.0
    """


@hookspec
def emr_notices(host: Host, actor: Actor) -> Sequence[Notice]:  # type: ignore[empty-body]
    """Return what `actor` should learn on every page, such as that something failed.

    .. versionadded:: 1.0
    """


@hookspec
def emr_blueprints(host: Host) -> Sequence[flask.Blueprint]:  # type: ignore[empty-body]
    """Return the blueprints to register, each with its own URL prefix. Every route checks its own rights.

    .. versionadded:: 1.0
    """


@hookspec
def emr_permissions() -> Sequence[Permission]:  # type: ignore[empty-body]
    """Return the rights that the plugin asks for, to be offered where roles are managed.

    .. versionadded:: 1.0
    """


@hookspec
def emr_scheduled_jobs(host: Host) -> Sequence[Job]:  # type: ignore[empty-body]
    """Return the work that the host's scheduler has to start.

    .. versionadded:: 1.0
    """


@hookspec
def emr_migrations() -> MigrationSource:  # type: ignore[empty-body]
    """Return where the plugin's own schema changes are. The host applies them at start.

    .. versionadded:: 1.0
    """


@hookspec
def emr_patients_merged(host: Host, kept: int, retired: int) -> None:
    """Learn that the record `retired` was merged into `kept`. A host that does not notice merges need not call this.

    .. versionadded:: 1.0
    """


@hookspec
def emr_health_checks(host: Host) -> Sequence[HealthCheck]:  # type: ignore[empty-body]
    """Return the checks that an operator may run.

    .. versionadded:: 1.0
    """


@hookspec
def emr_startup(host: Host) -> None:
    """Begin what goes on in the background of a process that stays: one that serves pages, or starts jobs.

    Called once in each such process, after any fork and before its first request and job.

    .. versionadded:: 1.0
    """


@hookspec
def emr_shutdown(host: Host) -> None:
    """End what `emr_startup` has begun, and write what waits. The database can still be used.

    Called once in each process that was started, after its last job.

    .. versionadded:: 1.0
    """
