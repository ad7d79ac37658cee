"""How a host asks its plugins: one at a time, and none can take the page away from the others."""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args, get_type_hints

import flask
import pytest
from markupsafe import Markup

from cpar_plugin import hooks
from cpar_plugin.hooks import (
    Actor,
    Health,
    HealthCheck,
    HealthLevel,
    Host,
    IncompatiblePlugin,
    IncompleteHost,
    Job,
    Manifest,
    MenuItem,
    MigrationSource,
    Notice,
    PatientNote,
    Permission,
    Plugins,
    Widget,
    hookimpl,
)
from cpar_plugin.hooks.validation import HOOKS
from oscar_host.host import open_host

CLERK = Actor(actor_id="101", display_name="Clerk, Casey")
MISSPELT = """
from cpar_plugin.hooks import Manifest, hookimpl

@hookimpl
def emr_manifest():
    return Manifest(name="visits", version="1.2", contract=">=1.0,<2")

@hookimpl
def emr_admin_menue(actor):
    return []
"""
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
        self.life: list[str] = []

    @hookimpl
    def emr_manifest(self) -> Manifest:
        return Manifest(name=self.name, version="1", contract=">=1.0,<2")

    @hookimpl
    def emr_demographic_widgets(self, patient_id: int) -> Sequence[Widget]:
        body = Markup("<p>{} {}</p>").format(self.name, patient_id)
        return [
            Widget(key=self.name, title=self.name, body=body, refresh_url="", summary="", href="", order=self.order)
        ]

    @hookimpl
    def emr_patient_notes(self, patient_ids: Collection[int]) -> Sequence[PatientNote]:
        return [PatientNote(patient_id=one, title=self.name, text="") for one in patient_ids]

    @hookimpl
    def emr_admin_menu(self) -> Sequence[MenuItem]:
        return [MenuItem(section="CII/CPAR", label=self.name, href="/", order=self.order)]

    @hookimpl
    def emr_notices(self) -> Sequence[Notice]:
        return [Notice(level=HealthLevel.WARNING, message=self.name)]

    @hookimpl
    def emr_blueprints(self) -> Sequence[flask.Blueprint]:
        return (flask.Blueprint(self.name, __name__),)

    @hookimpl
    def emr_permissions(self) -> Sequence[Permission]:
        return [Permission(name=self.name, description="")]

    @hookimpl
    def emr_scheduled_jobs(self) -> Sequence[Job]:
        return [Job(name=self.name, every=timedelta(minutes=1), run=lambda now: None)]

    @hookimpl
    def emr_migrations(self) -> MigrationSource:
        return MigrationSource(script_location=Path("migrations"), version_table=self.name)

    @hookimpl
    def emr_patients_merged(self, kept: int, retired: int) -> None:
        self.merged.append((kept, retired))

    @hookimpl
    def emr_startup(self) -> None:
        self.life.append("started")

    @hookimpl
    def emr_shutdown(self) -> None:
        self.life.append("ended")

    @hookimpl
    def emr_health_checks(self) -> Sequence[HealthCheck]:
        return [HealthCheck(name=self.name, run=lambda: Health(level=HealthLevel.OK, message="Well."))]


def failing(answer: Callable[[], Any]) -> object:
    """A plugin whose every hook ends in `answer`."""

    class Failing:
        @hookimpl
        def emr_manifest(self) -> Manifest:
            return Manifest(name="failing", version="1", contract=">=1.0,<2")

        @hookimpl
        def emr_demographic_widgets(self) -> Any:
            return answer()

        emr_patient_notes = hookimpl(lambda self: answer())
        emr_admin_menu = hookimpl(lambda self: answer())
        emr_notices = hookimpl(lambda self: answer())
        emr_blueprints = hookimpl(lambda self: answer())
        emr_permissions = hookimpl(lambda self: answer())
        emr_scheduled_jobs = hookimpl(lambda self: answer())
        emr_migrations = hookimpl(lambda self: answer())
        emr_patients_merged = hookimpl(lambda self: answer())
        emr_startup = hookimpl(lambda self: answer())
        emr_shutdown = hookimpl(lambda self: answer())
        emr_health_checks = hookimpl(lambda self: answer())

    return Failing()


def boom() -> None:
    raise RuntimeError(SECRET)


ANSWERS: list[Callable[[], Any]] = [boom, lambda: "text", lambda: {"key": 1}, lambda: [object()], lambda: iter([1])]
each_answer = pytest.mark.parametrize("answer", ANSWERS, ids=["raises", "text", "dict", "wrong items", "iterator"])


def between(*plugins: object) -> Plugins:
    """Plugins that are asked in the opposite order: the last one added is the first."""
    loaded = Plugins()
    for place, plugin in enumerate(plugins):
        loaded.add(plugin, getattr(plugin, "name", f"plugin-{place}"))
    return loaded


