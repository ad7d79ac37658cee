"""Databases of some clinics are very slow, or hang: the others are not held up."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import URL, make_url

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.tracing import new_trace
from oscar_host.fleet.work import queues
from oscar_host.fleet.work.celery_app import LOOK
from oscar_host.fleet.work.engine import JOBS, PANEL

from ...way import Way, over, to_database, way
from ..conftest import MakeDatabase
from .conftest import FleetAtWork

OTHERS = ("north", "west")
PANELS = 3


@pytest.fixture
def database_kind() -> str:
    """A file is always there."""
    return "mariadb"


@pytest.fixture
def to_south(mariadb_server: URL) -> Iterator[Way]:
    """The way to the database of the clinic south alone."""
    with way(to_database(mariadb_server)) as to_south:
        yield to_south


@pytest.fixture
def night(fleet: FleetAtWork, new_database: MakeDatabase, to_south: Way) -> FleetAtWork:
    """Three clinics; the database of one is reached by a way of its own, and waited for very patiently."""
    for name in (*OTHERS, "south"):
        fleet.clinic(name, new_database, PANELS)
    url = over(make_url(fleet.urls["south"]), to_south.port).render_as_string(hide_password=False)
    fleet.add("south", url, database_connect_seconds="600", claim_seconds="300")
    return fleet


def test_a_database_that_hangs_holds_no_worker_up_however_often_its_clinic_is_called(
    night: FleetAtWork, to_south: Way
) -> None:
    to_south.hold()
    engine = night.engine()
    for _ in range(6):
        for task, *more in ((LOOK,), (PANEL, queues.NIGHT), (JOBS, [])):
            engine.publish(task, queues.PEOPLE, "south", new_trace(), *more)
    night.worker(4)
    night.beat()
    night.wait(lambda: all(_delivered(night, name) == PANELS for name in OTHERS), "others are submitted")
    assert _delivered(night, "south") == 0
    to_south.restore(seconds=0.02)
    night.wait_until_delivered((len(OTHERS) + 1) * PANELS)
    night.check()


SILENT = ("east", "far", "south", "zenith")  # more than half of what two workers have places for
PATIENT = {"database_connect_seconds": "600", "database_seconds": "600", "claim_seconds": "300"}


@pytest.fixture
def to_silent(mariadb_server: URL) -> Iterator[dict[str, Way]]:
    """The ways to the databases of clinics that hang, each its own."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(way(to_database(mariadb_server))) for name in SILENT}


def test_several_databases_that_hang_at_once_hold_up_none_of_the_others_of_two_workers(
    fleet: FleetAtWork, new_database: MakeDatabase, mariadb_server: URL, to_silent: dict[str, Way]
) -> None:
    fleet.clinic("south", new_database, PANELS)
    for name, to_it in to_silent.items():
        database = make_url(fleet.urls["south"]).database if name == "south" else f"never_reached_{name}"
        url = over(mariadb_server.set(database=database), to_it.port).render_as_string(hide_password=False)
        fleet.add(name, url, **PATIENT)
        to_it.hold()
    engine = fleet.engine()
    for name in SILENT:
        for task, *more in 6 * ((LOOK,), (PANEL, queues.NIGHT), (JOBS, [])):
            engine.publish(task, queues.PEOPLE, name, new_trace(), *more)
    workers = [fleet.worker(4), fleet.worker(4)]
    fleet.wait(lambda: sum(one.connections for one in to_silent.values()) >= len(SILENT), "workers wait for them")
    for name in OTHERS:
        fleet.clinic(name, new_database, PANELS)
    fleet.beat()
    fleet.wait(lambda: all(_delivered(fleet, name) == PANELS for name in OTHERS), "others are submitted")
    assert [worker.poll() for worker in workers] == [None, None]
    assert _delivered(fleet, "south") == 0
    to_silent["south"].restore()
    fleet.wait_until_delivered((len(OTHERS) + 1) * PANELS)
    fleet.check()


def test_a_server_that_hangs_holds_the_beat_up_for_none_but_its_clinics(
    fleet: FleetAtWork, new_database: MakeDatabase, mariadb_server: URL, to_south: Way
) -> None:
    for number in range(9):  # more than the beat asks at a time
        url = over(mariadb_server.set(database=f"never_reached_{number}"), to_south.port)
        fleet.add(f"south-{number}", url.render_as_string(hide_password=False), **PATIENT)
    to_south.hold()
    fleet.worker(4)
    fleet.beat()
    fleet.wait(lambda: to_south.connections >= 8, "the beat waits for the server")
    for name in OTHERS:
        fleet.clinic(name, new_database, PANELS)
    fleet.wait_until_delivered(len(OTHERS) * PANELS)
    fleet.check()


def _delivered(night: FleetAtWork, name: str) -> int:
    return sum(row.state == SubmissionState.DELIVERED for row in night.rows(name))
