"""How often the beat asks the clinics of a fleet."""

import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from oscar_host.fleet.work.beat import Beat

from ...way import Way
from .conftest import FleetAtWork

PULSES = [100, 125, 150, 170]


class Questions:
    """A clock that a test sets, and a processor of which each question takes the same time."""

    def __init__(self, processor_seconds: float) -> None:
        self.now = 0.0
        self.asked = 0
        self._processor_seconds = processor_seconds
        self._calls = self._processor()

    def monotonic(self) -> float:
        return self.now

    def processor(self) -> float:
        return next(self._calls)

    def _processor(self) -> Iterator[float]:
        while True:
            yield 0.0
            self.asked += 1
            yield self._processor_seconds


@pytest.fixture
def busy(fleet: FleetAtWork, new_database: Callable[[], str]) -> FleetAtWork:
    """Two clinics whose panels are due, and no worker."""
    for name in ("north", "south"):
        fleet.clinic(name, new_database, panels=1, patients=1)
    fleet.folder.write(f"broker_url = {fleet.broker_url}", "pages = no")
    return fleet


@pytest.mark.parametrize(
    ("processor_seconds", "asked"),
    [(0.01, [2, 2, 2, 2]), (60.0, [2, 1, 0, 1])],
    ids=["few clinics, each every 20 s", "so many that all take long, each less often"],
)
def test_to_ask_clinics_at_work_takes_a_small_part_of_a_processor_however_many_there_are(
    busy: FleetAtWork, processor_seconds: float, asked: list[int]
) -> None:
    questions, counts = Questions(processor_seconds), []
    beat = Beat(busy.engine(), questions.monotonic, questions.processor)
    for questions.now in [0, *PULSES]:
        before = questions.asked
        with ThreadPoolExecutor(1) as pool:
            beat.pulse(pool)
        counts.append(questions.asked - before)
    assert counts == [0, *asked]


def test_a_broker_that_is_away_is_named_once_and_not_taken_for_the_databases_of_clinics(
    busy: FleetAtWork, caplog: pytest.LogCaptureFixture
) -> None:
    way = Way(lambda: socket.create_connection(("127.0.0.1", busy.broker.port)))
    busy.broker_url = f"amqp://guest:guest@127.0.0.1:{way.port}//"
    busy.folder.write(f"broker_url = {busy.broker_url}", "pages = no")
    questions = Questions(0.01)
    beat = Beat(busy.engine(), questions.monotonic, questions.processor)

    def pulse() -> list[str]:
        caplog.clear()
        with ThreadPoolExecutor(2) as pool:
            beat.pulse(pool)
        return [record.message for record in caplog.records if record.name == "oscar_host.fleet.work.beat"]

    with closing(way):
        way.cut()
        pulse()
        questions.now = 100
        (warning,) = pulse()
        assert re.fullmatch(r"the broker takes no messages \(\w+\): check that it runs, and broker_url", warning)
        questions.now = 1000
        assert pulse() == []
        way.restore()
        questions.now = 2000
        assert pulse() == ["the broker takes messages again"]
