"""The table of what the guide says names tests and addresses that exist, and leaves nothing open."""

import ast
import re
from pathlib import Path

import pytest

from cpar_plugin.hooks import Plugins
from oscar_host.demo.app import create_app
from oscar_host.host import open_host

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs/reference/guide-coverage.md"


def _rows() -> list[tuple[str, str, str]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("|").split(" | ") for line in lines if line.startswith("| ")]
    return [(says.strip(), where.strip(), tests.strip()) for says, where, tests in rows if where != "where"]


ROWS = _rows()


def _tests_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every address of the embedded EMR with the plugin, its numbers as `<id>`."""
    plugins = Plugins()
    plugins.load_installed()
    with open_host(f"sqlite:///{tmp_path_factory.mktemp('addresses') / 'clinic.db'}") as host:
        rules = create_app(host, plugins).url_map.iter_rules()
    return {re.sub(r"<[^>]*>", "<id>", rule.rule) for rule in rules}


def test_the_table_has_the_whole_guide() -> None:
    assert len(ROWS) > 130
    assert "not done" not in PAGE.read_text(encoding="utf-8").lower()


def test_every_row_names_tests_that_exist() -> None:
    wrong = []
    for says, _, tests in ROWS:
        named = [name.split("::") for name in re.findall(r"`([^`]+)`", tests)]
        if not named or any(name[-1] not in _tests_in(TESTS / name[0]) for name in named):
            wrong.append(says)
    assert wrong == []


def test_every_row_says_where_and_each_address_exists(addresses: set[str]) -> None:
    for says, where, _ in ROWS:
        assert where, says
        assert set(re.findall(r"`(/[^`]*)`", where)) <= addresses, says


def test_every_test_that_follows_the_guide_is_in_the_table() -> None:
    named = {name for _, _, tests in ROWS for name in re.findall(r"`([^`]+)`", tests)}
    there = {
        f"guide/{file.name}::{test}"
        for file in (TESTS / "guide").glob("test_*.py")
        if file.name != "test_pictures.py"
        for test in _tests_in(file)
    }
    assert there <= named
