"""Subscriptions: a client is sent what happens on its panels, numbered, in order, and nothing of other panels."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from cpar_plugin.hooks import Actor, Job, Plugins
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.health import after_restore
from cpar_plugin.services.panels import one_patient
from cpar_plugin.settings import load
from cpar_plugin.store import tables
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

from .clients import KeyPair, Registered, key_set
from .receiver import BACKPORT, TOPIC, Receiver, events_of, receiver, status_of, subscription, value  # noqa: F401
from .recorded import GIVEN_OUT, PATIENT
from .rest import BASE, Json, Reader

SCOPES = "system/*.rs system/Subscription.cruds"
OPTIONS = {"subscription_private_networks": "yes", "subscription_seconds": "60", "secret_key": "made by chance"}
Check = Callable[[Json], None]


class Clinic:
    """The application with its jobs, which run when a test says so."""

    def __init__(self, site: OscarHost, options: dict[str, str]) -> None:
        plugins = Plugins()
        plugins.load_installed()
        self.host = replace(site, settings={**OPTIONS, **options})
        self.app = create_app(self.host, plugins)
        self._jobs: dict[str, Job] = {job.name: job for job in plugins.emr_scheduled_jobs(self.host)}

    def work(self, job: str = "cpar-subscriptions") -> None:
        self._jobs[job].run(self.host.clock.now())


@pytest.fixture
def make_clinic(site: OscarHost) -> Callable[..., Clinic]:
    return lambda **options: Clinic(site, options)


@pytest.fixture
def clinic(make_clinic: Callable[..., Clinic]) -> Clinic:
    return make_clinic()


@pytest.fixture
def app(clinic: Clinic) -> Flask:
    return clinic.app


@pytest.fixture
def subscriber_for(reader_for: Callable[..., Reader]) -> Callable[..., Reader]:
    return lambda name, **rest: reader_for(name, **{"scopes": SCOPES, **rest})


@pytest.fixture
def subscriber(subscriber_for: Callable[..., Reader]) -> Reader:
    return subscriber_for("Network")


@pytest.fixture
def ada(oscar: Any) -> int:
    patient_id: int = oscar.patient(last_name="Long", first_name="Ada", hin="100000004")
    return patient_id


def post(sender: Reader, resource: Any, path: str = "/Subscription", method: str = "POST") -> TestResponse:
    data = resource if isinstance(resource, bytes) else orjson.dumps(resource)
    return sender.send(method, path, data=data, content_type="application/fhir+json")


def subscribed(clinic: Clinic, sender: Reader, *arguments: Any, **rest: Any) -> str:
    """An active subscription's id."""
    answer = post(sender, subscription(*arguments, **rest))
    assert answer.status_code == 201, answer.text
    clinic.work()
    resource_id = str(orjson.loads(answer.data)["id"])
    assert sender.json(f"/Subscription/{resource_id}")["status"] == "active"
    return resource_id


def shown(event: Json) -> tuple[Any, ...]:
    return int(event["event-number"]), event.get("change"), event.get("focus"), event.get("additional-context")


def renamed(oscar: Any, patient_id: int, **columns: Any) -> None:
    """The EMR changes the record."""
    table = oscar.tables.demographic
    with oscar.database.writing() as connection:
        connection.execute(update(table).where(table.c.demographic_no == patient_id).values(columns))


