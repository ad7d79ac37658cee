"""The page about the host contract and the contract itself say the same."""

import ast
import inspect
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from sqlalchemy import func, select

from cpar_plugin.hooks import Actor, HealthLevel, Manifest, Plugins, StatusKind, hookimpl, ports, specs, values
from oscar_host.host import OscarHost

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/host-contract.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    match = re.search(rf"^### {heading}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert match, f"the page has no heading for {heading}"
    return match[1]


def signature(function: ast.FunctionDef) -> str:
    assert function.returns
    returns = written(function.returns)
    if any(isinstance(mark, ast.Name) and mark.id == "property" for mark in function.decorator_list):
        return f"{function.name} -> {returns}"
    return f"{function.name}({written(function.args)}) -> {returns}"


def written(node: ast.AST) -> str:
    """As the page has it: an annotation in quotes is imported for the type checker alone."""
    return re.sub(r"'([A-Z][\w\[\]]*)'", r"\1", ast.unparse(node))


def classes(module: ModuleType) -> Iterator[ast.ClassDef]:
    return (node for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.ClassDef))


def name_of(node: ast.FunctionDef | ast.ClassDef) -> str:
    return node.name


MANIFEST = hookimpl(lambda: Manifest(name="wrapping", version="1", contract=">=1.0,<2"))
HOOKS: list[ast.FunctionDef] = [
    node for node in ast.parse(inspect.getsource(specs)).body if isinstance(node, ast.FunctionDef)
]
PORTS = list(classes(ports))
ENUMS = (HealthLevel, StatusKind)
VALUES = [node for node in classes(values) if node.name not in {kinds.__name__ for kinds in ENUMS}]


@pytest.mark.parametrize("hook", HOOKS, ids=name_of)
def test_every_hook_is_on_the_page_with_its_exact_signature_and_an_example(hook: ast.FunctionDef) -> None:
    text = section(hook.name)
    assert f"```python\ndef {signature(hook)}\n```" in text
    assert f"@hookimpl\ndef {hook.name}(" in text


@pytest.mark.parametrize("port", PORTS, ids=name_of)
def test_every_port_is_on_the_page_with_exactly_its_members(port: ast.ClassDef) -> None:
    members = [signature(node) for node in port.body if isinstance(node, ast.FunctionDef)]
    assert "```python\n" + "\n".join(members) + "\n```" in section(port.name)


@pytest.mark.parametrize("value", VALUES, ids=name_of)
def test_every_value_is_on_the_page_with_exactly_its_fields(value: ast.ClassDef) -> None:
    fields = [ast.unparse(node).replace("'", '"') for node in value.body if isinstance(node, ast.AnnAssign)]
    assert "```python\n" + "\n".join(fields) + "\n```" in section(value.name)


def test_the_page_shows_nothing_else() -> None:
    names = {*map(name_of, HOOKS), *map(name_of, PORTS), *map(name_of, VALUES)}
    documented = set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE))
    assert documented == names | {kinds.__name__ for kinds in ENUMS}
    for kinds in ENUMS:
        assert set(re.findall(r"`(\w+)`", section(kinds.__name__))) == set(kinds)
    assert f"version {specs.CONTRACT_VERSION}" in PAGE


def test_hooks_and_the_methods_that_ask_them_have_the_same_arguments() -> None:
    for hook in HOOKS:
        if hook.name != "emr_manifest":
            asking = inspect.signature(getattr(Plugins, hook.name)).parameters
            assert list(asking)[1:] == [argument.arg for argument in hook.args.args], hook.name


@pytest.fixture
def plugins() -> Plugins:
    """The plugin of the page's examples, put together."""
    blocks = re.findall(r"```python example\n(.*?)```", PAGE, re.DOTALL)
    plugin = ModuleType("visits")
    source = "\n".join(block for block in blocks if "load_installed" not in block)
    exec(compile(source, "host-contract.md", "exec"), plugin.__dict__)  # the page is ours
    loaded = Plugins()
    loaded.add(plugin, "visits")
    return loaded


def test_the_wrapper_of_the_page_works(plugins: Plugins, host: OscarHost) -> None:
    [source] = [block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "wrapper=True" in block]
    wrapping = ModuleType("wrapping")
    vars(wrapping).update(hookimpl=hookimpl, emr_manifest=MANIFEST)
    exec(compile(source, "host-contract.md", "exec"), wrapping.__dict__)  # the page is ours
    manager = host.identity.system
    assert [item.section for item in plugins.emr_admin_menu(host, manager)] == ["Reports"]
    plugins.add(wrapping, "wrapping")
    assert plugins.emr_admin_menu(host, manager) == []


def test_the_examples_of_the_page_are_a_plugin_that_works(
    plugins: Plugins, host: OscarHost, oscar: object, caplog: pytest.LogCaptureFixture
) -> None:
    clerk = Actor(actor_id="101", display_name="Clerk, Casey")
    patient_id = oscar.patient()  # type: ignore[attr-defined]
    [widget] = plugins.emr_demographic_widgets(host, clerk, patient_id)
    assert widget.summary == "Never seen"
    [note] = plugins.emr_patient_notes(host, host.identity.system, [patient_id])
    assert (note.text, note.to_do) == ("never", ("Was never seen here.",))
    assert plugins.emr_admin_menu(host, clerk) == []
    assert plugins.emr_notices(host, clerk) == []
    assert [right.name for right in plugins.emr_permissions()] == ["CONFIGURE_VISITS_CREATE"]
    assert plugins.emr_migrations()[0].version_table == "visits_alembic_version"
    assert [check.run().level for check in plugins.emr_health_checks(host)] == [HealthLevel.OK]

    plugins.emr_startup(host)
    plugins.emr_shutdown(host)
    app = Flask(__name__)
    for blueprint in plugins.emr_blueprints(host):
        app.register_blueprint(blueprint)
    assert app.test_client().get(f"/visits/{patient_id}").status_code == 404

    plugins.emr_patients_merged(host, kept=patient_id, retired=patient_id + 1)
    [job] = plugins.emr_scheduled_jobs(host)
    job.run(datetime(2026, 11, 10, 17, tzinfo=UTC))
    with host.database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(host.tables.log)) == 3
    assert caplog.records == []
