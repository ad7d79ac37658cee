"""A worker of two processes, in which a clinic's panels and its other jobs share one place."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine

from cpar_plugin import settings as plugin_settings
from cpar_plugin.services.submissions.run import RunReport, begin_due
from cpar_plugin.tracing import new_trace
from oscar_host.fleet.work import queues
from oscar_host.fleet.work.celery_app import LOOK
from oscar_host.fleet.work.engine import JOBS, PANEL

from ..conftest import MakeDatabase
from .conftest import FleetAtWork


@pytest.fixture
def database_kind() -> str:
    """One in which a table can be kept from those who read it, and others not."""
    return "mariadb"


@contextmanager
def kept_from_readers(url: str, table: str) -> Iterator[None]:
    """Who reads the table waits until the end of the block."""
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"LOCK TABLES {table} WRITE")
        yield
        connection.exec_driver_sql("UNLOCK TABLES")
    engine.dispose()


def readers_wait(url: str) -> bool:
    engine = create_engine(url)
    with engine.connect() as connection:
        waiting = connection.exec_driver_sql(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE 'Waiting for%%'"
        ).scalar_one()
    engine.dispose()
    return bool(waiting)


@pytest.mark.parametrize(
    ("task", "more"), [(LOOK, ()), (PANEL, (queues.NIGHT,))], ids=["a look at it", "its next panel"]
)
def test_what_is_to_be_done_for_a_clinic_while_its_other_jobs_run_is_done_after_them_without_another_question(
    fleet: FleetAtWork, new_database: MakeDatabase, task: str, more: tuple[str, ...]
) -> None:
    url = fleet.clinic("north", new_database, panels=1)
    engine = fleet.engine()
    with engine.hosts.opened(engine.clinics.read().clinic("north")) as host:
        begin_due(host, plugin_settings.load(host.settings), host.clock.now(), RunReport())
    fleet.worker(processes=2)
    with kept_from_readers(url, "cpar_export"):
        engine.publish(JOBS, queues.JOBS, "north", new_trace(), ["cpar-exports"])
        fleet.wait(lambda: readers_wait(url), "its jobs run")
        engine.publish(task, queues.NIGHT, "north", new_trace(), *more)
        fleet.wait(lambda: f"{task} of clinic north" in fleet.log("worker"), "it finds no place")
    fleet.wait_until_delivered(1)
    fleet.check()
