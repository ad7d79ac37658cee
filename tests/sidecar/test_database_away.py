"""While MariaDB is away everything says so, and comes back by itself."""

import re
from collections.abc import Callable, Iterator

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
from ..way import Way, over, to_database
from ..way import way as opened_way
from .conftest import CONTEXT_PATH, MANAGER, Beside

place, driver = place_of_the_emr, each_driver
AWAY = "The database is unavailable, so nothing can be shown or changed. Try again in a moment."


@pytest.fixture
def database_kind() -> str:
    """A file is always there."""
    return "mariadb"


@pytest.fixture
def way(mariadb_server: URL) -> Iterator[Way]:
    """To the server of the tests."""
    with opened_way(to_database(mariadb_server)) as to_server:
        yield to_server


@pytest.fixture
def host(place: Place, way: Way, clock: FixedClock, _mariadb_stock: object) -> Iterator[OscarHost]:
    """A host that goes this way."""
    host = open_host(
        over(make_url(place.url), way.port).render_as_string(hide_password=False),
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
