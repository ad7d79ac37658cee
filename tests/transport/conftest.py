"""Submissions in envelopes, a registry, an authority of our own, and a server that answers what a test writes."""

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson
import pytest

from cpar_plugin.transport import Envelope

from ..authority import Authority

TAKEN_AT = datetime(2026, 11, 10, 10, 0, tzinfo=UTC)
SNAPSHOT = "6f1c54a7-31c4-4d77-9a38-3d2b4d0c3b11"


def body(patients: int) -> bytes:
    """A small submission, written by hand: the clinic, the patients, the panel."""

    def entry(kind: str, value: str, **elements: Any) -> dict[str, Any]:
        return {
            "fullUrl": f"urn:uuid:{uuid5(NAMESPACE_URL, kind + value)}",
            "request": {"method": "PUT", "url": f"{kind}?identifier=https://x.invalid/{kind}%7C{value}"},
            "resource": {
                "resourceType": kind,
                "identifier": [{"system": f"https://x.invalid/{kind}", "value": value}],
                **elements,
            },
        }

    name = [{"family": "Example", "given": ["Pat"]}]
    people = [entry("Patient", f"{number:09}", name=name, gender="female") for number in range(1, patients + 1)]
    members = [{"entity": {"reference": one["fullUrl"]}} for one in people]
    return orjson.dumps(
        {
            "resourceType": "Bundle",
            "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{SNAPSHOT}"},
            "type": "transaction",
            "entry": [
                entry("Organization", "S-1"),
                *people,
                entry("Group", "0042", type="person", actual=True, member=members),
            ],
        }
    )


@pytest.fixture(scope="session")
def submission() -> bytes:
    """The body of a submission with two patients: four entries."""
    return body(2)


@pytest.fixture
def envelope() -> Callable[..., Envelope]:
    """Puts bytes, or the submission of so many patients, into an envelope; `changes` make it lie."""

    def put(content: bytes | int, **changes: Any) -> Envelope:
        whole = body(content) if isinstance(content, int) else content
        true = {
            "snapshot_id": SNAPSHOT,
            "panel_number": "0042",
            "taken_at": TAKEN_AT,
            "sha256": hashlib.sha256(whole).hexdigest(),
            "body_bytes": len(whole),
            "entries": whole.count(b'"fullUrl":'),
            "open_body": lambda: (whole[start : start + 50_000] for start in range(0, len(whole), 50_000)),
        }
        return Envelope(**(true | changes))

    return put


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class Puppet:
    """Takes one request after another whole, and answers each with the next of `answers`, raw; the last one stays."""

    def __init__(self) -> None:
        self.answers: list[bytes | Iterator[bytes]] = []
        self.requests: list[tuple[str, bytes]] = []
        self.keeps_bodies = True
        self.answers_early = False
        self.reads_on = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}/fhir"
        threading.Thread(target=self._serve, daemon=True).start()

    def answer(self, status: int, content: bytes = b"", *headers: str) -> None:
        """Answer so after those that are there already."""
        head = [f"HTTP/1.1 {status} So", f"Content-Length: {len(content)}", "Connection: close", *headers]
        self.answers.append("\r\n".join([*head, "", ""]).encode() + content)

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                self._one(connection)

    def _one(self, connection: socket.socket) -> None:
        reading = connection.makefile("rb")
        head = b"".join(iter(reading.readline, b"\r\n")).decode()
        if self.answers_early:
            for piece in self.answers[0]:
                connection.sendall(piece)
            while self.reads_on and reading.read1(100_000):
                pass
            return
        lengths = [line.partition(":")[2] for line in head.lower().splitlines() if line.startswith("content-length:")]
        length = int(lengths[0])
        if self.keeps_bodies:
            self.requests.append((head, reading.read(length)))
        else:
            while length > 0:
                length -= len(reading.read(min(length, 10_000)))
        raw = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        try:
            for piece in [raw] if isinstance(raw, bytes) else raw:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            reading.read()
        except OSError:
            return


@pytest.fixture
def puppet() -> Iterator[Puppet]:
    server = Puppet()
    yield server
    server.close()
