"""The host's side of the hooks: load plugins, refuse those that cannot work, and ask all of them."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import pluggy
from flask import Blueprint
from markupsafe import Markup
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from . import specs
from .faults import Refused
from .isolation import isolated
from .ports import Host
from .validation import HOOKS, answer_type, missing, mistakes
from .values import (
    Actor,
    Health,
    HealthCheck,
    HealthLevel,
    Job,
    Manifest,
    MenuItem,
    MigrationSource,
    Notice,
    PatientNote,
    Permission,
    Widget,
)

log = logging.getLogger(__name__)


class IncompatiblePlugin(Refused):
    """The plugin does not work with this contract; the message names the plugin, and what does not fit.

    .. versionadded:: 1.0
    """


class IncompleteHost(Refused):
    """The host does not have all ports of this contract; the message names what it lacks.

    .. versionadded:: 1.0
    """


class Plugins:
    """The plugins of one host. One that raises is logged and skipped; the others and the page continue.

    .. versionadded:: 1.0
    """

    def __init__(self) -> None:
        self._manager = _manager()
        self.manifests: dict[str, Manifest] = {}

    def load_installed(self) -> None:
        """Add every plugin that is installed under the entry point group `oscar_emr`.

        Raises IncompatiblePlugin for one that is written for another contract version, or not as this one says.
        """
        installed = pluggy.PluginManager(specs.PROJECT)
        installed.load_setuptools_entrypoints(specs.PROJECT)
        for name, plugin in installed.list_name_plugin():
            self.add(plugin, name)

    def add(self, plugin: ModuleType | object, name: str) -> None:
        """Add one plugin under a name. Raises IncompatiblePlugin; the plugin is then not added."""
        manager = _manager()
        try:
            manager.register(plugin, name)
        except pluggy.PluginValidationError as error:  # such as an argument that the hook does not have
            raise IncompatiblePlugin(f"plugin {name}: {' '.join(str(error).split())}") from None
        self.manifests[name] = _manifest(manager, plugin, name)
        self._manager.register(_isolated(manager, plugin, name), name)

    def _collected(self, hook: str, **arguments: Any) -> list[Any]:
        """What all plugins answer, in one list."""
        answers = getattr(self._manager.hook, hook)(**arguments)
        return [item for answer in answers for item in (answer if isinstance(answer, list | tuple) else (answer,))]

    def emr_demographic_widgets(self, host: Host, actor: Actor, patient_id: int) -> Sequence[Widget]:
        """The boxes of all plugins in order; a plugin that fails is replaced by a small note."""
        widgets = self._collected("emr_demographic_widgets", host=host, actor=actor, patient_id=patient_id)
        return sorted(widgets, key=lambda widget: widget.order)

    def emr_patient_notes(self, host: Host, actor: Actor, patient_ids: Collection[int]) -> Sequence[PatientNote]:
        """What all plugins say of the patients in a list. Asked once for the whole list."""
        return self._collected("emr_patient_notes", host=host, actor=actor, patient_ids=patient_ids)

    def emr_admin_menu(self, host: Host, actor: Actor) -> Sequence[MenuItem]:
        """The administration entries of all plugins, in order."""
        items = self._collected("emr_admin_menu", host=host, actor=actor)
        return sorted(items, key=lambda item: (item.section, item.order))

    def emr_schedule_menu(self, host: Host, actor: Actor) -> Sequence[MenuItem]:
        """The entries of all plugins beside the schedule of a day, in order."""
        return sorted(self._collected("emr_schedule_menu", host=host, actor=actor), key=lambda item: item.order)

    def emr_notices(self, host: Host, actor: Actor) -> Sequence[Notice]:
        """The notices of all plugins for the actor."""
        return self._collected("emr_notices", host=host, actor=actor)

    def emr_blueprints(self, host: Host) -> Sequence[Blueprint]:
        """The blueprints of all plugins. Raises IncompleteHost."""
        _require_ports(host)
        return self._collected("emr_blueprints", host=host)

    def emr_permissions(self) -> Sequence[Permission]:
        """The rights that plugins ask for."""
        return self._collected("emr_permissions")

    def emr_scheduled_jobs(self, host: Host) -> Sequence[Job]:
        """The jobs of all plugins. Raises IncompleteHost."""
        _require_ports(host)
        return self._collected("emr_scheduled_jobs", host=host)

    def emr_migrations(self) -> Sequence[MigrationSource]:
        """Where the plugins' schema changes are."""
        return self._collected("emr_migrations")

    def emr_startup(self, host: Host) -> None:
        """Let all plugins begin, in a process that stays: after any fork. Raises IncompleteHost."""
        _require_ports(host)
        self._collected("emr_startup", host=host)

    def emr_shutdown(self, host: Host) -> None:
        """Let all plugins end what they have begun."""
        self._collected("emr_shutdown", host=host)

    def emr_patients_merged(self, host: Host, kept: int, retired: int) -> None:
        """Notify all plugins of a merge."""
        self._collected("emr_patients_merged", host=host, kept=kept, retired=retired)

    def emr_health_checks(self, host: Host) -> Sequence[HealthCheck]:
        """The checks of all plugins, each guarded: one that raises reports a failure."""
        return [
            replace(check, run=partial(_guarded, check)) for check in self._collected("emr_health_checks", host=host)
        ]