def test_a_receiver_is_asked_first_and_then_sent_each_change_with_its_number(
    clinic: Clinic,
    clerk: Actor,
    oscar: Any,
    subscriber: Reader,
    receiver: Receiver,  # noqa: F811
    panel: int,
    ada: int,
    make_panel: Callable[..., int],
    clock: FixedClock,
    check_r4: Check,
) -> None:
    resource_id = subscribed(clinic, subscriber, receiver.address)
    [handshake] = receiver.bundles
    check_r4(handshake)
    status = status_of(handshake)
    assert value(status, "type") == "handshake"
    assert value(status, "status") == "requested"
    assert value(status, "events-since-subscription-start") == "0"
    assert value(status, "subscription") == f"{BASE}/Subscription/{resource_id}"
    other, host = make_panel("0043", "103"), clinic.host
    one_patient.choose(host, clerk, ada, panel, seen_panel_id=None)
    one_patient.choose(host, clerk, ada, other, seen_panel_id=panel)
    clinic.work()
    clinic.work("cpar-fhir")
    renamed(oscar, ada, first_name="Adele")
    clinic.work("cpar-fhir")
    clinic.work("cpar-fhir")
    clock.move_to(clock.now() + timedelta(days=1))
    one_patient.confirm(host, clerk, ada, seen_panel_id=other)
    clinic.work()
    one_patient.remove(host, clerk, ada, seen_panel_id=other)
    clinic.work()
    patient, group, group_2 = f"{BASE}/Patient/{ada}", f"{BASE}/Group/{panel}", f"{BASE}/Group/{other}"
    assert [shown(event) for event in receiver.events()] == [
        (1, "added", patient, group),
        (2, "moved", patient, group_2),
        (3, "confirmed", patient, group_2),
        (4, "changed", patient, group_2),
        (5, "removed", patient, group_2),
    ]
    for bundle in receiver.of("event-notification"):
        check_r4(bundle)
        assert bundle["type"] == "history"
        assert bundle["entry"][0]["request"]["url"] == f"{BASE}/Subscription/{resource_id}/$status"


def test_a_client_is_sent_what_happens_on_its_panels_alone(
    clinic: Clinic,
    clerk: Actor,
    subscriber_for: Callable[..., Reader],
    receiver: Receiver,  # noqa: F811
    panel: int,
    ada: int,
    make_panel: Callable[..., int],
) -> None:
    other, third = make_panel("0043", "103"), make_panel("0044", "103")
    subscribed(clinic, subscriber_for("Of one", panels=(panel,)), receiver.address)
    host = clinic.host
    for before, after in ((None, panel), (panel, other), (other, third), (third, panel)):
        one_patient.choose(host, clerk, ada, after, seen_panel_id=before)
    clinic.work()
    assert [event["change"] for event in receiver.events()] == ["added", "removed", "added"]
    assert {event["additional-context"] for event in receiver.events()} == {f"{BASE}/Group/{panel}"}
    assert receiver.numbers() == [1, 2, 3]


def test_a_subscription_may_be_about_some_of_the_panels(
    clinic: Clinic,
    clerk: Actor,
    subscriber: Reader,
    subscriber_for: Callable[..., Reader],
    receiver: Receiver,  # noqa: F811
    panel: int,
    ada: int,
    make_panel: Callable[..., int],
) -> None:
    other = make_panel("0043", "103")
    resource_id = subscribed(clinic, subscriber, receiver.address, panels=f"Group?_id={other}")
    stored = subscriber.json(f"/Subscription/{resource_id}")
    assert stored["_criteria"]["extension"][0]["valueString"] == f"Group?_id={other}"
    one_patient.choose(clinic.host, clerk, ada, panel, seen_panel_id=None)
    one_patient.choose(clinic.host, clerk, ada, other, seen_panel_id=panel)
    clinic.work()
    assert [event["change"] for event in receiver.events()] == ["added"]
    for sender, wrong in ((subscriber, 999), (subscriber_for("Of one", panels=(panel,)), other)):
        answer = post(sender, subscription(receiver.address, panels=f"Group?_id={wrong}"))
        assert answer.status_code == 422
        assert "criteria" in answer.text


def test_an_empty_notification_says_numbers_and_no_one(
    clinic: Clinic,
    clerk: Actor,
    subscriber: Reader,
    receiver: Receiver,  # noqa: F811
    panel: int,
    ada: int,
) -> None:
    subscribed(clinic, subscriber, receiver.address, "empty")
    one_patient.choose(clinic.host, clerk, ada, panel, seen_panel_id=None)
    clinic.work()
    [bundle] = receiver.of("event-notification")
    [event] = events_of(bundle)
    assert set(event) == {"event-number", "timestamp"}
    assert len(bundle["entry"]) == 1
    assert "Patient" not in orjson.dumps(bundle).decode()
    assert reads(clinic) == []


