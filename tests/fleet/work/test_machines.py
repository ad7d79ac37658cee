"""Several machines: one is cut off from the broker or from the database, and their clocks differ."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime

import pytest
from sqlalchemy import URL, make_url

from cpar_plugin.domain.submission import SubmissionState
from oscar_host.fleet.draining import mark, unmark

from ...conftest import ALBERTA
from ...waiting import PATIENCE
from ...way import Way, over, to_database, way
from ..conftest import MakeDatabase
from .clocks import MachineClock
from .conftest import FleetAtWork
from .networks import Cable, Network, are_allowed, network

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
    machine = fleet.machine("cut-off", f"127.0.0.1:{ways['broker'].port}")
    add_clinics(fleet, machine, new_database, ways["database"].port, "127.0.0.1")
    return machine


def add_clinics(fleet: FleetAtWork, machine: FleetAtWork, new_database: MakeDatabase, port: int, host: str) -> None:
    """To both; the machine has its own way to their databases."""
    for name in (*NAMES, "east"):
        url = over(make_url(fleet.clinic(name, new_database, PANELS)), port).set(host=host)
        machine.add(name, url.render_as_string(hide_password=False))
    for folder in (fleet.folder, machine.folder):
        mark(folder.clinics, "east")


@pytest.mark.large
@pytest.mark.parametrize("how", ["cut", "hold"])
@pytest.mark.parametrize("what", ["broker", "database"])
@pytest.mark.parametrize("database_kind", ["mariadb"])
def test_a_machine_that_is_cut_off_holds_nothing_up_and_works_again_afterwards(
    fleet: FleetAtWork, cut_off: FleetAtWork, clock: MachineClock, ways: dict[str, Way], what: str, how: str
) -> None:
    end = getattr(ways[what], how)
    work_while_it_is_away(fleet, cut_off, clock, end, ways[what].restore)


def work_while_it_is_away(
    fleet: FleetAtWork, machine: FleetAtWork, clock: MachineClock, end: Callable[[], None], restore: Callable[[], None]
) -> None:
    """The machine is cut off while it sends; others do the night; then it works alone."""
    fleet.registry.behave("slow", seconds=0.5)
    machine.worker()
    machine.beat()
    fleet.wait(lambda: fleet.states()[SubmissionState.SENDING] > 0, "it sends")
    end()
    others = [fleet.worker(), fleet.beat()]
    fleet.wait_until_delivered(len(NAMES) * PANELS, clock)
    fleet.check()
    restore()
    for process in others:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(timeout=PATIENCE) for process in others] == [0, 0]
    unmark(machine.folder.clinics, "east")
    fleet.wait_until_delivered((len(NAMES) + 1) * PANELS, clock)
    fleet.check()


@pytest.fixture
def own_network(fleet: FleetAtWork) -> Iterator[Network]:
    """A network, from which the registry is reached always."""
    if not are_allowed():
        pytest.skip("no network namespaces can be made here")
    with network() as opened:
        port = make_url(fleet.registry.fhir_url).port
        assert port
        opened.give_loopback(port)
        yield opened
        fleet.end()


@pytest.fixture
def cables(fleet: FleetAtWork, own_network: Network, mariadb_server: URL) -> dict[str, Cable]:
    """Those of the machine in that network."""
    return {
        "broker": own_network.cable(lambda: socket.create_connection(("127.0.0.1", fleet.broker.port))),
        "database": own_network.cable(to_database(mariadb_server)),
    }


@pytest.fixture
def apart(
    fleet: FleetAtWork, clock: MachineClock, new_database: MakeDatabase, own_network: Network, cables: dict[str, Cable]
) -> FleetAtWork:
    """A machine in a network of its own."""
    broker, database = cables["broker"], cables["database"]
    machine = fleet.machine("apart", f"{broker.host}:{broker.port}")
    machine.prefix = own_network.prefix
    add_clinics(fleet, machine, new_database, database.port, database.host)
    return machine


@pytest.mark.large
@pytest.mark.parametrize("what", ["broker", "database"])
@pytest.mark.parametrize("database_kind", ["mariadb"])
def test_a_machine_whose_cable_is_unplugged_holds_nothing_up_and_works_again_afterwards(
    fleet: FleetAtWork,
    apart: FleetAtWork,
    clock: MachineClock,
    own_network: Network,
    cables: dict[str, Cable],
    what: str,
) -> None:
    def unplug() -> None:
        assert all(own_network.reaches(cable) for cable in cables.values())
        cables[what].unplug()
        assert {name for name, cable in cables.items() if not own_network.reaches(cable)} == {what}

    work_while_it_is_away(fleet, apart, clock, unplug, cables[what].restore)


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
