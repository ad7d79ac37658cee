"""A good host on SQLite, to break."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cpar_plugin.hooks.conformance import test_database

from ..conftest import Place
from .oscar_bench import OscarBench, bench_at


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host whose writers wait for each other waits as long as it takes: no need to give others time."""
    monkeypatch.setattr(test_database, "A_MOMENT_FOR_OTHERS", 0.01)


@pytest.fixture
def on_sqlite(_sqlite_file: Path, tmp_path: Path) -> Iterator[OscarBench]:
    shutil.copy(_sqlite_file, tmp_path / "clinic.db")
    with bench_at(Place(f"sqlite:///{tmp_path / 'clinic.db'}", None), tmp_path / "outbox") as opened:
        yield opened
