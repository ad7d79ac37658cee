"""What commands do for each clinic of a fleet."""

import logging
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from cpar_plugin import settings as plugin_settings
from cpar_plugin.hooks import HealthLevel, Job, Plugins
from cpar_plugin.plugin import SUBMISSIONS
from cpar_plugin.services.submissions import status
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.services.submissions.texts import STATE

from ..doctor.connecting import settings_file
from ..doctor.examination import Finding, examine
from ..migrate import installed_plugins
from .clinic import FleetClinic
from .parallel import Outcome
from .registry_places import limited
from .settings import FleetSettings
from .wording import of_fleet

log = logging.getLogger(__name__)

_EARLY_SECONDS: Final = 30  # cron is not on the second


def status_of(clinic: FleetClinic, *, facts: bool, draining: frozenset[str]) -> Outcome:
    """How its submissions stand; `facts`: also what needs no one."""
    with clinic.open() as host:
        state = status.status(host, plugin_settings.load(host.settings), host.clock.now())
    problems = [*state.problems, *([f"Its pages are not served: {clinic.pages_fault}"] if clinic.pages_fault else [])]
    warnings = [*state.warnings, *(["It is draining: nothing new is begun."] if clinic.name in draining else [])]
    return Outcome(
        clinic.name,
        HealthLevel.FAILURE if problems else HealthLevel.WARNING if warnings else HealthLevel.OK,
        (
            *(of_fleet(fact, clinic.name) for fact in (state.facts if facts else ())),
            *(f"Warning: {of_fleet(warning, clinic.name)}" for warning in warnings),
            *(f"Problem: {of_fleet(problem, clinic.name)}" for problem in problems),
        ),
    )


def examination_of(clinic: FleetClinic) -> Outcome:
    """What `cpar doctor` finds."""
    level, sentences = HealthLevel.OK, list[str]()
    of_file = [Finding("settings", settings_file(clinic.file))] if clinic.file else []
    for finding in (*of_file, *examine(clinic.open)):
        health = finding.health
        if health is None or health.level is HealthLevel.OK:
            continue
        level = HealthLevel.FAILURE if HealthLevel.FAILURE in (level, health.level) else HealthLevel.WARNING
        remedy = f" How to fix: {health.remedy}" if health.remedy else ""
        sentences.append(f"{health.level} {finding.name}: {of_fleet(f'{health.message}{remedy}', clinic.name)}")
    return Outcome(clinic.name, level, tuple(sentences))


def migrated(clinic: FleetClinic) -> Outcome:
    """Its tables are brought up to date."""
    with clinic.open() as host:
        installed_plugins(host)
    return Outcome(clinic.name, HealthLevel.OK)


def all_due(clinic: FleetClinic, *, fleet: FleetSettings, draining: frozenset[str]) -> Outcome:
    """Everything that is due is done: submissions, unless it is draining, then the other jobs whose time has come."""
    plugins, sentences, errors = Plugins(), list[str](), list[str]()
    plugins.load_installed()
    with clinic.open() as host:
        now = host.clock.now()
        if clinic.name not in draining:
            settings = plugin_settings.load(host.settings)
            report = run_due(host, settings, now, limited=partial(limited, settings=settings, fleet=fleet))
            errors += report.errors
            sentences += [f"{STATE[state]}: {count}." for state, count in sorted(report.states.items())]
        for job in _others(plugins.emr_scheduled_jobs(host), clinic.own_folder("jobs"), now):
            try:
                job.run(host.clock.now())
            except Exception as error:
                # Only the kind of error: its text may hold patient data.
                log.error("clinic %s: job %s failed: %s", clinic.name, job.name, type(error).__name__)
                errors.append(type(error).__name__)
    if errors:
        sentences.append(f"Problem: Some work could not be completed ({', '.join(errors)}). See the log.")
    return Outcome(clinic.name, HealthLevel.FAILURE if errors else HealthLevel.OK, tuple(sentences))


def _others(jobs: Iterable[Job], begun: Path, now: datetime) -> Iterator[Job]:
    """Those whose time has come, by when each was last begun on this machine: each has a file of the clinic's."""
    for job in jobs:
        file = begun / job.name
        age = now.timestamp() - (file.stat().st_mtime if file.exists() else 0)
        if job.name != SUBMISSIONS and not 0 <= age < job.every.total_seconds() - _EARLY_SECONDS:
            file.touch()
            os.utime(file, (now.timestamp(), now.timestamp()))
            yield job
