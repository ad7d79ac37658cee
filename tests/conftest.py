"""Databases, a host with empty tables, a small writer for the EMR's own rows, and a registry."""

import datetime as dt
import gc
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from configparser import ConfigParser
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from sqlalchemy import URL, Connection, create_engine, event, insert, make_url
from sqlalchemy.exc import OperationalError

import cpar_plugin.store.migrations
from cpar_plugin.hooks import MigrationSource
from cpar_plugin.host_kit import zone_rules
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.host_kit.database import HostDatabase
from cpar_plugin.host_kit.migrations import upgrade
from oscar_host.demo.mariadb import private_mariadb
from oscar_host.demo.rabbitmq import PrivateRabbitMQ, private_rabbitmq
from oscar_host.demo.registry.process import RunningRegistry, running
from oscar_host.host import OscarHost, open_host
from oscar_host.install.command import command as install_oscar
from oscar_host.own_sessions import make_table

from . import databases, peers
from .browser import chromium, open_tab, site  # noqa: F401  for pytest
from .databases import DATABASES, DRIVERS
from .examples import register_profiles
from .kept import keep

PLUGIN_TABLES = MigrationSource(
    script_location=Path(cpar_plugin.store.migrations.__file__).parent, version_table="cpar_alembic_version"
)
# Before anything else asks for a zone: by CPAR_ZONE_RULES, as in the programs that tests start.
ALBERTA = zone_rules.zone()
NOW = dt.datetime(2026, 11, 10, 10, 0, tzinfo=ALBERTA)
NOW_IN_UTC = f"{NOW.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"  # 16:00 or 17:00: rules of time zones differ

keep()
register_profiles()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=(*DATABASES, "both"), default="both", help="where tests keep their data")
    parser.addoption("--driver", choices=(*DRIVERS, "in turn"), default="in turn", help="through what, on MariaDB")
    parser.addoption("--pictures", action="store_true", help="write the pictures of the docs anew")
    parser.addoption("--examples", action="store_true", help="write the examples of FHIR resources in the docs anew")


