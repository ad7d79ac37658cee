"""A registry, or a database server, that is down for long, in the night of the seventh with the default calendar."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine

from cpar_plugin.domain.submission import SubmissionState
from oscar_host.demo.mariadb import lasting_mariadb

from ...conftest import ALBERTA, Place, make_tables
from ..conftest import MakeDatabase
from .conftest import FleetAtWork

NAMES = ("north", "south", "west")
PANELS = 3
NIGHT = datetime(2026, 11, 7, 3, 15, tzinfo=ALBERTA)
QUARTER = 15 * 60


@pytest.mark.large
def test_a_registry_that_is_down_from_a_quarter_past_three_to_five_is_one_warning_and_delays_the_night(
    fleet: FleetAtWork, new_database: MakeDatabase
) -> None:
    clock = fleet.in_night_of(NIGHT, 0)
    fleet.write(registry_pause_seconds=0.1)
    for name in NAMES:
        fleet.clinic(name, new_database, PANELS)
    fleet.registry.behave("fail")
    fleet.worker(4)
    fleet.beat()
    arrivals = 0

    def has_been_tried_again() -> bool:
        return fleet.registry.behaviour()["done"].get("fail before", 0) > arrivals

    for _ in range(7):
        fleet.wait(has_been_tried_again, "the registry is tried again")
        arrivals = fleet.registry.behaviour()["done"]["fail before"]
        clock.advance(QUARTER)
    arrivals = fleet.registry.behaviour()["done"]["fail before"]
    fleet.registry.behave("ok")
    for _ in range(2):
        clock.advance(QUARTER)
    fleet.wait_until_delivered(len(NAMES) * PANELS, clock)
    fleet.check()
    log = fleet.log("worker")
    assert arrivals <= 5 + 4 + log.count("next attempt")  # until it counts as down, what is in hand then, and trials
    assert len(re.findall("WARNING .* does not answer", log)) == 1
    assert len(re.findall("WARNING .* answers again", log)) == 1


class DatabaseServer:
    """One of a clinic's own, with its data in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._stack = folder, ExitStack()
        folder.mkdir()

    def start(self) -> URL:
        return self._stack.enter_context(lasting_mariadb(self._folder))

    def stop(self) -> None:
        """As a power cut does."""
        self._stack.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DatabaseServer]:
    """It does not run yet."""
    server = DatabaseServer(tmp_path / "server")
    yield server
    server.stop()


@pytest.mark.large
@pytest.mark.databases("one")
def test_a_database_server_that_is_down_for_an_hour_holds_up_its_own_clinics_alone(
    fleet: FleetAtWork, new_database: MakeDatabase, server: DatabaseServer
) -> None:
    clock = fleet.in_night_of(NIGHT, 5)
    administrator = server.start()
    with create_engine(administrator).begin() as connection:
        connection.exec_driver_sql("CREATE DATABASE south CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    south = administrator.set(database="south").render_as_string(hide_password=False)
    make_tables(Place(south, None))
    fleet.registry.behave("slow", seconds=0.5)
    fleet.clinic("south", lambda: south, PANELS)
    fleet.worker(4)
    fleet.beat()
    fleet.wait(lambda: fleet.states()[SubmissionState.SENDING] > 0, "it is under way")
    server.stop()
    del fleet.urls["south"]
    for name in ("north", "west"):
        fleet.clinic(name, new_database, PANELS)
    fleet.wait_until_delivered(2 * PANELS)
    fleet.wait(lambda: "clinic south cannot be asked" in fleet.log("beat"), "the beat says which")
    clock.advance(60 * 60)
    server.start()
    fleet.urls["south"] = south
    fleet.wait_until_delivered(len(NAMES) * PANELS)
    fleet.check()
    assert fleet.log("beat").count("clinic south cannot be asked") == 1
