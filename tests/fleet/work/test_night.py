"""A night of a fleet: whatever happens to workers, broker, databases and registry, each panel is submitted once."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.tracing import new_trace
from oscar_host.fleet.work import queues
from oscar_host.fleet.work.celery_app import LOOK

from ...waiting import PATIENCE
from ..conftest import MakeDatabase
from .conftest import FleetAtWork

pytestmark = pytest.mark.databases("in turn")  # each takes seconds

NAMES = ("north", "south", "west")
PANELS = 3


@pytest.fixture
def night(fleet: FleetAtWork, new_database: MakeDatabase) -> FleetAtWork:
    """Three clinics in the night of their automatic date, before anyone works for them."""
    for name in NAMES:
        fleet.clinic(name, new_database, PANELS)
    return fleet


def test_a_night_submits_every_panel_of_every_clinic_once(night: FleetAtWork) -> None:
    night.be_patient()
    night.worker()
    night.beat()
    night.beat()
    night.wait_until_delivered(len(NAMES) * PANELS)
    night.check()
    assert {row.attempts for name in NAMES for row in night.rows(name)} == {1}
    assert "Example" not in night.log("worker") + night.log("beat")  # the family name of every patient


@pytest.mark.databases("both")
def test_a_clinic_with_one_panel_is_submitted_as_any_other(fleet: FleetAtWork, new_database: MakeDatabase) -> None:
    fleet.clinic("alone", new_database, panels=1)
    fleet.worker()
    fleet.beat()
    fleet.wait_until_delivered(1)
    fleet.check()


def test_a_clinic_with_few_panels_takes_turns_with_one_of_many(fleet: FleetAtWork, new_database: MakeDatabase) -> None:
    fleet.clinic("large", new_database, panels=8)
    fleet.clinic("small", new_database, panels=2)
    for name in ("large", "small"):  # in this order: all panels of the first may not come before those of the second
        fleet.engine().publish(LOOK, queues.NIGHT, name, new_trace())
    fleet.worker(processes=1)
    fleet.wait_until_delivered(10)
    fleet.check()
    finished = {name: sorted(row.finished_at for row in fleet.rows(name)) for name in fleet.urls}
    assert finished["small"][-1] < finished["large"][4]


@pytest.mark.large
def test_workers_that_are_killed_every_few_seconds_lose_and_double_nothing(night: FleetAtWork) -> None:
    night.registry.behave("slow", seconds=0.5)
    night.beat()
    workers = [night.worker(), night.worker()]
    for kill in range(6):
        time.sleep(5)
        night.kill(workers.pop(kill % 2))
        workers.append(night.worker())
    night.registry.behave("ok")
    night.wait(lambda: sum(night.states().values()) == len(NAMES) * PANELS, "all panels came due")
    night.wait(lambda: not {"due", "preparing", "ready", "sending", "waiting"} & set(night.states()), "all final")
    night.check()


@pytest.mark.large
def test_a_broker_that_is_restarted_in_the_night_changes_nothing(night: FleetAtWork) -> None:
    night.registry.behave("slow", seconds=0.5)
    night.worker()
    night.beat()
    night.wait(lambda: night.states()[SubmissionState.DELIVERED] > 0, "the first is delivered")
    night.broker.stop()
    time.sleep(2)
    night.broker.start()
    night.wait_until_delivered(len(NAMES) * PANELS)
    night.check()


@pytest.mark.large
def test_a_broker_whose_disk_is_full_holds_the_night_up_until_there_is_room(night: FleetAtWork) -> None:
    night.worker()
    night.broker.control("set_disk_free_limit", "900GB")
    try:
        night.beat()
        time.sleep(30)  # longer than a confirmation is waited for
        assert night.states() == {}
    finally:
        night.broker.control("set_disk_free_limit", "1MB")
    night.wait_until_delivered(len(NAMES) * PANELS)
    night.check()


def test_a_clinic_that_was_added_twice_is_submitted_once_and_named(night: FleetAtWork) -> None:
    night.add("north-again", night.urls["north"])
    night.worker()
    night.beat()
    night.wait_until_delivered(len(NAMES) * PANELS)
    night.check()
    named = "clinic north-again is not worked on: .*north-again and north have the same"
    night.wait(lambda: bool(re.search(named, night.log("beat"))), "the beat says which")


def test_a_wrong_settings_file_stops_no_other_clinic(night: FleetAtWork) -> None:
    file = night.folder.clinics / "south.ini"
    correct = file.read_text()
    file.write_text(correct.replace("claim_seconds", "hold_percent = many\nclaim_seconds"))
    night.worker()
    night.beat()
    night.wait_until_delivered((len(NAMES) - 1) * PANELS)
    named = "clinic south is not worked on: .*hold_percent"
    night.wait(lambda: bool(re.search(named, night.log("beat"))), "the beat says which")
    assert night.rows("south") == []
    file.write_text(correct)
    night.wait_until_delivered(len(NAMES) * PANELS)
    night.check()


@contextmanager
def away(url: str) -> Iterator[None]:
    """A database that cannot be read for a while."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE cpar_clinic RENAME TO cpar_clinic_away")
    yield
    with engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE cpar_clinic_away RENAME TO cpar_clinic")
    engine.dispose()


def test_a_database_that_is_away_holds_up_its_own_clinic_alone(night: FleetAtWork) -> None:
    south = night.urls.pop("south")
    with away(south):
        night.worker()
        night.beat()
        night.wait_until_delivered((len(NAMES) - 1) * PANELS)
        night.wait(lambda: "clinic south cannot be asked" in night.log("beat"), "the beat says which")
    night.urls["south"] = south
    night.wait_until_delivered(len(NAMES) * PANELS)
    night.check()


@pytest.mark.large
def test_a_registry_that_is_down_is_left_in_peace_and_said_to_be_so_once(night: FleetAtWork) -> None:
    night.registry.behave("fail")
    night.worker(4)
    night.beat()
    night.wait(lambda: "does not answer" in night.log("worker"), "the registry is taken to be down")
    time.sleep(10)
    arrivals = night.registry.behaviour()["done"]["fail before"]
    assert arrivals < len(NAMES) * PANELS + 5
    night.registry.behave("ok")
    night.wait_until_delivered(len(NAMES) * PANELS)
    night.wait(lambda: "answers again" in night.log("worker"), "it is said")
    night.check()


def test_a_worker_that_is_stopped_finishes_what_it_has_in_hand_and_leaves_the_rest(night: FleetAtWork) -> None:
    night.be_patient()
    night.registry.behave("slow", seconds=1)
    old = night.worker()
    night.beat()
    night.wait(lambda: night.states()[SubmissionState.SENDING] > 0, "it has panels in hand")
    old.send_signal(signal.SIGTERM)
    night.worker()
    assert old.wait(timeout=PATIENCE) == 0
    night.wait_until_delivered(len(NAMES) * PANELS)
    night.check()
    assert {row.attempts for name in NAMES for row in night.rows(name)} == {1}  # nothing was begun twice