LONGEST = ("tests/sidecar_bed/", "tests/torture/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: so one process makes a clinic's machine, and works on it from the start."""
    items.sort(key=lambda item: [not item.nodeid.startswith(place) for place in LONGEST])


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: the garbage collector need not go through them again and again."""
    gc.freeze()


class Place(NamedTuple):
    """Where the plugin's tables are, and the schema of the EMR's. `emr_url`, unless empty, is for who writes these."""

    url: str
    host_schema: str | None
    emr_url: str = ""

    def through(self, driver: str) -> "Place":
        """The same on MariaDB through this driver, by its name in a URL."""

        def url(text: str) -> str:
            return make_url(text).set(drivername=f"mysql+{driver}").render_as_string(hide_password=False)

        return Place(url(self.url), self.host_schema, self.emr_url and url(self.emr_url))

    @property
    def of_the_emr(self) -> "Place":
        """The same for the EMR's own programs."""
        return Place(self.emr_url or self.url, self.host_schema)


def make_tables(place: Place) -> None:
    """Make the EMR's tables and the plugin's."""
    make_tables_of_the_emr(place)
    make_own_tables(place)


def make_tables_of_the_emr(place: Place) -> None:
    """Make those of `oscar_host.schema`."""
    host = open_host(place.url, host_schema=place.host_schema)
    host.tables.metadata.create_all(host.database.engine, checkfirst=False)
    host.database.engine.dispose()


def make_own_tables(place: Place) -> None:
    """Make the plugin's, and that of sessions."""
    database = HostDatabase(place.url)
    upgrade(database.engine, PLUGIN_TABLES)
    make_table(database.engine)
    database.engine.dispose()


def reached(server: URL) -> list[str]:
    """How `cpar install-oscar` is told where MariaDB is."""
    if "unix_socket" in server.query:
        return ["--mariadb", str(server.query["unix_socket"])]
    return ["--mariadb", f"{server.host}:{server.port or 3306}", "--account-host", "%"]


class MariaDBStock:
    """Two databases, the plugin's and the EMR's, that are emptied for each test: making tables takes long there.

    `place` is the administrator's. `restricted` is that of the account which `grants.sql` of `cpar install-oscar` makes
    with these options, with `more` rights or none: a statement of ours that needs others fails its test.
    """

    def __init__(self, server: URL, options: Sequence[str] = (), more: Sequence[str] = ()) -> None:
        mark = uuid.uuid4().hex[:12]
        self.own, self.oscar, self._account = f"cpar_test_{mark}", f"oscar_test_{mark}", f"test_{mark}"
        url = server.set(database=self.own).render_as_string(hide_password=False)
        self.place, self.restricted = Place(url, self.oscar), Place(url, self.oscar)
        self._engine = create_engine(server, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        self._columns: object = None
        self._first_rows: dict[str, list[dict[str, Any]]] = {}
        self._more = more
        self._options = [
            *("--oscar-database", self.oscar, "--own-database", self.own, "--account", self._account),
            *reached(server),
            *options,
        ]
        with self._engine.connect() as connection:
            self._create_of_the_emr(connection)
            connection.exec_driver_sql(f"CREATE DATABASE {self.own}")

    def _create_of_the_emr(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"CREATE DATABASE {self.oscar} CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci")

    def drop(self) -> None:
        """Remove all of it, whoever is still connected."""
        with self._engine.connect() as connection:
            self._disconnect_others(connection)
            self._drop_databases(connection)
            self._drop_account(connection)

    def _drop_databases(self, connection: Connection) -> None:
        for name in (self.own, self.oscar):
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")

    def _drop_account(self, connection: Connection) -> None:
        connection.execution_options(no_parameters=True).exec_driver_sql(
            f"DROP USER IF EXISTS {self._account}@localhost, {self._account}@'%'"
        )

    def grant(self) -> Place:
        """Make the plugin's database anew, without tables, and the account, as an administrator does by `grants.sql`.

        The EMR's tables have to be there.
        """
        with tempfile.TemporaryDirectory() as name, self._engine.connect() as connection:
            files = Path(name) / "files"
            result = CliRunner().invoke(install_oscar, ["--write", str(files), *self._options])
            assert result.exit_code == 0, result.output
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {self.own}")
            self._drop_account(connection)
            for statement in (files / "grants.sql").read_text().split(";\n"):
                if statement.strip():
                    connection.execution_options(no_parameters=True).exec_driver_sql(statement)
            machine = "localhost" if "unix_socket" in self._engine.url.query else "%"
            for right in self._more:
                statement = f"GRANT {right.format(oscar=self.oscar)} TO {self._account}@'{machine}'"
                connection.execution_options(no_parameters=True).exec_driver_sql(statement)
            settings = ConfigParser(interpolation=None)
            settings.read(files / "cpar.ini")
        self.restricted = Place(settings["cpar"]["database_url"], self.oscar, self.place.url)
        return self.restricted

    def emptied(self) -> Place:
        """The place with all tables, holding only what the migrations have put there."""
        with self._engine.connect() as connection:
            self._disconnect_others(connection)
            if self._columns is None or self._columns != self._look(connection):
                self._remake(connection)
            else:
                self._empty(connection)
        return self.place

    def _remake(self, connection: Connection) -> None:
        self._drop_databases(connection)
        self._create_of_the_emr(connection)
        connection.exec_driver_sql(f"CREATE DATABASE {self.own}")  # connected to, while the EMR's tables are made
        make_tables_of_the_emr(self.place)
        make_own_tables(self.grant())
        self._columns = self._look(connection)
        self._first_rows = {
            table: [dict(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()]
            for table in self._used(connection)
        }

    def _empty(self, connection: Connection) -> None:
        connection.exec_driver_sql("SET foreign_key_checks = 0")
        for table in self._used(connection):
            connection.exec_driver_sql(f"TRUNCATE TABLE {table}")
        for table, rows in self._first_rows.items():
            for row in rows:
                marks = ", ".join(["%s"] * len(row))
                connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", tuple(row.values()))

    def _used(self, connection: Connection) -> list[str]:
        """The tables that hold rows, or have held any: the next row's number shall not tell of earlier tests."""
        tables = connection.exec_driver_sql(
            "SELECT CONCAT(table_schema, '.', table_name), COALESCE(auto_increment, 1) > 1 "
            "FROM information_schema.tables WHERE table_schema IN (%s, %s)",
            (self.own, self.oscar),
        ).all()
        questions = [
            f"SELECT '{name}' FROM DUAL WHERE {numbered} OR EXISTS (SELECT 1 FROM {name})" for name, numbered in tables
        ]
        return list(connection.exec_driver_sql(" UNION ALL ".join(questions)).scalars())

    def _look(self, connection: Connection) -> object:
        """What tells whether a test has changed the tables themselves."""
        return connection.exec_driver_sql(
            "SELECT COUNT(*), SUM(CRC32(CONCAT_WS(' ', table_schema, table_name, column_name, column_type))) "
            "FROM information_schema.columns WHERE table_schema IN (%s, %s)",
            (self.own, self.oscar),
        ).one()

    def _disconnect_others(self, connection: Connection) -> None:
        left = connection.exec_driver_sql(
            "SELECT id FROM information_schema.processlist WHERE db IN (%s, %s)", (self.own, self.oscar)
        )
        for process in left.scalars().all():
            with suppress(OperationalError):  # it has gone by itself meanwhile
                connection.exec_driver_sql(f"KILL {process}")


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[URL]:
    """The administrator's URL of a MariaDB server: that of CPAR_TEST_MARIADB_URL, or a private one."""
    given = os.environ.get("CPAR_TEST_MARIADB_URL")
    if given:
        yield make_url(given)
    else:
        with private_mariadb(below=_memory()) as url:
            yield url


@pytest.fixture(scope="session")
def _broker() -> Iterator[PrivateRabbitMQ]:
    with private_rabbitmq(below=_memory()) as broker:
        yield broker


@pytest.fixture
def broker(_broker: PrivateRabbitMQ) -> PrivateRabbitMQ:
    """A broker with nothing in it: without queues, and with no one connected."""
    if not _broker.processes:
        _broker.start()
    _broker.empty()
    return _broker


def _memory() -> Path | None:
    """Where files are in memory, if there is room: to commit and to empty tables takes a fifth of the time there."""
    room = Path("/dev/shm")
    return room if room.is_dir() and shutil.disk_usage(room).free > 4 * 1024**3 else None


@pytest.fixture(params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    """`sqlite` or `mariadb`: a test that uses a database runs on each."""
    databases.note(request.node, request.param)
    return str(request.param)


@pytest.fixture
def driver(request: pytest.FixtureRequest) -> str:
    """That of MariaDB, by its name in a URL."""
    return databases.driver_for(request.node)


@pytest.fixture(params=DRIVERS.values(), ids=list(DRIVERS))
def each_driver(request: pytest.FixtureRequest) -> str:
    """In modules where it stands for `driver`, each test goes through one and the other."""
    return str(request.param)


@pytest.fixture
def place(database_kind: str, driver: str, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A database of this test's own: without tables, unless the test also asks for `host`."""
    with_tables = "host" in request.fixturenames
    if database_kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="cpar-", dir=_memory(), ignore_cleanup_errors=True) as folder:
            file = Path(folder) / "clinic.db"
            if with_tables:
                shutil.copy(request.getfixturevalue("_sqlite_file"), file)
            yield Place(f"sqlite:///{file}", None)
    elif with_tables:
        stock: MariaDBStock = request.getfixturevalue("_mariadb_stocks")(
            request.getfixturevalue("install_options"), request.getfixturevalue("more_rights")
        )
        stock.emptied()
        yield stock.restricted.through(driver)
    else:
        yield request.getfixturevalue("_own_stock").place.through(driver)


@pytest.fixture(scope="session")
def _sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "empty.db"
    make_tables(Place(f"sqlite:///{file}", None))
    return file


@pytest.fixture
def _own_stock(mariadb_server: URL) -> Iterator[MariaDBStock]:
    stock = MariaDBStock(mariadb_server)
    yield stock
    stock.drop()


@pytest.fixture
def granted(place: Place, database_kind: str, driver: str, request: pytest.FixtureRequest) -> Callable[[], Place]:
    """Once the test has made the EMR's tables itself: the place of the account that `grants.sql` makes for them."""
    if database_kind == "sqlite":
        return lambda: place
    stock: MariaDBStock = request.getfixturevalue("_own_stock")
    return lambda: stock.grant().through(driver)


@pytest.fixture
def install_options() -> tuple[str, ...]:
    """What `cpar install-oscar` is called with, beyond names and places, to make the account of MariaDB."""
    return ()


@pytest.fixture
def more_rights() -> tuple[str, ...]:
    """What the account may do beyond `grants.sql`: let a test look at what it has made the EMR's tables hold."""
    return ("SELECT ON {oscar}.*",)


@pytest.fixture
def no_more_rights() -> tuple[str, ...]:
    """In folders where it stands for `more_rights`, everything runs with exactly what `grants.sql` gives."""
    return ()


Stocks = Callable[[tuple[str, ...], tuple[str, ...]], MariaDBStock]


@pytest.fixture(scope="session")
def _mariadb_stocks(mariadb_server: URL) -> Iterator[Stocks]:
    stocks: dict[tuple[tuple[str, ...], tuple[str, ...]], MariaDBStock] = {}

    def stock(options: tuple[str, ...], more: tuple[str, ...]) -> MariaDBStock:
        if (options, more) not in stocks:
            stocks[options, more] = MariaDBStock(mariadb_server, options, more)
        return stocks[options, more]

    yield stock
    for one in stocks.values():
        one.drop()


@pytest.fixture(scope="session")
def _mariadb_stock(_mariadb_stocks: Stocks) -> MariaDBStock:
    return _mariadb_stocks((), ())


@pytest.fixture
def place_of_the_emr(place: Place) -> Place:
    """For tests in which the EMR changes its own tables: there it stands for `place`."""
    return place.of_the_emr


@pytest.fixture
def database_url(place: Place) -> str:
    """The URL of a database of this test's own: without tables, unless the test also asks for `host`."""
    return place.url


@pytest.fixture
def host_schema(place: Place) -> str | None:
    """The name of the EMR's database beside it; None where all tables are in one."""
    return place.host_schema


@pytest.fixture
def environment(place: Place) -> dict[str, str]:
    """The environment variables with which another process opens the same host."""
    return {"CPAR_DATABASE_URL": place.url} | ({"CPAR_HOST_SCHEMA": place.host_schema} if place.host_schema else {})


@pytest.fixture
def clock() -> FixedClock:
    """Ten in the morning of an ordinary Tuesday."""
    return FixedClock(NOW)


@pytest.fixture
def host(place: Place, clock: FixedClock) -> Iterator[OscarHost]:
    """An OSCAR host with all tables, empty."""
    host = open_host(place.url, host_schema=place.host_schema, clock=clock)
    yield host
    host.close()  # a thread may still be writing


@pytest.fixture
def emr(place: Place, host: OscarHost, clock: FixedClock) -> Iterator[OscarHost]:
    """The same host for the EMR's own programs, which may write to all of its tables."""
    emr = open_host(place.of_the_emr.url, host_schema=place.host_schema, clock=clock) if place.emr_url else host
    yield emr
    emr.close()


@pytest.fixture
def statements(host: OscarHost) -> Iterator[list[str]]:
    """Every SQL statement that the host's connections send, transaction control left out: count them, or `clear()`."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "SET TRANSACTION")):
            sent.append(statement)

    event.listen(host.database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(host.database.engine, "before_cursor_execute", note)


class Oscar:
    """Writes rows of the EMR, as its own pages would."""

    def __init__(self, host: OscarHost) -> None:
        self._host = host
        self.database = host.database
        self.tables = host.tables
        self._under_way: Connection | None = None

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Rows that are written in this block are there at its end, all of them: it takes a fifth of the time."""
        with self._host.database.writing() as connection:
            self._under_way = connection
            try:
                yield
            finally:
                self._under_way = None

    def _insert(self, table: Any, **values: Any) -> int:
        with nullcontext(self._under_way) if self._under_way else self._host.database.writing() as connection:
            key = connection.execute(insert(table).values(values)).inserted_primary_key
        return int(key[0]) if key and str(key[0]).lstrip("-").isdigit() else 0

    def patient(self, *, born: str = "1980-02-03", **columns: Any) -> int:
        """A patient whom every rule lets through, unless `columns` say otherwise; returns the patient_id."""
        year, month, day = born.split("-")
        values = {
            "last_name": "Example",
            "first_name": "Pat",
            "year_of_birth": year,
            "month_of_birth": month,
            "date_of_birth": day,
            "sex": "F",
            "hin": "100000001",
            "hc_type": "AB",
            "patient_status": "AC",
            "provider_no": "101",
            "lastUpdateDate": NOW.replace(tzinfo=None),
        }
        return self._insert(self.tables.demographic, **(values | columns))

    def visit(
        self,
        patient_id: int,
        day: dt.date | str = "2026-10-05",
        time: dt.time | str | None = "09:30",
        status: str | None = "B",
        **columns: Any,
    ) -> int:
        """An appointment at the clinic's `day` and `time`, attended unless `status` says otherwise; returns its id."""
        day = dt.date.fromisoformat(day) if isinstance(day, str) else day
        time = dt.time.fromisoformat(time) if isinstance(time, str) else time
        values = {
            "provider_no": "101",
            "appointment_date": day,
            "start_time": time,
            "demographic_no": patient_id,
            "status": status,
        }
        return self._insert(self.tables.appointment, **(values | columns))

    def provider(self, provider_id: str = "101", **columns: Any) -> str:
        """A doctor with an account, whose password nobody knows; returns the provider_id."""
        values = {
            "provider_no": provider_id,
            "last_name": "Doctor",
            "first_name": f"No{provider_id}",
            "provider_type": "doctor",
            "ohip_no": "1234-56789",
            "status": "1",
            "lastUpdateDate": NOW.replace(tzinfo=None),
        }
        self._insert(self.tables.provider, **(values | columns))
        self._insert(self.tables.security, user_name=uuid.uuid4().hex[:30], password="", provider_no=provider_id)
        return provider_id

    def merge(self, retired: int, kept: int, deleted: int = 0) -> None:
        """Merge the record `retired` into `kept`."""
        self._insert(self.tables.demographic_merged, demographic_no=retired, merged_to=kept, deleted=deleted)

    def role(self, provider_id: str, *roles: str, activeyn: int = 1) -> None:
        """Give the provider roles."""
        for role in roles:
            self._insert(
                self.tables.user_role,
                provider_no=provider_id,
                role_name=role,
                activeyn=activeyn,
                lastUpdateDate=NOW.replace(tzinfo=None),
            )

    def privilege(self, group: str, object_name: str, privilege: str, priority: int | None = 0) -> None:
        """Give a role, or one provider, a privilege such as `x`, `r` or `o` on an object."""
        self._insert(
            self.tables.object_privilege,
            roleUserGroup=group,
            objectName=object_name,
            privilege=privilege,
            priority=priority,
        )


@pytest.fixture
def oscar(emr: OscarHost) -> Oscar:
    """A small writer for the EMR's own rows."""
    return Oscar(emr)


@pytest.fixture(scope="module")
def _registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with running(tmp_path_factory.mktemp("registry")) as running_registry:
        yield running_registry


@pytest.fixture
def registry(_registry: RunningRegistry) -> RunningRegistry:
    """A registry that behaves, with nothing received."""
    _registry.behave("ok")
    _registry.forget()
    return _registry


def pytest_xdist_auto_num_workers() -> int:
    """Three on two processors: many tests wait for servers and browsers."""
    return (os.cpu_count() or 1) * 3 // 2


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(databases)
    config.pluginmanager.register(peers)