@each_answer
def test_a_plugin_that_fails_is_replaced_by_a_note_on_the_patient_page(
    answer: Callable[[], Any], emr: Host, caplog: pytest.LogCaptureFixture
) -> None:
    widgets = between(Sound("first", 1), failing(answer), Sound("last", 200)).emr_demographic_widgets(emr, CLERK, 7)
    assert [widget.body for widget in widgets] == [
        "<p>first 7</p>",
        '<p class="plugin-unavailable">plugin-1 is unavailable</p>',
        "<p>last 7</p>",
    ]
    assert "plugin-1 failed in emr_demographic_widgets" in caplog.text
    assert SECRET not in caplog.text


@each_answer
def test_a_plugin_that_fails_in_any_hook_leaves_the_others_alone(
    answer: Callable[[], Any], emr: Host, caplog: pytest.LogCaptureFixture
) -> None:
    first, last = Sound("first"), Sound("last")
    plugins = between(first, failing(answer), last)
    assert [item.label for item in plugins.emr_admin_menu(emr, CLERK)] == ["last", "first"]
    assert [note.title for note in plugins.emr_patient_notes(emr, CLERK, [7])] == ["last", "first"]
    assert [notice.message for notice in plugins.emr_notices(emr, CLERK)] == ["last", "first"]
    assert [blueprint.name for blueprint in plugins.emr_blueprints(emr)] == ["last", "first"]
    assert [permission.name for permission in plugins.emr_permissions()] == ["last", "first"]
    assert [job.name for job in plugins.emr_scheduled_jobs(emr)] == ["last", "first"]
    assert [source.version_table for source in plugins.emr_migrations()] == ["last", "first"]
    assert [check.name for check in plugins.emr_health_checks(emr)] == ["last", "first"]
    plugins.emr_patients_merged(emr, kept=1, retired=2)
    assert first.merged == last.merged == [(1, 2)]
    plugins.emr_startup(emr)
    plugins.emr_shutdown(emr)
    assert first.life == last.life == ["started", "ended"]
    assert len(caplog.records) == 11
    assert SECRET not in caplog.text


def test_a_health_check_that_raises_reports_a_failure(emr: Host, caplog: pytest.LogCaptureFixture) -> None:
    class Ill(Sound):
        @hookimpl
        def emr_health_checks(self) -> Sequence[HealthCheck]:
            return [HealthCheck(name="ill", run=boom)]  # type: ignore[arg-type]

    [check] = between(Ill()).emr_health_checks(emr)
    health = check.run()
    assert (health.level, SECRET in health.message) == (HealthLevel.FAILURE, False)
    assert health.remedy
    assert SECRET not in caplog.text


def test_boxes_and_menu_entries_are_in_their_order_whatever_the_order_of_the_plugins(emr: Host) -> None:
    plugins = between(Sound("c", 30), Sound("a", 10), Sound("b", 20))
    assert [widget.key for widget in plugins.emr_demographic_widgets(emr, CLERK, 7)] == ["a", "b", "c"]
    assert [item.label for item in plugins.emr_admin_menu(emr, CLERK)] == ["a", "b", "c"]


def test_plugins_without_any_hook_but_the_manifest_are_fine(emr: Host) -> None:
    class Quiet:
        @hookimpl
        def emr_manifest(self) -> Manifest:
            return Manifest(name="quiet", version="1", contract="~=1.0")

    plugins = between(Quiet())
    assert plugins.emr_demographic_widgets(emr, CLERK, 7) == []
    assert plugins.emr_migrations() == []


@pytest.mark.parametrize("contract", [">=1.0,<2", "~=1.0", "==1.*", ""])
def test_a_plugin_for_this_contract_is_taken(contract: str) -> None:
    plugin = Sound()
    plugin.emr_manifest = hookimpl(lambda: Manifest(name="x", version="1", contract=contract))  # type: ignore[method-assign]
    assert between(plugin).manifests["sound"].contract == contract


@pytest.mark.parametrize("contract", [">=2,<3", "<1.0", "one or two"])
def test_a_plugin_for_another_contract_is_skipped_and_reported(contract: str, emr: Host) -> None:
    plugin = Sound("newer")
    plugin.emr_manifest = hookimpl(lambda: Manifest(name="x", version="9.1", contract=contract))  # type: ignore[method-assign]
    plugins = between(Sound("sound"))
    with pytest.raises(IncompatiblePlugin) as refusal:
        plugins.add(plugin, "newer")
    for part in ("newer 9.1", contract, "this host has 1.0"):
        assert part in str(refusal.value)
    assert [widget.key for widget in plugins.emr_demographic_widgets(emr, CLERK, 7)] == ["sound"]


