"""What the clinics of a fleet are asked is compiled once in a process, whatever their databases are called."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, make_url, select

from oscar_host.host import OscarHost, open_host

from ..conftest import Oscar
from .conftest import MakeDatabase


def opened(url: str) -> OscarHost:
    """The EMR's tables named by their schema, which is another one for each clinic on MariaDB."""
    name = make_url(url).database
    return open_host(url, host_schema="main" if url.startswith("sqlite") else name)


@contextmanager
def compiled(host: OscarHost) -> Iterator[list[str]]:
    """Whether each statement was compiled already."""
    hits: list[str] = []

    def note(_: object, __: object, ___: object, ____: object, context: Any, _____: object) -> None:
        hits.append(context.cache_hit.name)

    event.listen(host.database.engine, "before_cursor_execute", note)
    yield hits
    event.remove(host.database.engine, "before_cursor_execute", note)


def family_names(host: OscarHost) -> list[str]:
    patients = host.roster.patients()
    with host.database.engine.connect() as connection:
        return list(connection.scalars(select(patients.c.family_name).order_by(patients.c.patient_id)))


@pytest.fixture
def clinics(new_database: MakeDatabase) -> Iterator[tuple[OscarHost, OscarHost]]:
    with opened(new_database()) as north, opened(new_database()) as south:
        Oscar(north).patient(last_name="North")
        Oscar(south).patient(last_name="South")
        yield north, south


def test_each_clinic_answers_from_its_own_tables_to_what_was_compiled_for_another(
    clinics: tuple[OscarHost, OscarHost],
) -> None:
    north, south = clinics
    south.roster.patients()  # looks which columns there are
    assert family_names(north) == ["North"]
    with compiled(south) as hits:
        assert family_names(south) == ["South"]
    assert set(hits) == {"CACHE_HIT"}
    assert family_names(north) == ["North"]


def test_an_oscar_that_lacks_a_column_is_asked_by_statements_of_its_own(
    clinics: tuple[OscarHost, OscarHost], new_database: MakeDatabase
) -> None:
    north, _ = clinics
    north_patients = north.roster.patients()
    url = new_database()
    with opened(url) as fork:
        Oscar(fork).patient(last_name="Fork")
        with fork.database.writing() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {fork.tables.demographic.fullname} DROP COLUMN hc_type")
    with opened(url) as fork:
        assert family_names(fork) == ["Fork"]
        patients = fork.roster.patients()
        with fork.database.engine.connect() as connection:
            assert connection.scalars(select(patients.c.phn_jurisdiction)).all() == [None]
    with north.database.engine.connect() as connection:
        assert connection.scalars(select(north_patients.c.phn_jurisdiction)).all() == ["AB"]
