"""While MariaDB is away everything says so, and comes back by itself."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from select import select

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import URL, make_url

from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.clock import FixedClock
from oscar_host.demo import app as embedded
from oscar_host.host import OscarHost, open_host

from ..conftest import Place, each_driver, place_of_the_emr
from ..signing_in import sign_in
from .conftest import CONTEXT_PATH, MANAGER, Beside

place, driver = place_of_the_emr, each_driver
AWAY = "The database is unavailable, so nothing can be shown or changed. Try again in a moment."


@pytest.fixture
def database_kind() -> str:
    """A file is always there."""
    return "mariadb"


class Way:
    """The way to the server, over a port of its own, which can be cut, or held up."""

    def __init__(self, server: URL) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._open: list[tuple[socket.socket, threading.Thread]] = []
        self._is_cut = False
        self._flows = threading.Event()
        self._flows.set()
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self._is_cut:
                    client.close()
                    continue
                carrying = threading.Thread(target=self._carry, args=(client, self._to_server()))
                self._open.append((client, carrying))
                carrying.start()

    def _to_server(self) -> socket.socket:
        path = self._server.query.get("unix_socket")
        if not path:
            return socket.create_connection((self._server.host, self._server.port or 3306))
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(path))
        return server

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with client, server, suppress(OSError):
            while True:
                for one in select(list(other), [], [])[0]:
                    sent = one.recv(65536)
                    self._flows.wait()
                    if not sent:
                        return
                    other[one].sendall(sent)

    def cut(self) -> None:
        """End every connection, and let no other through."""
        self._is_cut = True
        self._flows.set()
        for client, carrying in self._open:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            carrying.join()
        self._open.clear()

    def hold(self) -> None:
        """Let nothing more through, and end nothing: as a server does that hangs."""
        self._flows.clear()

    def restore(self) -> None:
        """Let connections through again."""
        self._is_cut = False
        self._flows.set()

    def close(self) -> None:
        """For good."""
        self.cut()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()


@pytest.fixture
def way(mariadb_server: URL) -> Iterator[Way]:
    """To the server of the tests."""
    to_server = Way(mariadb_server)
    yield to_server
    to_server.close()


@pytest.fixture
def host(place: Place, way: Way, clock: FixedClock, _mariadb_stock: object) -> Iterator[OscarHost]:
    """A host that goes this way."""
    url = make_url(place.url)
    over = url.set(host="127.0.0.1", port=way.port).difference_update_query(["unix_socket"])
    host = open_host(
        over.render_as_string(hide_password=False),
        settings={"database_connect_seconds": "5", "statement_seconds": "5"},
        host_schema=place.host_schema,
        clock=clock,
    )
    yield host
    host.database.engine.dispose()


@pytest.fixture
def beside_oscar(beside: Beside) -> Callable[[], tuple[FlaskClient, str]]:
    """The administrator at the pages beside OSCAR."""
    app = beside()

    def opened() -> tuple[FlaskClient, str]:
        client = app.test_client()
        client.set_cookie("JSESSIONID", "manager", path="/oscar")
        return client, CONTEXT_PATH

    return opened


@pytest.fixture
def in_embedded_emr(host: OscarHost, beside: Beside) -> Callable[[], tuple[FlaskClient, str]]:
    """The administrator in the embedded EMR."""
    plugins = Plugins()
    plugins.load_installed()
    app: Flask = embedded.create_app(host, plugins)

    def opened() -> tuple[FlaskClient, str]:
        client = app.test_client()
        sign_in(client, MANAGER)
        return client, "/cpar"

    return opened


@pytest.mark.parametrize("where", ["beside_oscar", "in_embedded_emr"])
def test_everything_says_that_the_database_is_away_and_comes_back_by_itself(
    where: str, way: Way, oscar: object, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    patient = oscar.patient()  # type: ignore[attr-defined]
    client, base = request.getfixturevalue(where)()
    fhir = f"{base.removesuffix('/cpar')}/fhir" if where == "in_embedded_emr" else f"{base}/fhir"
    box = f"{base}/patients/{patient}/widget"
    assert [client.get(path).status_code for path in (f"{base}/panels", box, f"{fhir}/Group")] == [200, 200, 200]
    way.cut()
    for _ in range(2):
        page = client.get(f"{base}/panels")
        assert (page.status_code, page.headers["Retry-After"]) == (503, "10")
        assert f"<p>{AWAY}</p>" in page.text
        inside = client.get(box, headers={"HX-Request": "true", "HX-Target": "cpar-widget"})
        assert (inside.status_code, re.sub("<[^>]+>", "", inside.text)) == (503, AWAY)
        read = client.get(f"{fhir}/Group")
        assert (read.status_code, read.headers["Retry-After"]) == (503, "10")
        assert read.get_json()["issue"][0]["code"] == "transient"
    assert {record.levelname for record in caplog.records if "reached" in record.message} == {"WARNING"}
    way.restore()
    assert [client.get(path).status_code for path in (f"{base}/panels", box, f"{fhir}/Group")] == [200, 200, 200]
    way.hold()
    page = client.get(f"{base}/panels")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "10")
    way.restore()
    assert client.get(f"{base}/panels").status_code == 200
