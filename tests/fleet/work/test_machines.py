"""Several machines: one is cut off from the broker or from the database, and their clocks differ."""

import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

import pytest
from sqlalchemy import URL, make_url

from cpar_plugin.domain.submission import SubmissionState
from oscar_host.fleet.draining import mark, unmark

from ...conftest import ALBERTA
from ...way import Way, over, to_database, way
from ..conftest import MakeDatabase
from .clocks import MachineClock
from .conftest import FleetAtWork

NAMES = ("north", "south", "west")
PANELS = 3
NIGHT = datetime(2026, 11, 7, 3, 15, tzinfo=ALBERTA)


@pytest.fixture
def ways(fleet: FleetAtWork, mariadb_server: URL) -> Iterator[dict[str, Way]]:
    """Those of one machine to the broker, and to all databases."""
    with ExitStack() as stack:
        to_broker = way(lambda: socket.create_connection(("127.0.0.1", fleet.broker.port)))
        yield {
            "broker": stack.enter_context(to_broker),
            "database": stack.enter_context(way(to_database(mariadb_server))),
        }


@pytest.fixture
def clock(fleet: FleetAtWork) -> MachineClock:
    """Of all machines."""
    return fleet.in_night_of(NIGHT, 5)


@pytest.fixture
def cut_off(fleet: FleetAtWork, clock: MachineClock, new_database: MakeDatabase, ways: dict[str, Way]) -> FleetAtWork:
    """A machine that goes these ways, in a fleet of which one clinic is draining there and elsewhere."""
    machine = fleet.machine("cut-off", ways["broker"].port)
    for name in (*NAMES, "east"):
        url = make_url(fleet.clinic(name, new_database, PANELS))
        machine.add(name, over(url, ways["database"].port).render_as_string(hide_password=False))
    for folder in (fleet.folder, machine.folder):
        mark(folder.clinics, "east")
    return machine


@pytest.mark.large
@pytest.mark.parametrize("how", ["cut", "hold"])
@pytest.mark.parametrize("what", ["broker", "database"])
@pytest.mark.parametrize("database_kind", ["mariadb"])
def test_a_machine_that_is_cut_off_holds_nothing_up_and_works_again_afterwards(
    fleet: FleetAtWork, cut_off: FleetAtWork, clock: MachineClock, ways: dict[str, Way], what: str, how: str
) -> None:
    fleet.registry.behave("slow", seconds=0.5)
    cut_off.worker()
    cut_off.beat()
    fleet.wait(lambda: fleet.states()[SubmissionState.SENDING] > 0, "it sends")
    getattr(ways[what], how)()
    others = [fleet.worker(), fleet.beat()]
    fleet.wait_until_delivered(len(NAMES) * PANELS, clock)
    fleet.check()
    ways[what].restore()
    for process in others:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(timeout=60) for process in others] == [0, 0]
    unmark(cut_off.folder.clinics, "east")
    fleet.wait_until_delivered((len(NAMES) + 1) * PANELS, clock)
    fleet.check()


@pytest.fixture
def ahead(fleet: FleetAtWork, new_database: MakeDatabase) -> FleetAtWork:
    """A machine for which the night has begun; on the other one it is a minute and a half earlier."""
    fleet.in_night_of(NIGHT, -85)
    machine = fleet.machine("ahead")
    machine.in_night_of(NIGHT, 5)
    for name in NAMES:
        machine.add(name, fleet.clinic(name, new_database, PANELS))
    return machine


@pytest.mark.databases("in turn")
def test_of_two_machines_whose_clocks_are_90_seconds_apart_none_does_again_what_the_other_does(
    fleet: FleetAtWork, ahead: FleetAtWork
) -> None:
    fleet.registry.behave("slow", seconds=1)
    for machine in (ahead, fleet):
        machine.worker()
        machine.beat()
    fleet.wait_until_delivered(len(NAMES) * PANELS)
    fleet.check()
    assert {row.attempts for name in NAMES for row in fleet.rows(name)} == {1}