def reads(clinic: Clinic) -> list[tuple[Any, ...]]:
    """Each look by a notification: who, of which kind, which subscription, whom."""
    read = tables.read.c
    query = GIVEN_OUT.where(read.interaction == "notification")
    query = query.with_only_columns(read.actor_id, read.kind, read.resource_id, PATIENT)
    with clinic.host.database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_a_whole_notification_has_the_patient_and_their_place_on_the_panel_and_is_recorded(
    clinic: Clinic,
    clerk: Actor,
    oscar: Any,
    subscriber: Reader,
    receiver: Receiver,  # noqa: F811
    panel: int,
    people: dict[str, int],
    ada: int,
    check_r4: Check,
) -> None:
    resource_id = subscribed(clinic, subscriber, receiver.address, "full-resource")
    one_patient.choose(clinic.host, clerk, ada, panel, seen_panel_id=None)
    one_patient.remove(clinic.host, clerk, people["oscar"], seen_panel_id=panel)
    clinic.work()
    [bundle] = receiver.of("event-notification")
    check_r4(bundle)
    entries = {entry["fullUrl"]: entry for entry in bundle["entry"][1:]}
    patient = entries[f"{BASE}/Patient/{ada}"]
    assert patient["resource"] == subscriber.json(f"/Patient/{ada}")
    assert entries[f"{BASE}/Patient/{people['oscar']}"]["request"]["method"] == "DELETE"
    assert "resource" not in entries[f"{BASE}/Patient/{people['oscar']}"]
    group = entries[f"{BASE}/Group/{panel}"]["resource"]
    assert [member["entity"]["reference"] for member in group["member"]] == [f"Patient/{ada}"]
    whole = subscriber.json(f"/Group/{panel}")
    assert group["member"][0] in whole["member"]
    assert group["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert len(entries) == 3
    expected = [("client-1", "Patient", resource_id, key) for key in sorted((ada, people["oscar"]))]
    assert reads(clinic) == expected


def test_who_does_not_take_it_is_sent_the_same_again_with_growing_pauses_and_nothing_later_before(
    clinic: Clinic,
    clerk: Actor,
    subscriber: Reader,
    receiver: Receiver,  # noqa: F811
    panel: int,
    people: dict[str, int],
    clock: FixedClock,
) -> None:
    size = {"extension": [{"url": f"{BACKPORT}backport-max-count", "valuePositiveInt": 2}]}
    resource_id = subscribed(clinic, subscriber, receiver.address, channel=size)
    for patient_id in people.values():
        one_patient.remove(clinic.host, clerk, patient_id, seen_panel_id=panel)
    receiver.statuses = [200, 500, 301, 404]
    clinic.work()
    assert receiver.numbers() == [1, 2]
    shown_status = subscriber.json(f"/Subscription/{resource_id}")
    assert "status 500" in shown_status["error"]
    for seconds, expected in ((0, [1, 2]), (1, [1, 2]), (1, [1, 2]), (1, [1, 2]), (4, [1, 2, 3, 4, 5])):
        clock.move_to(clock.now() + timedelta(seconds=seconds))
        clinic.work()
        assert receiver.numbers() == expected
    assert [len(events_of(bundle)) for bundle in receiver.of("event-notification")] == [2, 2, 1]
    assert "error" not in subscriber.json(f"/Subscription/{resource_id}")


def test_after_a_day_of_failures_alone_it_is_in_error_and_once_activated_goes_on_at_the_next_number(
    clinic: Clinic,
    clerk: Actor,
    subscriber_for: Callable[..., Reader],
    receiver: Receiver,  # noqa: F811
    panel: int,
    people: dict[str, int],
    clock: FixedClock,
    registered: Callable[..., Registered],
) -> None:
    client = registered("Network", scopes=SCOPES)

    def sender() -> Reader:
        return Reader(clinic.app, client.token(SCOPES))

    resource_id = subscribed(clinic, sender(), receiver.address)
    remaining = [*people.values()]

    def remove_one() -> None:
        one_patient.remove(clinic.host, clerk, remaining.pop(), seen_panel_id=panel)

    def states() -> tuple[str, str]:
        status = status_of(sender().json(f"/Subscription/{resource_id}/$status"))
        return value(status, "status"), value(status, "events-since-subscription-start")

    remove_one()
    clinic.work()
    remove_one()
    receiver.statuses = [503] * 1000
    for _ in range(23):
        clinic.work()
        clock.move_to(clock.now() + timedelta(hours=1))
    assert states() == ("active", "2")
    clock.move_to(clock.now() + timedelta(hours=1))
    clinic.work()
    assert states() == ("error", "2")
    remove_one()
    clock.move_to(clock.now() + timedelta(hours=1))
    count = len(receiver.statuses)
    clinic.work()
    assert len(receiver.statuses) == count  # nothing was sent
    assert states() == ("error", "3")
    stored = sender().json(f"/Subscription/{resource_id}")
    assert "503" in stored["error"]
    receiver.statuses = []
    answer = post(sender(), {**stored, "status": "requested"}, f"/Subscription/{resource_id}", "PUT")
    assert answer.status_code == 200, answer.text
    clinic.work()
    assert states() == ("active", "3")
    assert receiver.numbers() == [1, 2, 3]
    assert len(receiver.of("handshake")) == 2


def test_a_receiver_that_does_not_take_the_first_notification_is_in_error_at_once(
    clinic: Clinic,
    subscriber: Reader,
    receiver: Receiver,  # noqa: F811
    panel: int,
) -> None:
    receiver.statuses = [307]
    resource_id = str(orjson.loads(post(subscriber, subscription(receiver.address)).data)["id"])
    assert subscriber.json(f"/Subscription/{resource_id}")["status"] == "requested"
    clinic.work()
    stored = subscriber.json(f"/Subscription/{resource_id}")
    assert (stored["status"], receiver.bundles) == ("error", [])
    assert "status 307" in stored["error"]


def test_when_nothing_happens_a_heartbeat_says_so(
    clinic: Clinic,
    clerk: Actor,
    subscriber: Reader,
    receiver: Receiver,  # noqa: F811
    panel: int,
    ada: int,
    clock: FixedClock,
) -> None:
    beats = {"extension": [{"url": f"{BACKPORT}backport-heartbeat-period", "valueUnsignedInt": 120}]}
    subscribed(clinic, subscriber, receiver.address, channel=beats)
    one_patient.choose(clinic.host, clerk, ada, panel, seen_panel_id=None)
    for _ in range(5):
        clinic.work()
        clock.move_to(clock.now() + timedelta(seconds=60))
    kinds = [value(status_of(bundle), "type") for bundle in receiver.bundles]
    assert kinds == ["handshake", "event-notification", "heartbeat", "heartbeat"]
    assert value(status_of(receiver.bundles[-1]), "events-since-subscription-start") == "1"


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ("system/Subscription.c system/Group.r", {"create"}),
        ("system/Subscription.r", {"read", "status"}),
        ("system/Subscription.u system/Group.r", {"update"}),
        ("system/Subscription.d", {"delete"}),
        ("system/Subscription.s", {"search", "statuses"}),
        ("system/Subscription.c", set()),
        ("system/*.rs", set()),
        ("system/Subscription.crud system/Group.r", {"create", "read", "status", "update", "delete"}),
    ],
)
@pytest.mark.databases("one")
def test_each_letter_of_the_scope_is_for_one_thing(
    clinic: Clinic,
    registered: Callable[..., Registered],
    receiver: Receiver,  # noqa: F811
    scopes: str,
    allowed: set[str],
) -> None:
    client = registered("Network", scopes=SCOPES)
    whole, sender = (Reader(clinic.app, client.token(one)) for one in (SCOPES, scopes))
    resource_id = str(orjson.loads(post(whole, subscription(receiver.address)).data)["id"])
    one, body = f"/Subscription/{resource_id}", {**subscription(receiver.address), "id": resource_id}
    statuses = {
        "create": post(sender, subscription(receiver.address)).status_code,
        "read": sender.get(one).status_code,
        "status": sender.get(f"{one}/$status").status_code,
        "search": sender.get("/Subscription").status_code,
        "statuses": sender.get("/Subscription/$status").status_code,
        "update": post(sender, body, one, "PUT").status_code,
        "delete": sender.send("DELETE", one).status_code,
    }
    assert {name for name, status in statuses.items() if status < 300} == allowed
    assert {status for name, status in statuses.items() if status >= 300} <= {403}


