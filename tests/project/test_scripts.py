"""The scripts behind make, on machines that lack something: they say exactly what to install."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDINARY = ("sh", "cat", "cksum", "dirname", "rm")
LIBRARIES = "echo libatomic.so.1 libc.so.6"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder for PATH with the few programs that every machine has."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ORDINARY:
        (folder / name).symlink_to(shutil.which(name) or name)
    return folder


def put(folder: Path, scripts: Mapping[str, str]) -> None:
    for name, script in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


def run(
    programs: Path, checkout: Path, script: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [str(programs / "sh"), f"scripts/{script}", *arguments]
    env = {"PATH": str(programs)} | environment
    return subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    for name in ("setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.mark.parametrize("present", [{}, {"python3": "exit 1"}], ids=["none", "too old"])
def test_without_a_recent_python_it_says_which_one_to_install(
    programs: Path, checkout: Path, present: Mapping[str, str]
) -> None:
    put(programs, present)
    result = run(programs, checkout, "venv.sh", "run")
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed" in result.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_that_cannot_make_an_environment_is_reported_with_the_package_to_install(
    programs: Path, checkout: Path
) -> None:
    put(programs, {"python3.11": 'case "$*" in *version_info*) exit 0;; *) exit 1;; esac'})
    result = run(programs, checkout, "venv.sh", "run")
    assert result.returncode == 1
    assert "apt-get install python3-venv" in result.stderr


# Stands in for Python: makes a folder with an interpreter that notes what pip is asked for.
PYTHON = """
case "$*" in
*'-m venv'*) mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
*'-m pip'*) echo "$*" >>pip.log ;;
esac
"""


def test_a_python_that_is_named_and_cannot_be_used_is_not_replaced_by_another(programs: Path, checkout: Path) -> None:
    put(programs, {"python3.11": PYTHON, "python3.9": "exit 1"})
    result = run(programs, checkout, "venv.sh", "run", PYTHON="python3.9")
    assert (result.returncode, result.stderr) == (1, "python3.9 is no Python 3.11 or newer.\n")


def test_it_installs_once_and_again_only_when_the_packaging_has_changed(programs: Path, checkout: Path) -> None:
    for name in ("mkdir", "cp"):
        (programs / name).symlink_to(shutil.which(name) or name)
    put(programs, {"python3.11": PYTHON})

    def installed() -> list[str]:
        assert run(programs, checkout, "venv.sh", what).returncode == 0
        return [line.rpartition(" ")[2] for line in (checkout / "pip.log").read_text().splitlines()]

    what = "run"
    assert installed() == ["."]
    assert installed() == ["."]
    what = "dev"
    assert installed() == [".", ".[dev,peers,mysqlclient]"]
    what = "run"
    assert installed() == [".", ".[dev,peers,mysqlclient]"]
    with (checkout / "setup.cfg").open("a") as setup:
        setup.write("# changed\n")
    assert installed() == [".", ".[dev,peers,mysqlclient]", "."]


def test_a_peer_that_cannot_be_installed_takes_nothing_else_with_it(programs: Path, checkout: Path) -> None:
    for name in ("mkdir", "cp"):
        (programs / name).symlink_to(shutil.which(name) or name)
    real = f'*configparser*) exec {sys.executable} "$@" ;;'
    gone = '*peers*|*fhirpy*) case "$*" in *"-m pip"*) echo "$*" >>pip.log; exit 1 ;; esac ;;'
    put(programs, {"python3.11": PYTHON.replace("*'-m venv'*)", f"{real}\n{gone}\n*'-m venv'*)")})
    result = run(programs, checkout, "venv.sh", "dev")
    assert result.returncode == 0
    assert result.stderr.startswith("fhirpy>=2.3 cannot be installed: ")
    asked = [line.rpartition(" ")[2] for line in (checkout / "pip.log").read_text().splitlines()]
    assert asked[:3] == [".[dev,peers,mysqlclient]", ".[dev]", ".[mysqlclient]"]
    assert {"fhirpy>=2.3", "smart-fetch>=1"} <= set(asked[2:])
    assert (checkout / ".venv/installed-dev").exists()


def test_an_ordinary_user_is_given_the_exact_command_for_what_the_tests_need(programs: Path, checkout: Path) -> None:
    put(programs, {"id": "echo 1000", "ldconfig": LIBRARIES})
    result = run(programs, checkout, "needs.sh", "browser")
    assert result.returncode == 1
    packages = "chromium-headless-shell fonts-dejavu-core"
    assert f"    apt-get update && apt-get install --no-install-recommends {packages}\n" in result.stderr


def test_for_root_what_the_tests_need_is_announced_and_installed(programs: Path, checkout: Path) -> None:
    put(programs, {"id": "echo 0", "apt-get": 'echo "$*" >>apt.log', "ldconfig": LIBRARIES})
    result = run(programs, checkout, "needs.sh", "browser")
    assert result.returncode == 0
    assert "because you are root: chromium-headless-shell fonts-dejavu-core" in result.stdout
    update, install = (checkout / "apt.log").read_text().splitlines()
    assert update.startswith("update")
    assert install.startswith("install")
    assert install.endswith("chromium-headless-shell fonts-dejavu-core")


def test_the_library_that_the_browser_driver_lacks_is_named_before_the_driver_is_installed(
    programs: Path, checkout: Path
) -> None:
    put(programs, {"id": "echo 1000", "chromium": "", "ldconfig": "echo libc.so.6"})
    message = run(programs, checkout, "needs.sh", "browser").stderr
    assert "apt-get install --no-install-recommends libatomic1\n" in message
    put(programs, {"ldconfig": LIBRARIES})
    assert run(programs, checkout, "needs.sh", "browser").returncode == 0


def test_programs_of_the_docs_pages_are_needed_too(programs: Path, checkout: Path) -> None:
    put(programs, {"id": "echo 1000", "openssl": ""})
    message = run(programs, checkout, "needs.sh", "commands").stderr
    assert "apt-get install --no-install-recommends curl\n" in message


def test_what_is_there_is_not_installed_again(programs: Path, checkout: Path) -> None:
    there = {"chromium": "", "mariadbd": "", "mariadb-dump": "", "nginx": ""} | {
        "curl": "",
        "openssl": "",
        "ldconfig": LIBRARIES,
    }
    put(programs, there | {"id": "echo 0", "apt-get": "exit 1"})
    result = run(programs, checkout, "needs.sh", "browser", "mariadb", "nginx", "commands")
    assert (result.returncode, result.stdout) == (0, "")


def test_a_need_that_the_script_does_not_know_is_an_error(programs: Path, checkout: Path) -> None:
    assert run(programs, checkout, "needs.sh", "typewriter").returncode == 2


@pytest.mark.parametrize("target", ["test", "large", "bench", "torture"])
def test_make_looks_for_what_is_missing_before_it_installs_anything(target: str) -> None:
    command = ["make", "--dry-run", target]
    steps = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert 0 <= steps.find("scripts/needs.sh") < steps.find("scripts/venv.sh")


# Of this version; notes what is run with it, and makes an environment with itself as its interpreter.
OF_VERSION = """
case "$*" in
*%d.%d*) echo {version} ;;
*'-m venv'*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
*pytest*) echo "{version} $*" >>pytest.log ;;
esac
"""


@pytest.mark.parametrize(
    ("pythons", "newest"),
    [(["3.11", "3.12", "3.13"], "3.13"), (["3.11", "3.10"], None), (["3.13", "3.12"], None), (["3.15", "3.14"], None)],
)
def test_some_tests_run_once_more_on_the_newest_python_that_is_found(
    pythons: list[str], newest: str | None, programs: Path, checkout: Path
) -> None:
    for name in ("mkdir", "cp"):
        (programs / name).symlink_to(shutil.which(name) or name)
    used, *others = pythons
    (checkout / ".venv/bin").mkdir(parents=True)
    put(checkout / ".venv/bin", {"python": OF_VERSION.replace("{version}", used)})
    for version in others:
        home = checkout / f"pyenv/versions/{version}.1/bin"
        home.mkdir(parents=True)
        put(home, {"python3": OF_VERSION.replace("{version}", version)})
    result = run(programs, checkout, "newest.sh", PYENV_ROOT=str(checkout / "pyenv"))
    assert result.returncode == 0, result.stderr
    log = checkout / "pytest.log"
    if newest is None:
        assert result.stdout == f"Python {used} is the newest on this machine: nothing is left to run on another.\n"
        assert not log.exists()
    else:
        assert f"{newest}.1/bin/python3, the newest on this machine" in result.stdout
        assert log.read_text().startswith(f"{newest} -m pytest ")
