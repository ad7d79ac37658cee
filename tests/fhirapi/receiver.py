"""A system that has subscribed: it takes notifications, or does not, as a test says."""

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from sqlalchemy import func, insert, select

from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from .rest import Json

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
TOPIC = "https://cpar.invalid/SubscriptionTopic/panel-membership"


class Receiver:
    """It answers what `statuses` say, one after the other, and then 200; `bundles` are those it answered with 2xx."""

    def __init__(self) -> None:
        self.bundles: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bundle = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                if status < 300:
                    receiver.bundles.append(bundle)
                    receiver.headers.append(dict(self.headers.items()))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/notified"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, kind: str) -> list[Json]:
        """Bundles of one type of notification."""
        return [bundle for bundle in self.bundles if value(status_of(bundle), "type") == kind]

    def events(self) -> list[Json]:
        """Every event that it took, in order, each as its parts by name."""
        return [event for bundle in self.of("event-notification") for event in events_of(bundle)]

    def numbers(self) -> list[int]:
        return [int(event["event-number"]) for event in self.events()]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


def status_of(bundle: Json) -> Json:
    result: Json = bundle["entry"][0]["resource"]
    return result


def _of(parameter: Json) -> Any:
    found = next(content for name, content in parameter.items() if name.startswith("value"))
    return found["reference"] if isinstance(found, dict) and "reference" in found else found


def value(status: Json, name: str) -> Any:
    """What a parameter of the status is."""
    return next((_of(each) for each in status["parameter"] if each["name"] == name), None)


def events_of(bundle: Json) -> list[Json]:
    return [
        {part["name"]: _of(part) for part in reversed(each["part"])}
        for each in status_of(bundle)["parameter"]
        if each["name"] == "notification-event"
    ]


def subscription(endpoint: str, content: str = "id-only", *, panels: str = "", **changes: Any) -> Json:
    """A Subscription as a client sends it; `channel` changes parts of the channel, a change to None drops one."""
    channel = {
        "type": "rest-hook",
        "endpoint": endpoint,
        "payload": "application/fhir+json",
        "_payload": {"extension": [{"url": f"{BACKPORT}backport-payload-content", "valueCode": content}]},
        **changes.pop("channel", {}),
    }
    resource = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "To know the panels",
        "criteria": TOPIC,
        "channel": {name: part for name, part in channel.items() if part is not None},
        **changes,
    }
    if panels:
        resource["_criteria"] = {"extension": [{"url": f"{BACKPORT}backport-filter-criteria", "valueString": panels}]}
    return {name: part for name, part in resource.items() if part is not None}


def switched_off(host: OscarHost, client_no: int = 1) -> str:
    """The id of a subscription of a client's that is off: nothing is sent for it."""
    return _stored(host, client_no, "off")[0]


def a_subscription(host: OscarHost) -> int:
    """The number of one in error, of the client that was registered last."""
    with host.database.engine.connect() as connection:
        client_no = connection.scalar(select(func.max(tables.client.c.client_id)))
    return _stored(host, client_no or 0, "error")[1]


def _stored(host: OscarHost, client_no: int, status: str) -> tuple[str, int]:
    resource_id, now = str(uuid.uuid4()), host.clock.now()
    values = {
        "resource_id": resource_id,
        "client_id": client_no,
        "base": "http://localhost/fhir",
        "status": status,
        "reason": "To know the panels",
        "endpoint": "https://receiver.example/notified",
        "header_names": "[]",
        "media_type": "application/fhir+json",
        "content": "id-only",
        "created_at": now,
        "version": 1,
        "changed_at": now.replace(microsecond=0),
        "collected_to": 0,
    }
    with host.database.session() as session:
        number = session.execute(insert(tables.subscription).values(values)).inserted_primary_key[0]  # type: ignore[attr-defined]
    return resource_id, int(number)