def test_a_plugin_without_a_manifest_is_skipped() -> None:
    with pytest.raises(IncompatiblePlugin, match="emr_manifest"):
        Plugins().add(object(), "nameless")


def plugin_with(**members: Any) -> object:
    """A plugin with a manifest and these members."""
    manifest = hookimpl(lambda: Manifest(name="visits", version="1.2", contract=">=1.0,<2"))
    return SimpleNamespace(emr_manifest=manifest, **members)


def hook(**options: Any) -> Callable[..., Sequence[Any]]:
    """An implementation that answers with nothing, marked with these options."""
    return hookimpl(lambda: (), **options)


def an_older_wrapper() -> Generator[None]:
    yield


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (
            {"emr_admin_menue": hook()},
            "plugin visits 1.2: there is no hook emr_admin_menue in contract 1.0 (did you mean emr_admin_menu?)",
        ),
        ({"admin_menu": hook()}, "no hook admin_menu in contract 1.0 (did you mean emr_admin_menu?)"),
        ({"emr_notcies": lambda: ()}, "no hook emr_notcies in contract 1.0 (did you mean emr_notices?)"),
        ({"emr_notices": lambda: ()}, "plugin visits 1.2: emr_notices needs the mark @hookimpl"),
        ({"menu": hook(specname="emr_menus")}, "no hook emr_menus in contract 1.0 (did you mean"),
        ({"far_off": hook()}, "plugin visits 1.2: there is no hook far_off in contract 1.0"),
        ({"emr_notices": hookimpl(an_older_wrapper, hookwrapper=True)}, "must be a wrapper of the newer kind"),
        ({"emr_notices": hook(wrapper=True)}, "plugin visits: .*emr_notices.*not a generator function"),
        ({"emr_notices": hookimpl(lambda actr: [])}, "plugin visits: .*emr_notices.*'actr'"),
    ],
)
def test_a_plugin_with_a_hook_that_would_never_be_called_is_refused_by_name(members: dict[str, Any], said: str) -> None:
    plugins = Plugins()
    with pytest.raises(IncompatiblePlugin, match=re.escape(said) if ".*" not in said else said):
        plugins.add(plugin_with(**members), "visits")
    assert plugins.emr_notices(None, CLERK) == []  # type: ignore[arg-type]


def test_a_misspelt_hook_of_an_installed_plugin_ends_a_command_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "visits.py").write_text(MISSPELT, encoding="utf-8")
    installed = tmp_path / "visits-1.2.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: visits\nVersion: 1.2\n", encoding="utf-8")
    (installed / "entry_points.txt").write_text("[oscar_emr]\nvisits = visits\n", encoding="utf-8")
    environment = {"PYTHONPATH": str(tmp_path), "CPAR_DATABASE_URL": f"sqlite:///{tmp_path / 'clinic.db'}"}
    command = [str(Path(sys.executable).with_name("cpar")), "migrate"]
    result = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    sentence = "plugin visits 1.2: there is no hook emr_admin_menue in contract 1.0 (did you mean emr_admin_menu?)"
    assert (result.returncode, result.stderr) == (1, f"Error: {sentence}\n")


def test_a_misspelt_manifest_is_named_as_such() -> None:
    plugin = SimpleNamespace(emr_manifst=hookimpl(lambda: Manifest(name="x", version="1", contract="")))
    with pytest.raises(IncompatiblePlugin, match=r"plugin x does not .* no hook emr_manifst .*mean emr_manifest\?"):
        Plugins().add(plugin, "x")


def test_all_mistakes_of_a_plugin_are_named_at_once() -> None:
    with pytest.raises(IncompatiblePlugin, match=r"emr_admin_menue.*; .*emr_notcies"):
        Plugins().add(plugin_with(emr_admin_menue=hook(), emr_notcies=hook()), "visits")


def test_a_hook_of_a_later_contract_may_be_optional(emr: Host) -> None:
    later = plugin_with(emr_later=hook(optionalhook=True), emr_notices=hook())
    assert between(later).emr_notices(emr, CLERK) == []


def test_a_plugin_is_asked_first_or_last_as_it_says(emr: Host) -> None:
    def saying(label: str, **options: bool) -> object:
        return plugin_with(emr_permissions=hookimpl(lambda: [Permission(name=label, description="")], **options))

    plugins = between(saying("first", tryfirst=True), saying("second"), saying("third"), saying("last", trylast=True))
    assert [right.name for right in plugins.emr_permissions()] == ["first", "third", "second", "last"]


