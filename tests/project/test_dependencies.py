"""The page on dependencies names what setup.cfg names, list by list; and a peer that is missing is not overlooked."""

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/dependencies.md").read_text(encoding="utf-8")
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")
LISTS = ["install_requires", *SETUP["options.extras_require"]]


def in_setup(name: str) -> list[str]:
    """The packages of a list, without those of another list that it takes in."""
    section = "options" if name == "install_requires" else "options.extras_require"
    lines = SETUP.get(section, name, raw=True).split("\n")
    return [Requirement(line).name for line in lines if line and not line.startswith("%(")]


def on_page(name: str) -> list[str]:
    heading = "Needed to run" if name == "install_requires" else f"Extra `{name}`"
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [re.split(r" *\| *", line.strip("| ")) for line in part.splitlines() if line.startswith("|")]
    assert all(len(row) == 5 and all(row) for row in rows), "a line has a package and four answers"
    return [row[0] for row in rows[2:]]


@pytest.mark.parametrize("name", LISTS)
def test_each_dependency_has_its_line_and_each_line_its_dependency(name: str) -> None:
    assert on_page(name) == in_setup(name)


def test_the_page_has_no_other_list() -> None:
    assert set(re.findall(r"^## Extra `(\w+)`$", PAGE, re.MULTILINE)) == set(LISTS) - {"install_requires"}


@pytest.mark.parametrize("ci", ["", "1"])
def test_a_run_without_a_peer_says_what_was_not_checked_and_fails_in_ci(ci: str, tmp_path: Path) -> None:
    (tmp_path / "test_of_one.py").write_text(
        "import pytest\n\n@pytest.mark.peer('fhirpy')\ndef test_by_it(): assert False\n\ndef test_other(): pass\n"
    )
    (tmp_path / "conftest.py").write_text(
        "import cpar_plugin.extras, sys\n"
        "cpar_plugin.extras.missing = lambda extra: ['fhirpy>=2.3'] if extra == 'peers' else []\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from tests import peers\n"
        "def pytest_configure(config):\n"
        "    config.addinivalue_line('markers', 'peer(name): ...')\n"
        "    config.pluginmanager.register(peers)\n"
    )
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed, 1 deselected" in result.stdout, result.stdout + result.stderr
    assert f"NOT CHECKED by fhirpy>=2.3, which is not installed: {sys.executable} -m pip install" in result.stdout
    assert result.returncode == (1 if ci else 0)
