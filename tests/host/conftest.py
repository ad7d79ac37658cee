"""What the tests of the host ask of its roster."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from oscar_host.host import OscarHost, open_host

from ..conftest import no_more_rights

more_rights = no_more_rights


@pytest.fixture
def patient(host: OscarHost) -> Callable[[int], Any]:
    """The roster's row of one patient, None where it has none."""

    def read(patient_id: int) -> Any:
        roster = host.roster.patients()
        with host.database.engine.connect() as connection:
            return connection.execute(select(roster).where(roster.c.patient_id == patient_id)).one_or_none()

    return read


@pytest.fixture
def last_visits(host: OscarHost) -> Callable[..., dict[int, dt.date | None]]:
    """By patient, the last visit that started before `until` (now, unless given)."""

    def read(until: dt.datetime | None = None) -> dict[int, dt.date | None]:
        roster = host.roster.patients()
        visit = host.roster.last_visit_on(roster.c.patient_id, until or host.clock.now())
        with host.database.engine.connect() as connection:
            return dict(connection.execute(select(roster.c.patient_id, visit)).all())

    return read


@pytest.fixture
def writer(place):
    """The host for the EMR's own programs."""
    emr = open_host(place.url, host_schema=place.host_schema)
    yield emr
    emr.database.engine.dispose()


@pytest.fixture
def older(writer: OscarHost, granted, clock):
    """Change the EMR's tables by SQL (`{demographic}` stands for a table's full name), and open the host on them."""
    opened: list[OscarHost] = []

    def make(*changes: str) -> OscarHost:
        writer.tables.metadata.create_all(writer.database.engine)
        place = granted()
        names = {table.name: table.fullname for table in writer.tables.metadata.sorted_tables}
        with writer.database.writing() as connection:
            for change in changes:
                connection.exec_driver_sql(change.format(**names))
        opened.append(open_host(place.url, host_schema=place.host_schema, clock=clock))
        return opened[-1]

    yield make
    for host in opened:
        host.database.engine.dispose()
