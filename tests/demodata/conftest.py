"""An invented clinic, as rows and in a database."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Row, Table, select

from oscar_host.demo.data.command import demo_data
from oscar_host.demo.data.writing import Written, fill
from oscar_host.host import OscarHost, open_host

from ..conftest import place_of_the_emr

place = place_of_the_emr


AS_OF = date(2026, 11, 10)


@pytest.fixture
def as_of() -> date:
    """The day on which the clinic is seen: the day of the fixture `clock`."""
    return AS_OF


@pytest.fixture
def written(host: OscarHost, as_of: date) -> Written:
    """What was written when the host got a clinic of 1,000 patients."""
    return fill(host.database, host.tables, patients=1000, seed=7, as_of=as_of)


@pytest.fixture
def fork(database_url: str, host_schema: str | None) -> Iterator[OscarHost]:
    """An OSCAR with empty tables of its own, which a test may change."""
    host = open_host(database_url, host_schema=host_schema)
    host.tables.metadata.create_all(host.database.engine)
    yield host
    host.database.engine.dispose()


@pytest.fixture
def rows(host: OscarHost) -> Callable[[Table], Sequence[Row[Any]]]:
    """The rows of a table, in the order of its key."""

    def read(table: Table) -> Sequence[Row[Any]]:
        with host.database.engine.connect() as connection:
            columns = [column for column in table.c if not column.system]  # the others are of other OSCARs
            return connection.execute(select(*columns).order_by(*table.primary_key)).all()

    return read


@pytest.fixture
def cpar_demo_data() -> Callable[..., Result]:
    """Run the command with these arguments."""

    def run(*arguments: str, **environment: str) -> Result:
        return CliRunner(env={"CPAR_DATABASE_URL": None, **environment}).invoke(demo_data, arguments)

    return run
