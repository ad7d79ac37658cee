"""The plugin as a host meets it."""

import re
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from cpar_plugin import plugin
from cpar_plugin.hooks import HealthCheck, HealthLevel, Plugins, specs
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import one_patient
from cpar_plugin.store import tables
from cpar_plugin.store.tables import submission
from oscar_host.host import OscarHost

pytestmark = pytest.mark.databases("one")


@pytest.fixture
def plugins() -> Plugins:
    """What is installed."""
    result = Plugins()
    result.load_installed()
    return result


def test_every_hook_of_the_contract_is_implemented() -> None:
    asked = {name for name, spec in vars(specs).items() if hasattr(spec, "oscar_emr_spec")}
    answered = {name for name, hook in vars(plugin).items() if hasattr(hook, "oscar_emr_impl")}
    assert answered == asked


def test_the_manifest_says_the_installed_version(plugins: Plugins) -> None:
    assert plugins.manifests["cpar"].version == metadata.version("oscar-cpar-plugin")
    assert plugins.manifests["cpar"].contract == ">=1.0,<2"


def test_the_right_to_manage_panels_is_offered_for_roles(plugins: Plugins) -> None:
    assert [permission.name for permission in plugins.emr_permissions()] == ["CONFIGURE_CPAR_PANEL_CREATE"]


def test_the_job_looks_for_work_every_minute_and_does_it(host: OscarHost, plugins: Plugins, panel: int) -> None:
    job, *_ = plugins.emr_scheduled_jobs(host)
    assert job.every == timedelta(minutes=1)
    check = _scheduler_check(plugins, host)
    job.run(host.clock.now())
    assert check.run().level is HealthLevel.OK


def test_a_job_compares_fhir_resources_with_the_emr_every_quarter_of_an_hour_while_the_integration_is_on(
    host: OscarHost, plugins: Plugins, panel: int
) -> None:
    job = next(job for job in plugins.emr_scheduled_jobs(host) if job.name == "cpar-fhir")
    assert job.every == timedelta(minutes=15)
    kinds = select(tables.resource_version.c.kind).distinct()
    clinic.disable(host, host.identity.system)
    job.run(host.clock.now())
    with host.database.engine.connect() as connection:
        assert connection.scalars(kinds).all() == []
    clinic.enable(host, host.identity.system)
    job.run(host.clock.now())
    with host.database.engine.connect() as connection:
        assert set(connection.scalars(kinds)) == {"Organization", "Location", "Practitioner", "PractitionerRole"}


def test_the_page_for_operators_has_every_job(host: OscarHost, plugins: Plugins) -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/operate.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(cpar-[a-z]+)` \|", page, re.MULTILINE)
    assert sorted(rows) == sorted(job.name for job in plugins.emr_scheduled_jobs(host))


def test_mail_is_a_job_of_its_own(host: OscarHost, plugins: Plugins) -> None:
    every = {job.name: job.every for job in plugins.emr_scheduled_jobs(host)}
    assert every["cpar-submissions"] == every["cpar-mail"] == timedelta(minutes=1)


def test_a_clinic_whose_scheduler_has_stopped_is_not_healthy(
    host: OscarHost, plugins: Plugins, panel: int, clock: Any
) -> None:
    clock.move_to(clock.now() + timedelta(hours=1))
    check = _scheduler_check(plugins, host)
    health = check.run()
    assert health.level is HealthLevel.FAILURE
    assert "The scheduler has not run since" in health.message
    assert health.remedy


@pytest.mark.parametrize(
    ("failures", "text", "link"),
    [
        (["No answer."], "Panel P-0: failed. No answer. Press Retry", "/cpar/submissions/1"),
        (["No answer."] * 3, "Panels P-0, P-1 and P-2: failed. No answer. Press", "/cpar/submissions?state=FAILED"),
        (
            ["No answer.", "Full."],
            "The last submission of 2 panels failed or is held.",
            "/cpar/submissions?state=FAILED",
        ),
    ],
)
def test_panels_that_came_to_nothing_are_one_notice_that_leads_to_them(
    host: OscarHost, manager: Any, oscar: Any, make_panel: Any, failures: list[str], text: str, link: str
) -> None:
    now = host.clock.now()
    ended = {"requested_at": now, "requested_by": "101", "due_on": now.date(), "finished_at": now, "state": "failed"}
    panel_ids = [make_panel(f"P-{place}") for place in range(len(failures))]
    for panel_id in panel_ids:
        one_patient.choose(host, host.identity.system, oscar.patient(), panel_id, seen_panel_id=None)
    with host.database.session() as session:
        session.execute(
            insert(submission),
            [
                {"panel_id": panel_id, "failure": failure, **ended}
                for panel_id, failure in zip(panel_ids, failures, strict=True)
            ],
        )
    page = manager.get("/cpar/panels").get_data(as_text=True)
    [notice] = re.findall(r'<p class="notice notice-failure">(.*?) <a href="([^"]+)">View</a>', page)
    assert notice[0].startswith(text)
    assert notice[1] == link


def _scheduler_check(plugins: Plugins, host: OscarHost) -> HealthCheck:
    [check] = [check for check in plugins.emr_health_checks(host) if check.name == "cpar-scheduler"]
    return check
