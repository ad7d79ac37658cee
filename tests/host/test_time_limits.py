"""Statements that take too long are ended while somebody waits for them, and a server that hangs is given up."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from flask import Blueprint, Flask
from sqlalchemy import URL, literal, select, text, union_all
from sqlalchemy.exc import OperationalError

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.host_kit.database import HostDatabase
from cpar_plugin.host_kit.faults import FaultPages, handle_faults
from cpar_plugin.host_kit.time_limits import TimeLimits, answered_within
from cpar_plugin.store.reach import is_away, took_too_long
from cpar_plugin.web.fhir.refusals import refused
from oscar_host.host import open_host

from ..conftest import Place, each_driver
from ..way import over, to_database, way

driver = each_driver

# Counts for hours where nobody ends it.
ENDLESS = text(
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
    "SELECT COUNT(*) FROM n AS a, n AS b, n AS c, n AS d WHERE a.i + b.i + c.i + d.i < 0"
)


@pytest.fixture
def impatient(place: Place) -> Iterator[HostDatabase]:
    """A database whose statements may take a fiftieth of a second while somebody waits."""
    database = HostDatabase(place.url, TimeLimits(statement_seconds=0.02))
    yield database
    database.engine.dispose()


@pytest.fixture
def app() -> Flask:
    return Flask(__name__)


def test_what_someone_waits_for_too_long_is_ended_and_the_connection_goes_on(place: Place, app: Flask) -> None:
    limits = TimeLimits(statement_seconds=0.5)  # as long may a slow machine take for a statement that takes no time
    with (
        closing(HostDatabase(place.url, limits)) as database,
        app.test_request_context(),
        database.engine.connect() as connection,
    ):
        with pytest.raises(OperationalError) as ended:
            connection.scalar(ENDLESS)
        assert took_too_long(ended.value)
        assert not is_away(ended.value)
        assert connection.scalar(text("SELECT 1")) == 1
        both = union_all(select(literal(1)), select(literal(2)))
        assert set(connection.scalars(both)) == {1, 2}


def test_what_no_one_waits_for_may_take_as_long_as_it_does(impatient: HostDatabase, app: Flask) -> None:
    long = ENDLESS.text.replace("i < 3000", "i < 30")
    with app.test_request_context(), impatient.engine.connect() as reading, pytest.raises(OperationalError):
        reading.scalar(text(long))
    with impatient.engine.connect() as of_a_job:
        assert of_a_job.scalar(text(long)) == 0
    with app.test_request_context(), impatient.writing() as writing:
        assert writing.scalar(text(long)) == 0


def test_a_user_who_waited_too_long_is_informed_by_a_page_and_by_an_outcome(
    impatient: HostDatabase, app: Flask
) -> None:
    def endless() -> str:
        with impatient.engine.connect() as connection:
            return str(connection.scalar(ENDLESS))

    app.add_url_rule("/page", "page", endless)
    blueprint = Blueprint("program", __name__)
    blueprint.add_url_rule("/Group", "group", endless)
    blueprint.register_error_handler(Exception, refused)
    app.register_blueprint(blueprint)
    handle_faults(app, FaultPages(lambda *_: "", "", lambda: "", lambda: False, lambda _: ""))
    page = app.test_client().get("/page")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "10")
    assert "<h1>This took too long</h1>" in page.text
    answer = app.test_client().get("/Group")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert answer.get_json()["issue"][0]["code"] == "timeout"


def test_a_server_that_accepts_a_connection_and_says_nothing_is_given_up(driver: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql+{driver}://cpar@127.0.0.1:{silent.getsockname()[1]}/cpar"
        host = open_host(url, settings={"database_connect_seconds": "1"})
        with pytest.raises(OperationalError) as given_up, host.database.engine.connect():
            pass
    assert is_away(given_up.value)


def test_a_server_that_is_silent_over_a_statement_is_given_up(mariadb_server: URL, driver: str) -> None:
    url = mariadb_server.set(drivername=f"mysql+{driver}", database="mysql").render_as_string(hide_password=False)
    database = HostDatabase(url, TimeLimits(database_seconds=1))
    with pytest.raises(OperationalError) as given_up, database.engine.connect() as connection:
        connection.scalar(text("SELECT SLEEP(600)"))
    assert is_away(given_up.value)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT SLEEP(0.1)")) == 0
    database.engine.dispose()


def test_a_limit_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="statement_seconds"):
        open_host("sqlite:///cpar.db", settings={"statement_seconds": "0"})


PATIENT = TimeLimits(database_connect_seconds=600, database_seconds=600)


def test_in_a_hurry_a_silent_server_is_given_up_sooner_and_asked_again_once_it_speaks(
    mariadb_server: URL, driver: str
) -> None:
    with way(to_database(mariadb_server)) as to_it:
        url = over(mariadb_server, to_it.port).set(drivername=f"mysql+{driver}", database="mysql")
        database = HostDatabase(url.render_as_string(hide_password=False), PATIENT)
        with database.engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
            to_it.hold()
            with answered_within(each=1), pytest.raises(OperationalError) as in_a_statement:
                connection.scalar(text("SELECT 1"))
        with answered_within(1), pytest.raises(OperationalError) as in_connecting:
            database.engine.connect()
        assert is_away(in_a_statement.value)
        assert is_away(in_connecting.value)
        to_it.restore()
        with database.engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        database.close()