def test_subscriptions_are_their_clients_own_and_no_persons(
    clinic: Clinic,
    subscriber: Reader,
    subscriber_for: Callable[..., Reader],
    receiver: Receiver,  # noqa: F811
) -> None:
    resource_id = subscribed(clinic, subscriber, receiver.address)
    other = subscriber_for("Other")
    one = f"/Subscription/{resource_id}"
    for answer in (
        other.get(one),
        other.get(f"{one}/$status"),
        other.get(f"{one}/$events"),
        other.send("DELETE", one),
        post(other, {**subscription(receiver.address), "id": resource_id}, one, "PUT"),
    ):
        assert answer.status_code == 404, answer.text
    assert other.json("/Subscription")["total"] == 0
    assert other.json("/Subscription/$status")["total"] == 0
    assert subscriber.ids("/Subscription", {"url": receiver.address}) == [resource_id]
    assert subscriber.ids("/Subscription", {"url": receiver.address[:-1]}) == []
    assert subscriber.ids("/Subscription", {"status": "active", "criteria": TOPIC}) == [resource_id]
    assert subscriber.ids("/Subscription", {"status": "error"}) == []
    assert subscriber.json("/Subscription/$status", {"status": "error"})["total"] == 0
    assert subscriber.json("/Subscription/$status", {"id": resource_id})["total"] == 1