def _require_ports(host: Host) -> None:
    """At the start of a host, so that a port that its author forgot is not found out by a patient's page."""
    if ports := ", ".join(missing(host)):
        raise IncompleteHost(f"The host {type(host).__name__} lacks {ports} of contract {specs.CONTRACT_VERSION}.")


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(specs)
    return manager


def _manifest(manager: pluggy.PluginManager, plugin: object, name: str) -> Manifest:
    """The plugin's own, once it is clear that the plugin works here. Raises IncompatiblePlugin."""
    manifests: list[object] = manager.hook.emr_manifest()
    faults = "; ".join(mistakes(manager, plugin))
    if not manifests:
        raise IncompatiblePlugin(f"plugin {name} does not implement emr_manifest{faults and f': {faults}'}")
    manifest = manifests[0]
    if not isinstance(manifest, Manifest):
        raise IncompatiblePlugin(f"plugin {name}: emr_manifest must return a Manifest")
    try:
        fits = SpecifierSet(manifest.contract).contains(specs.CONTRACT_VERSION)
    except InvalidSpecifier:
        fits = False
    if not fits:
        raise IncompatiblePlugin(
            f"plugin {name} {manifest.version} works with contract {manifest.contract}; "
            f"this host has {specs.CONTRACT_VERSION}: install a version of the plugin for it"
        )
    if faults:
        raise IncompatiblePlugin(f"plugin {name} {manifest.version}: {faults}")
    return manifest


def _isolated(manager: pluggy.PluginManager, plugin: object, name: str) -> SimpleNamespace:
    """Wraps the plugin: the same hooks, none of which affects others when it fails."""
    namespace = SimpleNamespace()
    for hook in manager.get_hookcallers(plugin) or ():
        if hook.name in HOOKS:
            kind = answer_type(hook.name)
            fallback = [_unavailable(name)] if kind is Widget else []
            for number, implementation in enumerate(hook.get_hookimpls()):
                setattr(namespace, f"{hook.name}_{number}", isolated(implementation, hook.name, kind, fallback))
    return namespace


def _unavailable(name: str) -> Widget:
    note = f"{name} is unavailable"
    body = Markup('<p class="plugin-unavailable">{}</p>').format(note)
    return Widget(key=name, title=name, body=body, refresh_url="", summary=note, href="")


def _guarded(check: HealthCheck) -> Health:
    try:
        return check.run()
    except Exception as error:
        log.error("health check %s failed: %s", check.name, type(error).__name__)
        return Health(
            level=HealthLevel.FAILURE,
            message=f"The check could not be made ({type(error).__name__}).",
            remedy="Look into the server's log at this moment.",
        )
