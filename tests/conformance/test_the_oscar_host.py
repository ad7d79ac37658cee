"""The host for OSCAR-family EMRs keeps the contract, on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cpar_plugin.hooks.conformance import *  # noqa: F403  # as another host's own suite does

from .. import databases
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


@pytest.fixture(autouse=True)
def _counted(request: pytest.FixtureRequest, bench: OscarBench) -> None:
    databases.note(request.node, request.node.callspec.params["bench"])
