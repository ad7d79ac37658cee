"""A receiver that fails one time in three, and senders that are killed: each event arrives, in order, once at least."""

import multiprocessing
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import playwright
import pytest
import requests
from flask import Flask
from sqlalchemy import select

from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import SystemClock
from cpar_plugin.services import bulk
from cpar_plugin.services.clients.read_log import Reads
from cpar_plugin.services.subscriptions.senders import Senders
from cpar_plugin.settings import load
from cpar_plugin.store import tables
from oscar_host.host import OscarHost, open_host

from ..conftest import Place
from .clients import Registered
from .receiver import subscription
from .rest import Reader
from .test_subscriptions import OPTIONS, SCOPES, Clinic, post

NODE = Path(playwright.__file__).with_name("driver") / "node"
SCRIPT = Path(__file__).with_name("receiver.mjs")
# A claim of a sender that was killed lasts three seconds.
IN_HASTE = {**OPTIONS, "claim_seconds": "1", "subscription_seconds": "2"}
MOST_SECONDS = 1800.0


@pytest.fixture
def node() -> Iterator[str]:
    """The address of the receiver in JavaScript."""
    with subprocess.Popen([str(NODE), str(SCRIPT)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
        process.kill()


@pytest.fixture
def clinic(site: OscarHost) -> Clinic:
    return Clinic(site, {"subscription_seconds": "60"})


@pytest.fixture
def app(clinic: Clinic) -> Flask:
    return clinic.app


def send(place: Place) -> None:
    """What a process of ours does until it is killed."""
    host = open_host(place.url, host_schema=place.host_schema, clock=SystemClock(), settings=IN_HASTE)
    senders = Senders(host, load(host.settings), Reads(host))
    senders.start()
    while True:
        senders.maintain()
        time.sleep(0.2)


def sent(host: OscarHost) -> tuple[str, int, int]:
    row = tables.subscription.c
    with host.database.engine.connect() as connection:
        status, sent_number, last_number = connection.execute(
            select(row.status, row.sent_number, row.last_number)
        ).one()
    return status, sent_number, last_number


@pytest.mark.databases("in turn")
@pytest.mark.parametrize(("patients", "kills"), [(60, 4), pytest.param(1000, 50, marks=pytest.mark.large)])
def test_every_event_arrives_in_order_though_the_receiver_fails_and_senders_are_killed(
    clinic: Clinic,
    site: OscarHost,
    place: Place,
    clerk: Actor,
    oscar: Any,
    registered: Callable[..., Registered],
    make_panel: Callable[..., int],
    node: str,
    patients: int,
    kills: int,
) -> None:
    chance, here, there = random.Random(19), make_panel("0042", "101"), make_panel("0043", "102")
    with oscar.at_once():
        for number in range(patients):
            oscar.patient(last_name=f"P{number}", hin="")
    answer = post(Reader(clinic.app, registered("Network", scopes=SCOPES).token(SCOPES)), subscription(node))
    assert answer.status_code == 201, answer.text
    clinic.work()
    assert sent(site) == ("active", 0, 0)
    orders = [bulk.Assign("101", "AC", here), *(bulk.Move(*pair, "AC") for pair in [(here, there), (there, here)] * 5)][
        :10
    ]
    context, until = multiprocessing.get_context("fork"), time.monotonic() + MOST_SECONDS
    workers = [context.Process(target=send, args=(place,), daemon=True) for _ in range(2)]
    for worker in workers:
        worker.start()
    killed = 0
    while time.monotonic() < until:
        if orders and (killed >= (10 - len(orders)) * kills // 10):
            bulk.carry_out(site, clerk, orders.pop(0))
        if killed < kills:
            time.sleep(chance.uniform(0.2, 1.5))
            place_of_one = chance.randrange(2)
            workers[place_of_one].kill()
            workers[place_of_one].join()
            killed += 1
            workers[place_of_one] = context.Process(target=send, args=(place,), daemon=True)
            workers[place_of_one].start()
        elif not orders:
            status, sent_number, last_number = sent(site)
            if (status, sent_number) == ("active", last_number) and last_number == 10 * patients:
                break
            time.sleep(0.2)
    for worker in workers:
        worker.kill()
        worker.join()
    notified = requests.get(node, timeout=60).json()
    assert killed == kills
    assert sent(site) == ("active", 10 * patients, 10 * patients)
    arrived = 0
    for events in notified:
        numbers = [event["number"] for event in events]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert numbers[0] <= arrived + 1, "an event is missing"
        arrived = max(arrived, numbers[-1])
    assert arrived == 10 * patients
    by_number = {event["number"]: event for events in notified for event in events}
    ledger = tables.ledger.c
    with site.database.engine.connect() as connection:
        entries = connection.execute(select(ledger.patient_id).order_by(ledger.operation_id, ledger.patient_id))
        expected = [f"http://localhost/fhir/Patient/{row.patient_id}" for row in entries]
    assert [by_number[number]["patient"] for number in range(1, arrived + 1)] == expected
    assert {by_number[number]["change"] for number in range(1, patients + 1)} == {"added"}
    assert {by_number[number]["change"] for number in range(patients + 1, arrived + 1)} == {"moved"}
    assert sum(map(len, notified)) > arrived  # what was in doubt came again
