"""A new kind that someone forgets is named at start, with the module that lacks it."""

import shutil
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import pytest

from cpar_plugin.domain.exhaustive import NoEntry, exhaustive

ROOT = Path(__file__).parents[2]


class Light(StrEnum):
    RED = "red"
    GREEN = "green"


def test_a_table_with_every_member_is_the_table() -> None:
    table = {Light.RED: 1, Light.GREEN: 2}
    assert exhaustive(__name__, Light, table) is table


def test_a_table_without_a_member_is_refused_and_says_where_to_add_it() -> None:
    with pytest.raises(NoEntry, match=r"^No entry for Light\.GREEN: add it to the table in the\.lights\.$"):
        exhaustive("the.lights", Light, {Light.RED: 1})


@pytest.mark.parametrize(
    ("module", "after", "member", "table"),
    [
        (
            "services/operations/record.py",
            '    AFTER_RESTORE = "after-restore"\n',
            '    FREEZE = "freeze"\n',
            "No entry for OperationKind.FREEZE: add it to the table in cpar_plugin.services.operations.record.",
        ),
        (
            "domain/submission.py",
            '    MISSED = "missed"\n',
            '    FROZEN = "frozen"\n',
            "No entry for SubmissionState.FROZEN: add it to the table in cpar_plugin.domain.submission.",
        ),
        (
            "domain/cautions.py",
            '    PREFERRED_NAME = "preferred-name"\n',
            '    FROZEN = "frozen"\n',
            "No entry for Caution.FROZEN: add it to the table in cpar_plugin.domain.wording.",
        ),
    ],
)
def test_a_new_kind_that_nothing_else_knows_keeps_the_plugin_from_starting(
    tmp_path: Path, module: str, after: str, member: str, table: str
) -> None:
    for folder in ("cpar_plugin", "hooks", "fhir_mappings", "templates"):
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "cpar_plugin" / module
    content = path.read_text()
    assert after in content
    path.write_text(content.replace(after, after + member))
    started = subprocess.run(
        [sys.executable, "-c", "import cpar_plugin.plugin"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert started.returncode == 1
    assert started.stderr.splitlines()[-1].endswith(table)
