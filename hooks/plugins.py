"""The host's side of the hooks: load plugins, check their contract range, ask each by itself."""

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

import pluggy
from flask import Blueprint
from markupsafe import Markup
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from . import specs
from .ports import Host
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


class IncompatiblePlugin(Exception):
    """The plugin does not work with this contract version; the message names both."""


class Plugins:
    """The plugins of one host. One that raises is logged and passed over; the others and the page go on."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(specs.PROJECT)
        self._manager.add_hookspecs(specs)
        self.manifests: dict[str, Manifest] = {}

    def load_installed(self) -> None:
        """Add every plugin that is installed under the entry point group `oscar_emr`.

        Raises IncompatiblePlugin for one that is written for another contract version.
        """
        installed = pluggy.PluginManager(specs.PROJECT)
        installed.load_setuptools_entrypoints(specs.PROJECT)
        for name, plugin in installed.list_name_plugin():
            self.add(plugin, name)

    def add(self, plugin: ModuleType | object, name: str) -> None:
        """Add one plugin under a name. Raises IncompatiblePlugin, and leaves it out then."""
        self._manager.register(plugin, name)
        try:
            self.manifests[name] = self._checked_manifest(plugin, name)
        except BaseException:
            self._manager.unregister(plugin)
            raise

    def _checked_manifest(self, plugin: object, name: str) -> Manifest:
        manifests = self._caller("plugin_manifest", plugin)()
        if not manifests:
            raise IncompatiblePlugin(f"plugin {name}: does not implement plugin_manifest")
        manifest: Manifest = manifests[0]
        try:
            fits = SpecifierSet(manifest.contract).contains(specs.CONTRACT_VERSION)
        except InvalidSpecifier:
            fits = False
        if not fits:
            raise IncompatiblePlugin(
                f"plugin {name} {manifest.version} works with contract {manifest.contract}; "
                f"this host has {specs.CONTRACT_VERSION}: install a version of the plugin for it"
            )
        return manifest

    def _caller(self, hook: str, plugin: object) -> pluggy.HookCaller:
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        return self._manager.subset_hook_caller(hook, remove_plugins=others)

    def _ask(self, hook: str, kind: type, **arguments: Any) -> Iterator[tuple[str, Sequence[Any] | None]]:
        """One plugin's answer at a time; None stands for a plugin that raised, or answered with something else."""
        for name, plugin in self._manager.list_name_plugin():
            try:
                for answer in self._caller(hook, plugin)(**arguments):
                    yield name, _checked(answer, kind)
            except Exception as error:
                # Only the kind of error: its text may hold patient data.
                log.error("plugin %s failed in %s: %s", name, hook, type(error).__name__)
                yield name, None

    def _collect(self, hook: str, kind: type, **arguments: Any) -> list[Any]:
        return [item for _, answer in self._ask(hook, kind, **arguments) for item in answer or ()]

    def demographic_widgets(self, host: Host, actor: Actor, patient_id: int) -> Sequence[Widget]:
        """The boxes of all plugins in order; a plugin that fails is replaced by a small note."""
        widgets: list[Widget] = []
        for name, answer in self._ask("demographic_widgets", Widget, host=host, actor=actor, patient_id=patient_id):
            widgets.extend(answer if answer is not None else [_unavailable(name)])
        return sorted(widgets, key=lambda widget: widget.order)

    def patient_notes(self, host: Host, actor: Actor, patient_ids: Collection[int]) -> Sequence[PatientNote]:
        """What all plugins say of the patients in a list. Asked once for the whole list."""
        return self._collect("patient_notes", PatientNote, host=host, actor=actor, patient_ids=patient_ids)

    def admin_menu(self, host: Host, actor: Actor) -> Sequence[MenuItem]:
        """The administration entries of all plugins, in order."""
        items = self._collect("admin_menu", MenuItem, host=host, actor=actor)
        return sorted(items, key=lambda item: (item.section, item.order))

    def notices(self, host: Host, actor: Actor) -> Sequence[Notice]:
        """What all plugins want to tell the actor."""
        return self._collect("notices", Notice, host=host, actor=actor)

    def blueprints(self, host: Host) -> Sequence[Blueprint]:
        """The blueprints of all plugins."""
        return self._collect("blueprints", Blueprint, host=host)

    def permissions(self) -> Sequence[Permission]:
        """The rights that plugins ask for."""
        return self._collect("permissions", Permission)

    def scheduled_jobs(self, host: Host) -> Sequence[Job]:
        """The jobs of all plugins."""
        return self._collect("scheduled_jobs", Job, host=host)

    def migrations(self) -> Sequence[MigrationSource]:
        """Where the plugins' schema changes are."""
        return self._collect("migrations", MigrationSource)

    def patients_merged(self, host: Host, kept: int, retired: int) -> None:
        """Tell all plugins of a merge."""
        self._collect("patients_merged", type(None), host=host, kept=kept, retired=retired)

    def health_checks(self, host: Host) -> Sequence[HealthCheck]:
        """The checks of all plugins, each guarded: one that raises reports a failure."""
        return [
            replace(check, run=partial(_guarded, check))
            for check in self._collect("health_checks", HealthCheck, host=host)
        ]


def _checked(answer: Any, kind: type) -> Sequence[Any]:
    """The answer as a sequence of `kind`. Raises TypeError: a wrong answer counts as a failure of that plugin alone."""
    items = (answer,) if isinstance(answer, kind) else answer
    if not isinstance(items, list | tuple) or not all(isinstance(item, kind) for item in items):
        raise TypeError(f"not a list or tuple of {kind.__name__}")
    return items


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
            mend="Look into the server's log at this moment.",
        )
