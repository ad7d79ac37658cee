"""How a host asks its plugins: one at a time, and none can take the page away from the others."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask
import pytest
from markupsafe import Markup

from cpar_plugin.hooks import (
    Actor,
    Health,
    HealthCheck,
    HealthLevel,
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
from cpar_plugin.hooks.plugins import IncompatiblePlugin, Plugins
from oscar_host.host import open_host

CLERK = Actor(actor_id="101", display_name="Clerk, Casey")
SECRET = "Tremblay 123466789"


@pytest.fixture
def emr(tmp_path: Path) -> Iterator[Host]:
    with open_host(f"sqlite:///{tmp_path / 'clinic.db'}") as host:
        yield host


class Sound:
    """A plugin that implements every hook."""

    def __init__(self, name: str = "sound", order: int = 100) -> None:
        self.name, self.order = name, order
        self.merged: list[tuple[int, int]] = []

    @hookimpl
    def plugin_manifest(self) -> Manifest:
        return Manifest(name=self.name, version="1", contract=">=1.0,<2")

    @hookimpl
    def demographic_widgets(self, patient_id: int) -> Sequence[Widget]:
        body = Markup("<p>{} {}</p>").format(self.name, patient_id)
        return [
            Widget(key=self.name, title=self.name, body=body, refresh_url="", summary="", href="", order=self.order)
        ]

    @hookimpl
    def patient_notes(self, patient_ids: Collection[int]) -> Sequence[PatientNote]:
        return [PatientNote(patient_id=one, title=self.name, text="") for one in patient_ids]

    @hookimpl
    def admin_menu(self) -> Sequence[MenuItem]:
        return [MenuItem(section="CII/CPAR", label=self.name, href="/", order=self.order)]

    @hookimpl
    def notices(self) -> Sequence[Notice]:
        return [Notice(level=HealthLevel.WARNING, message=self.name)]

    @hookimpl
    def blueprints(self) -> Sequence[flask.Blueprint]:
        return (flask.Blueprint(self.name, __name__),)

    @hookimpl
    def permissions(self) -> Sequence[Permission]:
        return [Permission(name=self.name, description="")]

    @hookimpl
    def scheduled_jobs(self) -> Sequence[Job]:
        return [Job(name=self.name, every=timedelta(minutes=1), run=lambda now: None)]

    @hookimpl
    def migrations(self) -> MigrationSource:
        return MigrationSource(script_location=Path("migrations"), version_table=self.name)

    @hookimpl
    def patients_merged(self, kept: int, retired: int) -> None:
        self.merged.append((kept, retired))

    @hookimpl
    def health_checks(self) -> Sequence[HealthCheck]:
        return [HealthCheck(name=self.name, run=lambda: Health(level=HealthLevel.OK, message="Well."))]


def failing(answer: Callable[[], Any]) -> object:
    """A plugin whose every hook ends in `answer`."""

    class Failing:
        @hookimpl
        def plugin_manifest(self) -> Manifest:
            return Manifest(name="failing", version="1", contract=">=1.0,<2")

        @hookimpl
        def demographic_widgets(self) -> Any:
            return answer()

        patient_notes = hookimpl(lambda self: answer())
        admin_menu = hookimpl(lambda self: answer())
        notices = hookimpl(lambda self: answer())
        blueprints = hookimpl(lambda self: answer())
        permissions = hookimpl(lambda self: answer())
        scheduled_jobs = hookimpl(lambda self: answer())
        migrations = hookimpl(lambda self: answer())
        patients_merged = hookimpl(lambda self: answer())
        health_checks = hookimpl(lambda self: answer())

    return Failing()


def boom() -> None:
    raise RuntimeError(SECRET)


ANSWERS: list[Callable[[], Any]] = [boom, lambda: "text", lambda: {"key": 1}, lambda: [object()], lambda: iter([1])]
each_answer = pytest.mark.parametrize("answer", ANSWERS, ids=["raises", "text", "dict", "wrong items", "iterator"])


def between(*plugins: object) -> Plugins:
    loaded = Plugins()
    for place, plugin in enumerate(plugins):
        loaded.add(plugin, getattr(plugin, "name", f"plugin-{place}"))
    return loaded


@each_answer
def test_a_plugin_that_fails_is_replaced_by_a_note_on_the_patient_page(
    answer: Callable[[], Any], emr: Host, caplog: pytest.LogCaptureFixture
) -> None:
    widgets = between(Sound("first", 1), failing(answer), Sound("last", 200)).demographic_widgets(emr, CLERK, 7)
    assert [widget.body for widget in widgets] == [
        "<p>first 7</p>",
        '<p class="plugin-unavailable">plugin-1 is unavailable</p>',
        "<p>last 7</p>",
    ]
    assert "plugin-1 failed in demographic_widgets" in caplog.text
    assert SECRET not in caplog.text


@each_answer
def test_a_plugin_that_fails_in_any_hook_leaves_the_others_alone(
    answer: Callable[[], Any], emr: Host, caplog: pytest.LogCaptureFixture
) -> None:
    first, last = Sound("first"), Sound("last")
    plugins = between(first, failing(answer), last)
    assert [item.label for item in plugins.admin_menu(emr, CLERK)] == ["first", "last"]
    assert [note.title for note in plugins.patient_notes(emr, CLERK, [7])] == ["first", "last"]
    assert [notice.message for notice in plugins.notices(emr, CLERK)] == ["first", "last"]
    assert [blueprint.name for blueprint in plugins.blueprints(emr)] == ["first", "last"]
    assert [permission.name for permission in plugins.permissions()] == ["first", "last"]
    assert [job.name for job in plugins.scheduled_jobs(emr)] == ["first", "last"]
    assert [source.version_table for source in plugins.migrations()] == ["first", "last"]
    assert [check.name for check in plugins.health_checks(emr)] == ["first", "last"]
    plugins.patients_merged(emr, kept=1, retired=2)
    assert first.merged == last.merged == [(1, 2)]
    assert len(caplog.records) == 9
    assert SECRET not in caplog.text


def test_a_health_check_that_raises_reports_a_failure(emr: Host, caplog: pytest.LogCaptureFixture) -> None:
    class Ill(Sound):
        @hookimpl
        def health_checks(self) -> Sequence[HealthCheck]:
            return [HealthCheck(name="ill", run=boom)]  # type: ignore[arg-type]

    [check] = between(Ill()).health_checks(emr)
    health = check.run()
    assert (health.level, SECRET in health.message) == (HealthLevel.FAILURE, False)
    assert health.mend
    assert SECRET not in caplog.text


def test_boxes_and_menu_entries_stand_in_their_order_whatever_the_order_of_the_plugins(emr: Host) -> None:
    plugins = between(Sound("c", 30), Sound("a", 10), Sound("b", 20))
    assert [widget.key for widget in plugins.demographic_widgets(emr, CLERK, 7)] == ["a", "b", "c"]
    assert [item.label for item in plugins.admin_menu(emr, CLERK)] == ["a", "b", "c"]


def test_plugins_without_any_hook_but_the_manifest_are_fine(emr: Host) -> None:
    class Quiet:
        @hookimpl
        def plugin_manifest(self) -> Manifest:
            return Manifest(name="quiet", version="1", contract="~=1.0")

    plugins = between(Quiet())
    assert plugins.demographic_widgets(emr, CLERK, 7) == []
    assert plugins.migrations() == []


@pytest.mark.parametrize("contract", [">=1.0,<2", "~=1.0", "==1.*", ""])
def test_a_plugin_for_this_contract_is_taken(contract: str) -> None:
    plugin = Sound()
    plugin.plugin_manifest = hookimpl(lambda: Manifest(name="x", version="1", contract=contract))  # type: ignore[method-assign]
    assert between(plugin).manifests["sound"].contract == contract


@pytest.mark.parametrize("contract", [">=2,<3", "<1.0", "one or two"])
def test_a_plugin_for_another_contract_is_left_out_and_told(contract: str, emr: Host) -> None:
    plugin = Sound("newer")
    plugin.plugin_manifest = hookimpl(lambda: Manifest(name="x", version="9.1", contract=contract))  # type: ignore[method-assign]
    plugins = between(Sound("sound"))
    with pytest.raises(IncompatiblePlugin) as told:
        plugins.add(plugin, "newer")
    for part in ("newer 9.1", contract, "this host has 1.0"):
        assert part in str(told.value)
    assert [widget.key for widget in plugins.demographic_widgets(emr, CLERK, 7)] == ["sound"]


def test_a_plugin_without_a_manifest_is_left_out() -> None:
    with pytest.raises(IncompatiblePlugin, match="plugin_manifest"):
        Plugins().add(object(), "nameless")


def test_the_installed_plugin_is_found_by_its_entry_point() -> None:
    plugins = Plugins()
    plugins.load_installed()
    assert plugins.manifests["cpar"].contract == ">=1.0,<2"


def test_a_job_is_given_the_moment_of_its_tick(emr: Host) -> None:
    ticks: list[datetime] = []

    class Ticking(Sound):
        @hookimpl
        def scheduled_jobs(self) -> Sequence[Job]:
            return [Job(name="tick", every=timedelta(minutes=1), run=ticks.append)]

    [job] = between(Ticking()).scheduled_jobs(emr)
    job.run(datetime(2026, 11, 7, 10, 15, tzinfo=UTC))
    assert ticks == [datetime(2026, 11, 7, 10, 15, tzinfo=UTC)]