def _payload(**changes: Any) -> Json:
    return {"channel": changes}


@pytest.mark.databases("one")
@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"criteria": "https://example.org/topic"}, "criteria"),
        ({"criteria": None}, "criteria"),
        ({"reason": None}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"status": "error"}, "status"),
        ({"status": "off"}, "status"),
        ({"end": "2020-01-01T00:00:00Z"}, "end"),
        ({"end": "tomorrow"}, "end"),
        ({"panels": "Patient?_id=5"}, "criteria"),
        ({"panels": "Group?_id=5&name=x"}, "criteria"),
        ({"modifierExtension": []}, "Subscription"),
        (_payload(type="websocket"), "channel.type"),
        (_payload(payload="application/fhir+xml"), "channel.payload"),
        (_payload(_payload=None), "channel.payload"),
        (_payload(endpoint="http://example.org/x"), "channel.endpoint"),
        (_payload(endpoint="https://user@example.org/x"), "channel.endpoint"),
        (_payload(endpoint="file:///etc/passwd"), "channel.endpoint"),
        (_payload(endpoint=5), "channel.endpoint"),
        (_payload(header="Authorization: x"), "channel.header"),
        (_payload(header=["Host: example.org"]), "channel.header"),
        (_payload(header=["X: a\r\nY: b"]), "channel.header"),
        (_payload(header=["X: ***"]), "channel.header"),
        (_payload(extension=[{"url": f"{BACKPORT}backport-heartbeat-period", "valueUnsignedInt": 5}]), "channel"),
        (_payload(extension=[{"url": f"{BACKPORT}backport-timeout", "valueUnsignedInt": "5"}]), "channel"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_element(
    subscriber: Reader,
    receiver: Receiver,  # noqa: F811
    changes: dict[str, Any],
    name: str,
) -> None:
    answer = post(subscriber, subscription(receiver.address, **changes))
    assert answer.status_code == 422, answer.text
    assert orjson.loads(answer.data)["issue"][0]["diagnostics"].startswith(name)


@pytest.mark.databases("one")
def test_bodies_that_are_no_subscription_are_refused(subscriber: Reader, receiver: Receiver) -> None:  # noqa: F811
    assert post(subscriber, b"{").status_code == 400
    assert post(subscriber, b"[]").status_code == 422
    assert post(subscriber, {"resourceType": "Patient"}).status_code == 422
    answer = subscriber.send("POST", "/Subscription", data=b"{}", content_type="text/plain")
    assert answer.status_code == 415


def test_headers_are_sent_and_neither_shown_nor_stored_in_the_clear(
    clinic: Clinic,
    subscriber: Reader,
    receiver: Receiver,  # noqa: F811
) -> None:
    secret = "Bearer of-the-receiver"
    headers = {"header": [f"Authorization: {secret}", "X-Clinic: 7"]}
    resource_id = subscribed(clinic, subscriber, receiver.address, channel=headers)
    assert receiver.headers[0]["Authorization"] == secret
    assert receiver.headers[0]["Content-Type"] == "application/fhir+json"
    stored = subscriber.json(f"/Subscription/{resource_id}")
    assert stored["channel"]["header"] == ["Authorization: ***", "X-Clinic: ***"]
    with clinic.host.database.engine.connect() as connection:
        row = connection.execute(select(tables.subscription)).one()
    assert secret.encode() not in row.headers
    # What was read is sent back: the values remain.
    assert post(subscriber, stored, f"/Subscription/{resource_id}", "PUT").status_code == 200
    clinic.work()
    assert [each["Authorization"] for each in receiver.headers] == [secret, secret]


def test_without_a_secret_of_the_server_no_secret_is_taken(
    make_clinic: Callable[..., Clinic],
    registered: Callable[..., Registered],
    receiver: Receiver,  # noqa: F811
) -> None:
    client = registered("Network", scopes=SCOPES)
    sender = Reader(make_clinic(secret_key="").app, client.token(SCOPES))
    answer = post(sender, subscription(receiver.address, channel={"header": ["Authorization: x"]}))
    assert answer.status_code == 422
    assert post(sender, subscription(receiver.address)).status_code == 201


def test_nothing_is_sent_to_addresses_that_are_not_public(
    make_clinic: Callable[..., Clinic],
    registered: Callable[..., Registered],
    receiver: Receiver,  # noqa: F811
) -> None:
    clinic = make_clinic(subscription_private_networks="no")
    sender = Reader(clinic.app, registered("Network", scopes=SCOPES).token(SCOPES))
    assert post(sender, subscription(receiver.address)).status_code == 422
    answer = post(sender, subscription(receiver.address.replace("http:", "https:")))
    assert answer.status_code == 201
    clinic.work()
    stored = sender.json(f"/Subscription/{orjson.loads(answer.data)['id']}")
    assert stored["status"] == "error"
    assert "private network" in stored["error"]


def test_earlier_events_are_read_again_by_their_numbers(
    clinic: Clinic,
    clerk: Actor,
    subscriber: Reader,
    receiver: Receiver,  # noqa: F811
    panel: int,
    people: dict[str, int],
) -> None:
    resource_id = subscribed(clinic, subscriber, receiver.address, "empty")
    for patient_id in people.values():
        one_patient.remove(clinic.host, clerk, patient_id, seen_panel_id=panel)
    clinic.work()
    path = f"/Subscription/{resource_id}/$events"
    bundle = subscriber.json(path, {"eventsSinceNumber": 2, "eventsUntilNumber": 4, "content": "id-only"})
    assert [int(event["event-number"]) for event in events_of(bundle)] == [2, 3, 4]
    assert [event["focus"] for event in events_of(bundle)] == [
        f"{BASE}/Patient/{patient_id}" for patient_id in list(people.values())[1:4]
    ]
    assert value(status_of(bundle), "type") == "query-event"
    posted = {"resourceType": "Parameters", "parameter": [{"name": "eventsSinceNumber", "valueString": "5"}]}
    answer = post(subscriber, posted, path)
    assert [event["event-number"] for event in events_of(orjson.loads(answer.data))] == ["5"]
    assert subscriber.get(path, {"eventsSinceNumber": "x"}).status_code == 400
    assert subscriber.get(path, {"content": "all"}).status_code == 400


def test_one_that_was_removed_is_gone_and_one_that_has_ended_is_off(
    clinic: Clinic,
    clerk: Actor,
    registered: Callable[..., Registered],
    receiver: Receiver,  # noqa: F811
    panel: int,
    ada: int,
    clock: FixedClock,
) -> None:
    client = registered("Network", scopes=SCOPES)
    sender = Reader(clinic.app, client.token(SCOPES))
    removed = subscribed(clinic, sender, receiver.address)
    one_patient.choose(clinic.host, clerk, ada, panel, seen_panel_id=None)
    clinic.work()
    assert sender.send("DELETE", f"/Subscription/{removed}").status_code == 204
    assert sender.get(f"/Subscription/{removed}").status_code == 404
    end = (clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ended = subscribed(clinic, sender, receiver.address, end=end)
    clock.move_to(clock.now() + timedelta(hours=1))
    one_patient.remove(clinic.host, clerk, ada, seen_panel_id=panel)
    clinic.work()
    again = Reader(clinic.app, client.token(SCOPES))
    assert again.json(f"/Subscription/{ended}")["status"] == "off"
    assert receiver.numbers() == [1]


def test_one_that_was_off_goes_on_with_what_happened_to_memberships_in_between(
    clinic: Clinic,
    clerk: Actor,
    subscriber: Reader,
    receiver: Receiver,  # noqa: F811
    panel: int,
    ada: int,
) -> None:
    resource_id = subscribed(clinic, subscriber, receiver.address)
    path, body = f"/Subscription/{resource_id}", {**subscription(receiver.address), "id": resource_id}
    assert post(subscriber, {**body, "status": "off"}, path, "PUT").status_code == 200
    one_patient.choose(clinic.host, clerk, ada, panel, seen_panel_id=None)
    clinic.work()
    assert receiver.numbers() == []
    assert post(subscriber, body, path, "PUT").status_code == 200
    clinic.work()
    assert [shown(event)[:2] for event in receiver.events()] == [(1, "added")]


def test_what_was_not_sent_of_a_panel_that_the_client_has_lost_keeps_its_number_alone(
    clinic: Clinic,
    clerk: Actor,
    registered: Callable[..., Registered],
    receiver: Receiver,  # noqa: F811
    panel: int,
    ada: int,
    make_panel: Callable[..., int],
    rsa: KeyPair,
) -> None:
    other = make_panel("0043", "103")
    client = registered("Network", scopes=SCOPES, panels=(panel, other))
    subscribed(clinic, Reader(clinic.app, client.token(SCOPES)), receiver.address)
    one_patient.choose(clinic.host, clerk, ada, panel, seen_panel_id=None)
    receiver.statuses = [500]
    clinic.work()
    draft = ClientDraft(name="Network", scopes=SCOPES, jwks=key_set(rsa), panels=(other,))
    registry.change(clinic.host, clerk, client.client_id, 1, draft)
    one_patient.choose(clinic.host, clerk, ada, other, seen_panel_id=panel)
    clinic.host.clock.move_to(clinic.host.clock.now() + timedelta(minutes=1))  # type: ignore[attr-defined]
    clinic.work()
    first, second = receiver.events()
    assert set(first) == {"event-number", "timestamp"}
    assert shown(second)[:2] == (2, "added")


def test_a_client_that_is_revoked_or_has_lost_the_scope_is_sent_nothing(
    clinic: Clinic,
    clerk: Actor,
    registered: Callable[..., Registered],
    receiver: Receiver,  # noqa: F811
    panel: int,
    people: dict[str, int],
    rsa: KeyPair,
) -> None:
    revoked, narrowed = (registered(name, scopes=SCOPES) for name in ("A", "B"))
    for client in (revoked, narrowed):
        subscribed(clinic, Reader(clinic.app, client.token(SCOPES)), receiver.address)
    registry.revoke(clinic.host, clerk, revoked.client_id)
    draft = ClientDraft(name="B", scopes="system/Group.rs", jwks=key_set(rsa))
    registry.change(clinic.host, clerk, narrowed.client_id, 1, draft)
    one_patient.remove(clinic.host, clerk, people["oscar"], seen_panel_id=panel)
    clinic.work()
    assert receiver.numbers() == []
    with clinic.host.database.engine.connect() as connection:
        rows = connection.execute(select(tables.subscription).order_by(tables.subscription.c.subscription_id)).all()
    assert [row.status for row in rows] == ["active", "error"]
    assert "system/Subscription.c" in rows[1].failure


def test_a_bulk_operation_comes_in_few_notifications_and_a_worker_that_died_is_made_up_for(
    clinic: Clinic,
    clerk: Actor,
    oscar: Any,
    subscriber: Reader,
    receiver: Receiver,  # noqa: F811
    panel: int,
    clock: FixedClock,
) -> None:
    subscribed(clinic, subscriber, receiver.address)
    with oscar.at_once():
        for number in range(250):
            oscar.patient(last_name=f"P{number}", hin="")
    bulk.carry_out(clinic.host, clerk, bulk.Assign("101", "AC", panel))
    clinic.work()
    assert receiver.numbers() == list(range(1, 251))
    assert [len(events_of(bundle)) for bundle in receiver.of("event-notification")] == [100, 100, 50]
    # A worker died after the receiver took the last one, and before it could say so.
    row = tables.subscription.c
    with clinic.host.database.session() as session:
        values = {"sent_number": 200, "claim": "dead", "claimed_until": clock.now() + timedelta(minutes=5)}
        session.execute(update(tables.subscription).values(values).where(row.sent_number == 250))
    clinic.work()
    assert receiver.numbers()[-1] == 250
    clock.move_to(clock.now() + timedelta(minutes=6))
    clinic.work()
    assert receiver.numbers()[250:] == list(range(201, 251))


def test_events_are_kept_for_a_time_and_what_is_no_longer_kept_leaves_a_gap(
    clinic: Clinic,
    clerk: Actor,
    registered: Callable[..., Registered],
    receiver: Receiver,  # noqa: F811
    panel: int,
    people: dict[str, int],
    clock: FixedClock,
) -> None:
    client = registered("Network", scopes=SCOPES)
    resource_id = subscribed(clinic, Reader(clinic.app, client.token(SCOPES)), receiver.address)
    receiver.statuses = [500] * 2
    one_patient.remove(clinic.host, clerk, people["oscar"], seen_panel_id=panel)
    clinic.work()
    clock.move_to(clock.now() + timedelta(days=31))
    clinic.work("cpar-retention")
    clinic.work()
    sender = Reader(clinic.app, client.token(SCOPES))
    stored = sender.json(f"/Subscription/{resource_id}")
    assert stored["status"] == "error"
    one_patient.remove(clinic.host, clerk, people["helene"], seen_panel_id=panel)
    assert post(sender, {**stored, "status": "requested"}, f"/Subscription/{resource_id}", "PUT").status_code == 200
    clinic.work()
    assert receiver.numbers() == [2]


def test_after_a_restore_no_number_is_given_twice_for_every_subscription_is_off(
    clinic: Clinic,
    clerk: Actor,
    subscriber: Reader,
    receiver: Receiver,  # noqa: F811
    registered: Callable[..., Registered],
) -> None:
    client = registered("Second", scopes=SCOPES)
    resource_id = subscribed(clinic, Reader(clinic.app, client.token(SCOPES)), receiver.address)
    settings = load(clinic.host.settings)
    after_restore.carry_out(clinic.host, settings, clerk, hold_clients=False, hold_submissions=False)
    sender = Reader(clinic.app, client.token(SCOPES))
    stored = sender.json(f"/Subscription/{resource_id}")
    assert stored["status"] == "off"
    assert "backup" in stored["error"]
    answer = post(sender, {**stored, "status": "requested"}, f"/Subscription/{resource_id}", "PUT")
    assert answer.status_code == 422
