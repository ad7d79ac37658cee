"""Each finding stands in the index, says when and with what it was seen, and pins what it installs."""

import re
from pathlib import Path

import pytest

FINDINGS = Path(__file__).parents[2] / "findings"
SCRIPTS = sorted(FINDINGS.glob("*.sh"))


def test_the_index_of_findings_has_a_line_for_each_script() -> None:
    index = (FINDINGS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(.+?)\]\(\1\) \| .+ \|$", index, re.MULTILINE) == [script.name for script in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_says_what_was_seen_pins_its_packages_and_fails_when_that_changes(script: Path) -> None:
    content = script.read_text(encoding="utf-8")
    comment = re.findall(r"^#(?!!) ?(.*)$", content.partition("set -eu")[0], re.MULTILINE)
    assert any(re.match(r"Seen on \d+ \w+ \d{4} with ", line) for line in comment)
    assert re.search(r"\bFails when ", " ".join(comment))
    installed = re.findall(r"(?:pip\" install|npm install) (.+)$", content, re.MULTILINE)
    packages = [word.strip("'") for line in installed for word in line.split() if not word.startswith(("-", '"'))]
    assert [package for package in packages if not re.search(r"(?:==|.@)\d", package)] == []
    assert packages or "<version>" in content
    assert "diff - " in content
    assert "cpar" not in content.lower()
