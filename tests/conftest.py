"""Databases, a host with empty tables, and a small writer for the EMR's own rows."""

import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, NullPool, create_engine, insert, make_url, text

import cpar_plugin.store.migrations
from cpar_plugin.hooks import MigrationSource
from oscar_host.clock import ALBERTA, FixedClock
from oscar_host.demo.mariadb import private_mariadb
from oscar_host.host import OscarHost, open_host
from oscar_host.migrations import upgrade

PLUGIN_TABLES = MigrationSource(
    script_location=Path(cpar_plugin.store.migrations.__file__).parent, version_table="cpar_alembic_version"
)
NOW = datetime(2026, 11, 10, 10, 0, tzinfo=ALBERTA)
DATABASES = ("sqlite", "mariadb")
_ran: Counter[str] = Counter()


@pytest.fixture(scope="session")
def mariadb_server(request: pytest.FixtureRequest) -> Iterator[URL]:
    """The administrator's URL of a MariaDB server: that of CPAR_TEST_MARIADB_URL, or a private one."""
    import os

    given = os.environ.get("CPAR_TEST_MARIADB_URL")
    if given:
        yield make_url(given)
    else:
        with private_mariadb() as url:
            yield url


@pytest.fixture(params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    """`sqlite` or `mariadb`: a test that uses a database runs on each."""
    return str(request.param)


@pytest.fixture
def _places(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str | None]]:
    """Where the plugin's tables are, and the schema of the EMR's: both empty."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'clinic.db'}", None
        return
    server: URL = request.getfixturevalue("mariadb_server")
    mark = uuid.uuid4().hex[:12]
    own, oscar = f"cpar_test_{mark}", f"oscar_test_{mark}"
    engine = create_engine(server, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {own}"))
        connection.execute(text(f"CREATE DATABASE {oscar} CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci"))
    yield server.set(database=own).render_as_string(hide_password=False), oscar
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {own}"))
        connection.execute(text(f"DROP DATABASE {oscar}"))


@pytest.fixture
def database_url(_places: tuple[str, str | None]) -> str:
    """The URL of a database of this test's own: without tables, unless the test also asks for `host`."""
    return _places[0]


@pytest.fixture
def host_schema(_places: tuple[str, str | None]) -> str | None:
    """The name of the EMR's database beside it, None where it is the same one."""
    return _places[1]


@pytest.fixture
def clock() -> FixedClock:
    """Ten in the morning of an ordinary Tuesday."""
    return FixedClock(NOW)


@pytest.fixture
def host(database_url: str, host_schema: str | None, clock: FixedClock) -> Iterator[OscarHost]:
    """An OSCAR host with all tables, empty."""
    host = open_host(database_url, host_schema=host_schema, clock=clock)
    host.tables.metadata.create_all(host.database.engine, checkfirst=False)
    upgrade(host.database.engine, PLUGIN_TABLES)
    yield host
    host.database.engine.dispose()


class Oscar:
    """Writes rows of the EMR, as its own pages would."""

    def __init__(self, host: OscarHost) -> None:
        self._host = host
        self.tables = host.tables

    def _insert(self, table: Any, **values: Any) -> int:
        with self._host.database.writing() as connection:
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
        day: date | str = date(2026, 10, 5),
        time_of_day: time | None = time(9, 30),
        status: str | None = "B",
        **columns: Any,
    ) -> int:
        """An appointment; returns its number."""
        day = date.fromisoformat(day) if isinstance(day, str) else day
        values = {
            "provider_no": "101",
            "appointment_date": day,
            "start_time": time_of_day,
            "demographic_no": patient_id,
            "status": status,
        }
        return self._insert(self.tables.appointment, **(values | columns))

    def provider(self, provider_id: str = "101", **columns: Any) -> str:
        """A doctor; returns the provider_id."""
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
        return provider_id

    def merge(self, retired: int, kept: int, deleted: int = 0) -> None:
        """Merge the record `retired` into `kept`."""
        self._insert(self.tables.demographic_merged, demographic_no=retired, merged_to=kept, deleted=deleted)

    def role(self, provider_id: str, *roles: str) -> None:
        """Give the provider roles."""
        for role in roles:
            self._insert(self.tables.user_role, provider_no=provider_id, role_name=role, activeyn=1)

    def privilege(self, group: str, object_name: str, privilege: str, priority: int = 0) -> None:
        """Give a role, or one provider, a privilege such as `x`, `r` or `o` on an object."""
        self._insert(
            self.tables.object_privilege,
            roleUserGroup=group,
            objectName=object_name,
            privilege=privilege,
            priority=priority,
        )


@pytest.fixture
def oscar(host: OscarHost) -> Oscar:
    """A small writer for the EMR's own rows."""
    return Oscar(host)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        for kind in DATABASES:
            if kind in report.keywords:
                _ran[kind] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = ", ".join(f"{kind} {_ran[kind]}" for kind in DATABASES)
    terminalreporter.write_line(f"data-layer tests: {counts}")
