"""What HTTP asks of the interface, seen by clients as simple as they come: connections, lengths, compression."""

import datetime as dt
import gzip
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
import requests

from cpar_plugin.host_kit.clock import FixedClock
from oscar_host.host import OscarHost

from .clients import Registered
from .server import running

pytestmark = pytest.mark.databases("one")


@dataclass(frozen=True)
class Answer:
    """One answer, as it came over the connection."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """A connection on which requests are sent one after the other. It reads what belongs to an answer, and no more."""

    def __init__(self, address: str, token: str) -> None:
        split = urlsplit(address)
        self._host, self._token = split.netloc, token
        self._socket = socket.create_connection((split.hostname, split.port), timeout=120)
        self._lines = self._socket.makefile("rb")

    def send(self, method: str, path: str, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        lines = {"Host": self._host, "Authorization": f"Bearer {self._token}", **named}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._socket.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1"))
        status = int(self._lines.readline().split()[1])
        answered = dict(line.decode().rstrip().split(": ", 1) for line in iter(self._lines.readline, b"\r\n"))
        return Answer(status, answered, b"" if method == "HEAD" or status in (204, 304) else self._body(answered))

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("Transfer-Encoding") != "chunked":
            return self._lines.read(int(headers["Content-Length"]))
        body = b""
        while size := int(self._lines.readline(), 16):
            body += self._lines.read(size)
            self._lines.read(2)
        self._lines.readline()
        return body

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


@dataclass(frozen=True)
class Served:
    """A server in a process of its own, and a client's token for it."""

    fhir: str
    token: str
    client: Registered
    panel: int
    patient: int


@pytest.fixture
def server(
    site: OscarHost,
    clock: FixedClock,
    panel: int,
    people: dict[str, int],
    registered: Callable[..., Registered],
    environment: dict[str, str],
    tmp_path: Path,
) -> Iterator[Served]:
    """The embedded EMR, as `cpar serve` serves it."""
    clock.move_to(dt.datetime.now(dt.UTC))
    client = registered()
    with running(environment, tmp_path) as fhir:
        yield Served(fhir, token_of(client, fhir), client, panel, people["helene"])


@pytest.fixture
def connection(server: Served) -> Iterator[Connection]:
    """One connection for the whole test: what is misunderstood in one answer spoils the next."""
    one = Connection(server.fhir, server.token)
    yield one
    one.close()


