"""One clinic's database is very slow, or hangs: the others are not held up."""

from collections.abc import Iterator

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


def _delivered(night: FleetAtWork, name: str) -> int:
    return sum(row.state == SubmissionState.DELIVERED for row in night.rows(name))
