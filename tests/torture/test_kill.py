"""The short version of `make torture`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLS = 8


@pytest.mark.large
def test_workers_killed_at_random_lose_and_double_nothing(database_kind: str, request: pytest.FixtureRequest) -> None:
    environment = dict(os.environ)
    if database_kind == "mariadb":
        server = request.getfixturevalue("mariadb_server")
        environment["CPAR_TEST_MARIADB_URL"] = server.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "benchmarks.torture", "--kills", str(KILLS), "--database", database_kind]
    result = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert result.returncode == 0, result.stdout
    assert re.search(rf"{KILLS} kills \(\d of web servers\), seed 1", result.stdout), result.stdout
    assert "choose is so" in result.stdout
    assert "All is as it must be. The seed was 1." in result.stdout
    delivered = re.search(r"'delivered': (\d+)", result.stdout)
    assert delivered, result.stdout