def test_a_plugin_may_wrap_what_the_others_answer(emr: Host) -> None:
    @hookimpl(wrapper=True)
    def without_last(actor: Actor) -> Generator[None, list[list[MenuItem]], list[list[MenuItem]]]:
        answers = yield
        return [[item for item in answer if item.label != "last"] for answer in answers]

    plugins = between(Sound("first"), Sound("last"), plugin_with(emr_admin_menu=without_last))
    assert [item.label for item in plugins.emr_admin_menu(emr, CLERK)] == ["first"]
    assert [right.name for right in plugins.emr_permissions()] == ["last", "first"]


def raises_before(actor: Actor) -> Generator[None]:
    boom()
    yield


def raises_after(actor: Actor) -> Generator[None]:
    yield
    boom()


def returns_nothing(actor: Actor) -> Generator[None]:
    yield


def yields_twice(actor: Actor) -> Generator[None]:
    yield
    yield


def returns_something_else(actor: Actor) -> Generator[None, Any, Any]:
    yield
    return [[SECRET]]


@pytest.mark.parametrize(
    "wrapper",
    [raises_before, raises_after, returns_nothing, yields_twice, returns_something_else],
    ids=lambda wrapper: wrapper.__name__,
)
def test_what_a_failing_wrapper_wraps_remains(wrapper: Any, emr: Host, caplog: pytest.LogCaptureFixture) -> None:
    plugins = between(Sound("sound"), plugin_with(emr_admin_menu=hookimpl(wrapper, wrapper=True)))
    assert [item.label for item in plugins.emr_admin_menu(emr, CLERK)] == ["sound"]
    assert "plugin plugin-1 failed in emr_admin_menu" in caplog.text
    assert SECRET not in caplog.text


def test_the_installed_plugin_is_found_by_its_entry_point() -> None:
    plugins = Plugins()
    plugins.load_installed()
    assert plugins.manifests["cpar"].contract == ">=1.0,<2"


def test_a_job_is_given_the_moment_of_its_tick(emr: Host) -> None:
    ticks: list[datetime] = []

    class Ticking(Sound):
        @hookimpl
        def emr_scheduled_jobs(self) -> Sequence[Job]:
            return [Job(name="tick", every=timedelta(minutes=1), run=ticks.append)]

    [job] = between(Ticking()).emr_scheduled_jobs(emr)
    job.run(datetime(2026, 11, 7, 10, 15, tzinfo=UTC))
    assert ticks == [datetime(2026, 11, 7, 10, 15, tzinfo=UTC)]


@pytest.mark.parametrize("ask", [Plugins.emr_blueprints, Plugins.emr_scheduled_jobs])
def test_a_host_that_lacks_a_port_is_named_at_its_start(ask: Callable[[Plugins, Any], Any], emr: Host) -> None:
    pages = SimpleNamespace(render=None, patient_href=None)
    names = [name for name in vars(Host) if not name.startswith("_") and name not in ("pages", "clock")]
    ports = {name: getattr(emr, name) for name in names}
    with pytest.raises(IncompleteHost, match=r"SimpleNamespace lacks pages\.sign_in_href, clock of contract 1"):
        ask(between(Sound()), SimpleNamespace(**ports, pages=pages))


def test_a_host_may_be_without_a_schedule_if_it_says_so(emr: Host) -> None:
    ports = {name: getattr(emr, name) for name in vars(Host) if not name.startswith("_")}
    between(Sound()).emr_startup(SimpleNamespace(**ports | {"schedule": None}))
    del ports["schedule"]
    with pytest.raises(IncompleteHost, match=" lacks schedule of contract 1"):
        between(Sound()).emr_startup(SimpleNamespace(**ports))


@pytest.mark.parametrize("port", ["roster", "identity", "audit", "database", "pages", "clock", "schedule"])
def test_each_member_of_each_port_may_be_forgotten_and_is_named(port: str, emr: Host) -> None:
    parts = {name: getattr(emr, name) for name in vars(Host) if not name.startswith("_")} | {port: object()}
    members = [name for name in vars(type_of(port)) if not name.startswith("_")]
    assert members
    with pytest.raises(IncompleteHost, match=" lacks " + ", ".join(f"{port}.{member}" for member in members)):
        between().emr_blueprints(SimpleNamespace(**parts))  # type: ignore[arg-type]


def type_of(port: str) -> type:
    hint = get_type_hints(getattr(Host, port).fget)["return"]
    kind: type = next(iter(get_args(hint)), hint)  # of an optional one the first
    return kind


def test_everything_of_the_contract_says_since_when_it_is_there() -> None:
    public = [getattr(hooks, name) for name in hooks.__all__]
    described = [one for one in public if inspect.isclass(one) or (inspect.isfunction(one) and one is not hookimpl)]
    silent = [
        one.__name__ for one in [*described, *HOOKS.values()] if ".. versionadded:: 1.0" not in (one.__doc__ or "")
    ]
    assert silent == []
    assert len(described) > 20