def token_of(client: Registered, fhir: str, **headers: str) -> str:
    now = int(dt.datetime.now(dt.UTC).timestamp())
    form = client.form(client.pair.sign(client.claims(aud=f"{fhir}/token", exp=now + 240)))
    answer = requests.post(f"{fhir}/token", data=form, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def addresses(server: Served) -> list[str]:
    return [
        f"/fhir/Patient/{server.patient}",
        f"/fhir/Group/{server.panel}",
        f"/fhir/Group/{server.panel}?_summary=true",
        "/fhir/Group",
        "/fhir/Patient",
        "/fhir/Patient?_count=1",
        "/fhir/Patient?_summary=count",
        "/fhir/Organization/clinic",
        "/fhir/metadata",
        "/fhir/openapi.json",
        "/fhir/.well-known/smart-configuration",
        "/fhir/Patient/999999",
        "/fhir/Patient?gender:wrong=x",
        "/fhir/token",
        "/fhir/Nothing",
    ]


def test_head_says_what_get_says_and_no_length_that_get_has_not(server: Served, connection: Connection) -> None:
    for encoding, address in product(("identity", "gzip"), addresses(server)):
        head = connection.send("HEAD", address, Accept_Encoding=encoding)
        whole = connection.send("GET", address, Accept_Encoding=encoding)
        assert (head.status, head.body) == (whole.status, b""), address
        assert head.headers.get("Content-Length", str(len(whole.body))) == str(len(whole.body)), address
        for name in ("Content-Type", "Content-Encoding", "ETag", "Last-Modified", "Vary", "Keep-Alive"):
            assert head.headers.get(name) == whole.headers.get(name), (address, name)
        if encoding == "identity":
            assert "Content-Encoding" not in whole.headers
    heads_of_files(connection)


def heads_of_files(connection: Connection) -> None:
    kicked = connection.send("GET", "/fhir/$export", Accept="application/fhir+json", Prefer="respond-async")
    assert kicked.status == 202
    address = urlsplit(kicked.headers["Content-Location"]).path
    manifest = connection.send("GET", address)
    while manifest.status == 202:
        manifest = connection.send("GET", address)
    for file in orjson.loads(manifest.body)["output"]:
        path = urlsplit(file["url"]).path
        whole, head = (connection.send(method, path) for method in ("GET", "HEAD"))
        assert head.headers["Content-Length"] == whole.headers["Content-Length"] == str(len(whole.body))
        zipped, head = (connection.send(method, path, Accept_Encoding="gzip") for method in ("GET", "HEAD"))
        assert gzip.decompress(zipped.body) == whole.body
        assert head.headers["Content-Encoding"] == "gzip"
        assert "Content-Length" not in head.headers


def test_reads_are_compressed_for_those_who_ask_and_their_version_is_the_same(
    server: Served, connection: Connection
) -> None:
    for address in (f"/fhir/Group/{server.panel}", "/fhir/Patient", "/fhir/metadata", "/fhir/openapi.json"):
        plain = connection.send("GET", address)
        zipped = connection.send("GET", address, Accept_Encoding="br, gzip")
        refused = connection.send("GET", address, Accept_Encoding="gzip;q=0, identity")
        assert zipped.headers["Content-Encoding"] == "gzip", address
        assert len(zipped.body) < len(plain.body) / 1.5
        assert "Content-Encoding" not in {**plain.headers, **refused.headers}
        for answer in (plain, zipped, refused):
            assert "Accept-Encoding" in answer.headers["Vary"]
        assert orjson.loads(gzip.decompress(zipped.body)).keys() == orjson.loads(plain.body).keys()
        assert zipped.headers.get("ETag") == plain.headers.get("ETag")
    etag = connection.send("GET", f"/fhir/Group/{server.panel}", Accept_Encoding="gzip").headers["ETag"]
    assert etag.startswith('W/"')
    for encoding in ("gzip", "identity"):
        unchanged = connection.send("GET", f"/fhir/Group/{server.panel}", Accept_Encoding=encoding, If_None_Match=etag)
        assert (unchanged.status, unchanged.headers["Vary"]) == (304, "Accept-Encoding, Origin")
    assert len(members_read_by_curl(server)) == 5
    # What fits into one packet is sent as it is.
    for address in ("/fhir/Organization/clinic", "/fhir/Patient/999999", "/fhir/Patient?_summary=count"):
        answer = connection.send("GET", address, Accept_Encoding="gzip")
        assert "Content-Encoding" not in answer.headers
        assert orjson.loads(answer.body)["resourceType"]


def members_read_by_curl(server: Served) -> list[Any]:
    command = ["curl", "--silent", "--show-error", "--fail", "--compressed", f"{server.fhir}/Group/{server.panel}"]
    done = subprocess.run(
        [*command, "--header", f"Authorization: Bearer {server.token}"], capture_output=True, check=True, timeout=120
    )
    group: dict[str, Any] = orjson.loads(done.stdout)
    return list(group["member"])


def test_a_connection_is_kept_and_the_server_says_for_how_long(server: Served, connection: Connection) -> None:
    for address in addresses(server) * 2:
        answer = connection.send("GET", address)
        assert (answer.headers["Connection"], answer.headers["Keep-Alive"]) == ("keep-alive", "timeout=75"), address
    last = connection.send("GET", "/fhir/metadata", Connection="close")
    assert last.headers["Connection"] == "close"
    assert "Keep-Alive" not in last.headers


@pytest.mark.large
def test_a_connection_can_be_used_again_after_as_long_as_the_server_said(
    server: Served, connection: Connection
) -> None:
    connection.send("GET", "/fhir/metadata")
    time.sleep(75)
    assert connection.send("GET", "/fhir/metadata").status == 200


def test_letters_of_another_encoding_in_an_address_are_refused(connection: Connection) -> None:
    for path in ("/Patient/Tr%E9mblay", "/Patient/%C3", "/%FF", "/token/%E9", "/Patient?family=Tr%E9mblay"):
        answer = connection.send("GET", f"/fhir{path}")
        assert (answer.status, orjson.loads(answer.body)["issue"][0]["code"]) == (400, "invalid"), path
    assert connection.send("GET", "/fhir/Patient/H%C3%A9l%C3%A8ne").status == 404
