"""The threat model: every line names what shows it, and that exists."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs/explanation/threat-model.md"
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def threats() -> list[str]:
    """The lines of the tables but the last one, which is about others."""
    ours, _, _ = PAGE.read_text(encoding="utf-8").partition("\n## What is left")
    lines = (line for line in ours.splitlines() if line.startswith("| "))
    return [line for line in lines if not line.startswith("| how |")]


def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_there_are_threats() -> None:
    assert len(threats()) > 30


@pytest.mark.parametrize("line", threats())
def test_every_threat_names_tests_that_exist(line: str) -> None:
    *_, shown_by = (cell.strip() for cell in line.strip("|").split(" | "))
    named = NAMED.findall(shown_by)
    assert named
    assert NAMED.sub("", shown_by).strip(" ,|") == ""
    for file, name in named:
        assert name in names_in(TESTS / file), (file, name)
