"""The hooks through which the host asks its plugins. Each plugin is asked by itself: see `plugins.Plugins`."""

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
CONTRACT_VERSION = "1.0"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def plugin_manifest() -> Manifest:  # type: ignore[empty-body]
    """Say who you are and with which contract versions you work. Asked once, before anything else. Since 1.0."""


@hookspec
def demographic_widgets(host: Host, actor: Actor, patient_id: int) -> Sequence[Widget]:  # type: ignore[empty-body]
    """Return the boxes for the page of a patient whom `actor` may see. Since 1.0."""


@hookspec
def patient_notes(  # type: ignore[empty-body]
    host: Host, actor: Actor, patient_ids: Collection[int]
) -> Sequence[PatientNote]:
    """Return what a list of patients says of each, those left out whom `actor` may not see. Since 1.0."""


@hookspec
def admin_menu(host: Host, actor: Actor) -> Sequence[MenuItem]:  # type: ignore[empty-body]
    """Return the administration entries that `actor` may open. Since 1.0."""


@hookspec
def notices(host: Host, actor: Actor) -> Sequence[Notice]:  # type: ignore[empty-body]
    """Return what `actor` should learn on every page, such as that something failed. Since 1.0."""


@hookspec
def blueprints(host: Host) -> Sequence[flask.Blueprint]:  # type: ignore[empty-body]
    """Return the blueprints to register, each with its own URL prefix. Every route checks its own rights. Since 1.0."""


@hookspec
def permissions() -> Sequence[Permission]:  # type: ignore[empty-body]
    """Return the rights that the plugin asks for, to be offered where roles are managed. Since 1.0."""


@hookspec
def scheduled_jobs(host: Host) -> Sequence[Job]:  # type: ignore[empty-body]
    """Return the work that the host's scheduler has to start. Since 1.0."""


@hookspec
def migrations() -> MigrationSource:  # type: ignore[empty-body]
    """Return where the plugin's own schema changes are. The host applies them at start. Since 1.0."""


@hookspec
def patients_merged(host: Host, kept: int, retired: int) -> None:
    """Learn that the record `retired` was merged into `kept`. A host that does not know need not tell. Since 1.0."""


@hookspec
def health_checks(host: Host) -> Sequence[HealthCheck]:  # type: ignore[empty-body]
    """Return the checks that an operator may run. Since 1.0."""
