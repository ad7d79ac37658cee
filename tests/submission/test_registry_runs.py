"""Submissions to a real registry over HTTP, which misbehaves as told."""

import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.services.submissions import history, requests
from oscar_host.demo.registry import process

from ..waiting import PATIENCE, wait_until


@pytest.fixture
def clinic(with_settings: Any, registry: process.RunningRegistry) -> Any:
    """A clinic that submits to the registry, with one panel."""
    world = with_settings(transport="fhir", registry_url=registry.fhir_url)
    world.number = uuid.uuid4().hex[:12]
    world.its_panel = world.panel(world.number, 3)
    return world


def arrived(registry: process.RunningRegistry, clinic: Any) -> list[dict[str, Any]]:
    return [one for one in registry.received() if one["panel_number"] == clinic.number]


def the_submission(clinic: Any) -> history.Submission:
    with clinic.host.database.engine.connect() as connection:
        return history.history(connection, clinic.host)[0]


def test_a_panel_is_delivered_and_the_history_says_so(clinic: Any, registry: process.RunningRegistry) -> None:
    clinic.oscar.patient(sex="")
    clinic.run_at("2026-11-07T03:15")
    (received,) = arrived(registry, clinic)
    shown = the_submission(clinic)
    assert (shown.state, shown.sent, shown.excluded) == (SubmissionState.DELIVERED, 3, 0)
    assert (f"urn:uuid:{shown.snapshot_id}", shown.sha256) == (received["identifier"], received["sha256"])
    assert shown.answer_id == received["receipt"]
    assert shown.delivered_at == clinic.clock.now()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["fail", "cut", "nonsense"])
def test_an_answer_that_is_none_is_tried_again_with_the_same_bytes(
    clinic: Any, registry: process.RunningRegistry, kind: str, when: str
) -> None:
    registry.behave(kind, when=when)
    clinic.run_at("2026-11-07T03:15")
    waiting = the_submission(clinic)
    assert waiting.state == SubmissionState.WAITING
    assert waiting.failure
    registry.behave("ok")
    clinic.run()
    assert the_submission(clinic).state == SubmissionState.WAITING
    clinic.run_at("2026-11-07T03:17")
    (received,) = arrived(registry, clinic)
    assert the_submission(clinic).state == SubmissionState.DELIVERED
    assert the_submission(clinic).attempts == 2
    assert received["identifier"] == f"urn:uuid:{waiting.snapshot_id}"
    assert received["arrivals"] == (2 if when == "after" else 1)


def test_a_refusal_is_not_tried_again_by_itself(clinic: Any, registry: process.RunningRegistry) -> None:
    registry.behave("refuse")
    clinic.run_at("2026-11-07T03:15")
    refused = the_submission(clinic)
    assert (refused.state, refused.answer_status, refused.may_retry) == (SubmissionState.REFUSED, 422, True)
    registry.behave("ok")
    for _ in range(5):
        clinic.clock.move_to(clinic.clock.now() + timedelta(hours=6))
        clinic.run()
    assert arrived(registry, clinic) == []
    requests.retry(clinic.host, clinic.settings, clinic.manager, refused.submission_id)
    clinic.run()
    assert the_submission(clinic).state == SubmissionState.DELIVERED
    assert len(arrived(registry, clinic)) == 1


@pytest.mark.databases("in turn")
def test_a_registry_that_is_down_for_a_day_makes_the_submission_fail(clinic: Any, tmp_path: Any) -> None:
    with process.running(tmp_path / "other") as other:
        clinic.settings = clinic.settings.model_copy(update={"registry_url": other.fhir_url})
    moment = "2026-11-07T03:15"
    clinic.run_at(moment)
    for _ in range(50):
        clinic.clock.move_to(clinic.clock.now() + timedelta(minutes=30))
        clinic.run()
    failed = the_submission(clinic)
    assert (failed.state, failed.may_retry) == (SubmissionState.FAILED, True)
    assert failed.failure.endswith("Nothing was sent. All attempts within a day failed.")
    assert failed.attempts > 5


@contextmanager
def by_a_gate(registry: process.RunningRegistry, lets_pass: Callable[[int], bool]) -> Iterator[str]:
    """The registry's address by a way on which each connection, counted from 0, is carried on or cut as the gate says,
    when it says so.
    """
    real, threads = urlsplit(registry.fhir_url), list[threading.Thread]()

    def copy(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while sent := one.recv(65536):
                other.sendall(sent)
            other.shutdown(socket.SHUT_WR)

    def carry(client: socket.socket, number: int) -> None:
        if not lets_pass(number):
            client.close()
            return
        with client, socket.create_connection((str(real.hostname), real.port or 80)) as server:
            back = threading.Thread(target=copy, args=(server, client))
            back.start()
            copy(client, server)
            back.join()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                threads.append(threading.Thread(target=carry, args=(client, len(threads))))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=accept)
        accepting.start()
        yield real._replace(netloc=f"127.0.0.1:{listening.getsockname()[1]}").geturl()
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join()
    for thread in threads:
        thread.join()


@pytest.mark.databases("in turn")
def test_while_the_registry_holds_one_panel_the_others_go_on(
    clinic: Any, registry: process.RunningRegistry, with_settings: Any
) -> None:
    panels = [clinic.its_panel, *(clinic.panel(f"{clinic.number}-{number}") for number in range(5))]
    noted = []

    def hold_the_first(number: int) -> bool:
        if number == 0:
            wait_until(lambda: sum(clinic.states(panel) == [SubmissionState.DELIVERED] for panel in panels) == 5)
            noted.append(True)
        return number > 0

    with by_a_gate(registry, hold_the_first) as address:
        with_settings(registry_url=address, registry_read_seconds=2 * PATIENCE, panels_at_once=2)
        clinic.run_at("2026-11-07T03:15")
    assert noted == [True]
    states = sorted(clinic.states(panel)[0] for panel in panels)
    assert states == [SubmissionState.DELIVERED] * 5 + [SubmissionState.WAITING]


@pytest.mark.databases("in turn")
def test_as_many_panels_are_under_way_at_a_time_as_the_setting_says(
    clinic: Any, registry: process.RunningRegistry, with_settings: Any
) -> None:
    panels = [clinic.its_panel, *(clinic.panel(f"{clinic.number}-{number}") for number in range(6))]
    under_way = list[int]()

    def count() -> None:
        under_way.append(clinic.count(panels, SubmissionState.SENDING))

    first_three = threading.Barrier(3, count, PATIENCE)

    def gather(number: int) -> bool:
        if number < 3:
            first_three.wait()
        else:
            count()
        return True

    with by_a_gate(registry, gather) as address:
        with_settings(registry_url=address, registry_read_seconds=2 * PATIENCE, panels_at_once=3)
        clinic.run_at("2026-11-07T03:15")
    assert [clinic.states(panel) for panel in panels] == [[SubmissionState.DELIVERED]] * 7
    assert (under_way[0], max(under_way)) == (3, 3)
