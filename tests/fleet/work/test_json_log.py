"""With `log_format = json` all that a worker or a beat prints is lines of JSON."""

import json
import signal
from typing import Any

import pytest

from ..conftest import MakeDatabase
from .conftest import FleetAtWork

pytestmark = pytest.mark.databases("one")


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_all_that_they_print_until_they_have_stopped_is_lines_of_json(
    fleet: FleetAtWork, new_database: MakeDatabase
) -> None:
    fleet.write("log_format = json")
    fleet.clinic("north", new_database, panels=2)
    processes = [fleet.worker(), fleet.beat()]
    fleet.wait_until_delivered(2)
    for process in processes:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    of_worker = lines(fleet.log("worker"))
    assert "worker: Warm shutdown (MainProcess)" in [line["message"] for line in of_worker]
    assert {line.get("clinic") for line in of_worker} >= {"north"}
    lines(fleet.log("beat"))


@pytest.mark.parametrize("work", ["worker", "beat"])
def test_what_keeps_them_from_beginning_is_a_line_of_json(fleet: FleetAtWork, work: str) -> None:
    fleet.folder.write("log_format = json")  # without a broker
    assert fleet.start(work).wait(timeout=60) == 1
    (line,) = lines(fleet.log(work))
    assert line["level"] == "error"
    assert line["message"].startswith("broker_url: name RabbitMQ")
