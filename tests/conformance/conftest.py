"""The host for OSCAR-family EMRs on a bench: on each database, and on SQLite to be broken."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cpar_plugin.hooks.conformance import test_database

from ..conftest import MariaDBStock, Place, make_tables
from .oscar_bench import OscarBench, bench_at


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OscarBench]:
    folder: Path = tmp_path_factory.mktemp("bench")
    if request.param == "sqlite":
        place = Place(f"sqlite:///{folder / 'clinic.db'}", None)
        make_tables(place)
    else:
        stock: MariaDBStock = request.getfixturevalue("_mariadb_stock")
        place = stock.emptied()
    with bench_at(place, folder / "outbox") as opened:
        yield opened


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host whose writers wait for each other waits as long as it takes: no need to give others time."""
    monkeypatch.setattr(test_database, "A_MOMENT_FOR_OTHERS", 0.01)


@pytest.fixture
def on_sqlite(_sqlite_file: Path, tmp_path: Path) -> Iterator[OscarBench]:
    shutil.copy(_sqlite_file, tmp_path / "clinic.db")
    with bench_at(Place(f"sqlite:///{tmp_path / 'clinic.db'}", None), tmp_path / "outbox") as opened:
        yield opened
