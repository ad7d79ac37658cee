"""What is installed is all of the product, and nothing generic lands in site-packages."""

import ast
import configparser
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
# Where each top-level folder is installed.
INSTALLED_AS = {
    "cpar_plugin": "cpar_plugin",
    "hooks": "cpar_plugin/hooks",
    "host_kit": "cpar_plugin/host_kit",
    "fhir_mappings": "cpar_plugin/fhir_mappings",
    "templates": "cpar_plugin/templates",
    "oscar_host": "oscar_host",
}
KIT, DEMO = "hooks/conformance", "oscar_host/demo"
FLEET = ["oscar_host/fleet/work", "oscar_host/fleet/night"]
TABLES = "tests/fhirapi/views"  # in an environment of its own


def run(*command: str, cwd: Path) -> str:
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def product_files() -> set[str]:
    """Every file of the product in the checkout, by its installed path."""
    result = set()
    for folder, installed in INSTALLED_AS.items():
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT / folder)
            through_link = any(parent.is_symlink() for parent in path.parents if parent != ROOT)
            if path.is_file() and not through_link and "__pycache__" not in path.parts:
                result.add(f"{installed}/{inside.as_posix()}")
    return result


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    checkout = tmp_path_factory.mktemp("packaging") / "checkout"
    unwanted = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "dist")
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=unwanted)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", "../dist", cwd=checkout)
    return checkout.parent / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [path] = built.glob("*.whl")
    return path


def needed(*extras: str) -> set[str]:
    """The packages that the product needs with these extras, that these need, and so on, by their normal names."""
    result: set[str] = set()
    waiting = [Requirement(f"oscar-cpar-plugin[{','.join(extras)}]")]
    while waiting:
        package = waiting.pop()
        for text in importlib.metadata.requires(package.name) or ():
            need = Requirement(text)
            required = need.marker is None or any(need.marker.evaluate({"extra": one}) for one in {"", *package.extras})
            if required and canonicalize_name(need.name) not in result:
                result.add(canonicalize_name(need.name))
                waiting.append(need)
    return result


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of a fresh environment with the wheel in it, and of our packages what it needs with pytest."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(venv), cwd=ROOT)
    python = str(venv / "bin/python")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", str(wheel), cwd=ROOT)
    [site_packages] = venv.glob("lib/python*/site-packages")
    ours = Path(sysconfig.get_path("purelib"))
    for name in needed("conformance"):
        files = importlib.metadata.files(name) or ()
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            (site_packages / top).symlink_to(ours / top)
    return python


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_puts_two_names_into_site_packages(wheel: Path) -> None:
    assert {name.split("/")[0] for name in names_in(wheel)} == {"cpar_plugin", "oscar_host"}


def test_the_wheel_holds_every_module_template_and_asset_of_the_checkout(wheel: Path) -> None:
    assert names_in(wheel) == product_files()
    for needed in (
        "cpar_plugin/py.typed",
        "cpar_plugin/hooks/specs.py",
        "cpar_plugin/store/migrations/script.py.mako",
        "cpar_plugin/store/migrations/versions/0001_first_tables.py",
    ):
        assert needed in names_in(wheel)
    for pattern in (r"cpar_plugin/templates/.+\.html", r"cpar_plugin/static/.+", r"oscar_host/demo/.+\.html"):
        assert any(re.fullmatch(pattern, name) for name in names_in(wheel)), pattern


def test_the_sdist_holds_what_its_wheel_was_built_from(built: Path) -> None:
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"setup.cfg", "pyproject.toml", "LICENSE", "README.md", "hooks/specs.py"} <= names


def test_the_installed_product_is_found_under_its_own_names_only(python: str, tmp_path: Path) -> None:
    script = """
import importlib.util
import cpar_plugin.hooks, cpar_plugin.templates, oscar_host
for generic in ("hooks", "host_kit", "fhir_mappings", "templates"):
    assert importlib.util.find_spec(generic) is None, generic
print(cpar_plugin.hooks.__file__, *sorted(path.name for path in cpar_plugin.templates.FOLDER.rglob("*.html")))
"""
    place, *templates = run(python, "-c", script, cwd=tmp_path).split()
    assert Path(place).is_relative_to(Path(python).parents[1])
    assert templates


def test_the_installed_command_and_plugin_start(python: str, tmp_path: Path) -> None:
    output = run(str(Path(python).with_name("cpar")), "--help", cwd=tmp_path)
    for command in ("run-due", "status", "demo-data", "registry"):
        assert command in output
    script = """
from cpar_plugin.hooks import Plugins
plugins = Plugins()
plugins.load_installed()
[source] = plugins.emr_migrations()
assert (source.script_location / "env.py").is_file()
print(plugins.manifests["cpar"].version)
"""
    assert run(python, "-c", script, cwd=tmp_path).strip() == importlib.metadata.version("oscar-cpar-plugin")


def test_the_installed_doctor_needs_no_extra(python: str, tmp_path: Path) -> None:
    program = str(Path(python).with_name("cpar"))
    environment = {"CPAR_DATABASE_URL": f"sqlite:///{tmp_path}/clinic.db", "PATH": os.environ["PATH"]}
    result = subprocess.run(
        [program, "doctor"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "cpar migrate" in result.stdout, result.stdout + result.stderr
    assert result.stderr == ""


@pytest.mark.parametrize("name", ["demo", "registry"])
def test_a_command_that_needs_an_extra_says_how_to_install_it(name: str, python: str, tmp_path: Path) -> None:
    program = str(Path(python).with_name("cpar"))
    result = subprocess.run([program, name], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: cpar {name} needs packages that are not installed (fhir.resources<9,>=8.2). "
        f"Install them: {python} -m pip install 'oscar-cpar-plugin[demo]'\n"
    )


def test_the_installed_kit_checks_a_host(python: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs/how-to/another-emr", tmp_path, dirs_exist_ok=True)
    kit = ("--pyargs", "cpar_plugin.hooks.conformance", "--host", "meadow_bench:open_bench")
    output = run(python, "-m", "pytest", "-p", "no:cacheprovider", "-v", *kit, cwd=tmp_path)
    assert re.search(r"^=+ \d+ passed, 2 skipped in .* =+$", output, re.MULTILINE), output
    script = "import cpar_plugin.hooks.conformance as kit; print(kit.__file__, len(kit.CHECKS))"
    place, number = run(python, "-c", script, cwd=tmp_path).split()
    assert Path(place).is_relative_to(Path(python).parents[1])
    skipped = 2  # Meadow has no port `homes`
    assert output.count(" PASSED ") == int(number) - skipped


@pytest.mark.parametrize("folder", ["hooks", "host_kit", "fhir_mappings", "templates"])
def test_a_folder_of_the_checkout_cannot_be_imported_under_a_second_name(folder: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", f"import {folder}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert f"ImportError: import this package as cpar_plugin.{folder}" in result.stderr


def test_the_links_of_the_checkout_are_relative() -> None:
    for folder in ("hooks", "host_kit", "fhir_mappings", "templates"):
        assert (ROOT / "cpar_plugin" / folder).readlink() == Path("..", folder)


def test_the_version_is_in_one_place() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    version = setup["metadata"]["version"]
    assert importlib.metadata.version("oscar-cpar-plugin") == version
    for folder in INSTALLED_AS:
        for path in (ROOT / folder).rglob("*.py"):
            assert f'"{version}"' not in path.read_text(encoding="utf-8"), path


def imported(folders: Iterable[str]) -> set[str]:
    """The top-level names that the modules in these folders import. Kit, demo and a fleet's work are by themselves."""
    result = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            if any(folder != apart and path.is_relative_to(ROOT / apart) for apart in (KIT, DEMO, TABLES, *FLEET)):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    result |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                    result.add(node.module.split(".")[0])
    return result - sys.stdlib_module_names - {"cpar_plugin", "oscar_host", "benchmarks", "tests", "_typeshed"}


def declared(*lists: str) -> set[str]:
    """The packages in these lists of setup.cfg."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    required = {"install_requires": setup["options"]["install_requires"], **setup["options.extras_require"]}
    lines = (line for name in lists for line in required[name].split("\n") if line)
    return {canonicalize_name(Requirement(line).name) for line in lines}


@pytest.mark.parametrize(
    ("folders", "lists"),
    [
        (INSTALLED_AS, ["install_requires", "mysqlclient"]),
        (FLEET, ["install_requires", "fleet"]),
        ([DEMO], ["install_requires", "demo"]),
        ([KIT], ["install_requires", "conformance"]),
        (["tests", "benchmarks"], ["install_requires", "demo", "test", "peers"]),
    ],
)
def test_every_package_that_is_imported_is_declared(folders: Iterable[str], lists: Iterable[str]) -> None:
    """Else it works only where somebody happens to have it."""
    providers = importlib.metadata.packages_distributions()
    allowed = declared(*lists)
    undeclared = {
        name
        for name in imported(folders)
        if not {canonicalize_name(package) for package in providers.get(name, [name])} & allowed
    }
    assert undeclared == set()
