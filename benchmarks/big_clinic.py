"""A clinic with one big panel, in seconds: invented patients of one provider, five appointments each."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, NullPool, create_engine, insert, text, update

import cpar_plugin.store.migrations
from cpar_plugin.hooks import MigrationSource
from cpar_plugin.host_kit import zone_rules
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.host_kit.migrations import upgrade
from cpar_plugin.store import tables
from oscar_host.demo.mariadb import lasting_mariadb, private_mariadb
from oscar_host.host import OscarHost, open_host

NOW = datetime(2026, 11, 10, 10, 0, tzinfo=zone_rules.zone())
PANEL_ID = 1
_MIGRATIONS = MigrationSource(
    script_location=Path(cpar_plugin.store.migrations.__file__).parent, version_table="cpar_alembic_version"
)
_AT_ONCE = 5000
_PATIENT = {"database_seconds": "86400"}  # a ratio is worth knowing on a slow machine too
_WRITTEN = NOW.replace(tzinfo=None)
_FAMILIES = ("Tremblay", "Singh", "MacDonald", "Nguyen", "O'Brien", "Lefèvre-Côté", "Cardinal", "Kowalchuk", "Ahmed")
_GIVEN = ("Marie", "Liam", "Noor", "Hannah", "Zoë", "Arjun", "Sky", "Élodie", "Jack", "Wei", "Ivan")


@contextmanager
def empty_hosts(*server: str) -> Iterator[Iterator[tuple[str, OscarHost]]]:
    """`sqlite` and `mariadb`, each with an empty host, in turn. `server` are options of MariaDB."""

    def each() -> Iterator[tuple[str, OscarHost]]:
        with TemporaryDirectory(prefix="cpar-bench-") as folder:
            yield "sqlite", _made(f"sqlite:///{folder}/clinic.db", None)
        with mariadb_host(*server) as host:
            yield "mariadb", host

    yield each()


@contextmanager
def mariadb_host(*options: str) -> Iterator[OscarHost]:
    """An empty host on a separate server with these options, with OSCAR's database next to ours."""
    with private_mariadb(*options) as server:
        engine = create_engine(server, poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE cpar"))
            connection.execute(text("CREATE DATABASE oscar CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci"))
        # By a URL that names no driver, as installations have it: the one in C where it is installed.
        url = server.set(drivername="mysql", database="cpar")
        yield _made(url.render_as_string(hide_password=False), "oscar")


def place(host: OscarHost) -> str:
    """The database, and which driver asks it, for the lines that are printed."""
    driver = host.database.engine.driver
    return {"pysqlite": "sqlite", "mysqldb": "mariadb through mysqlclient"}.get(driver, f"mariadb through {driver}")


@contextmanager
def lasting_host(folder: Path, *options: str) -> Iterator[OscarHost]:
    """The same, with the server's data in a folder where it stays: the host is empty the first time."""
    folder.mkdir(parents=True, exist_ok=True)
    with lasting_mariadb(folder, *options) as server:
        url = server.set(drivername="mysql", database="cpar").render_as_string(hide_password=False)
        made = folder / "made"
        if made.exists():
            yield _opened(url, "oscar")
            return
        engine = create_engine(server, poolclass=NullPool)
        with engine.connect() as connection:
            for schema, characters in (("cpar", "utf8mb4"), ("oscar", "utf8mb3 COLLATE utf8mb3_general_ci")):
                connection.execute(text(f"DROP DATABASE IF EXISTS {schema}"))
                connection.execute(text(f"CREATE DATABASE {schema} CHARACTER SET {characters}"))
        host = _made(url, "oscar")
        made.touch()
        yield host


def _opened(url: str, schema: str | None) -> OscarHost:
    return open_host(url, settings=_PATIENT, host_schema=schema, clock=FixedClock(NOW))


def _made(url: str, schema: str | None) -> OscarHost:
    host = _opened(url, schema)
    host.tables.metadata.create_all(host.database.engine, checkfirst=False)
    upgrade(host.database.engine, _MIGRATIONS)
    return host


def fill(host: OscarHost, patients: int) -> None:
    """A configured clinic with one provider, one panel without members, and this many patients of that provider."""
    with host.database.writing() as connection:
        connection.execute(
            insert(host.tables.provider),
            {
                "provider_no": "101",
                "last_name": "Doctor",
                "first_name": "Dana",
                "provider_type": "doctor",
                "ohip_no": "123456789",
                "status": "1",
                "lastUpdateDate": _WRITTEN,
            },
        )
        connection.execute(update(tables.clinic).values(name="Example Clinic", site_id="S-1", enabled_at=NOW))
        for table, row in (
            (tables.panel, {"number": "P-1", "live_number": "P-1", "created_at": NOW}),
            (tables.panel_facility, {"position": 0, "facility_id": "000113"}),
            (tables.panel_provider, {"position": 0, "provider_id": "101"}),
        ):
            connection.execute(insert(table), {"panel_id": PANEL_ID, **row})
        connection.execute(insert(tables.practitioner), {"provider_id": "101", "practitioner_id": "123456789"})
    for numbers in _portions(range(1, patients + 1)):
        with host.database.writing() as connection:
            _add_patients(connection, host, numbers)


def more_panels(host: OscarHost, panels: int) -> int:
    """Create that many panels, all but the first without members; returns the id of the last."""
    ids = range(PANEL_ID + 1, panels + 1)
    own = {panel_id: {"number": f"P-{panel_id}", "live_number": f"P-{panel_id}"} for panel_id in ids}
    with host.database.writing() as connection:
        for table, row in (
            (tables.panel, {"created_at": NOW}),
            (tables.panel_facility, {"position": 0, "facility_id": "000113"}),
            (tables.panel_provider, {"position": 0, "provider_id": "101"}),
        ):
            numbers = own if table is tables.panel else {}
            connection.execute(
                insert(table), [{"panel_id": panel_id, **row, **numbers.get(panel_id, {})} for panel_id in ids]
            )
    return ids[-1]


def join(host: OscarHost, numbers: range) -> None:
    """Put these patients on the panel, confirmed on some day of the year."""
    for some in _portions(numbers):
        rows = [
            {
                "patient_id": number,
                "panel_id": PANEL_ID,
                "since": datetime(2026, 1 + number % 10, 1, 16, tzinfo=UTC),
                "confirmed_on": date(2026, 1 + number % 10, 1 + number % 28),
                "confirmed_how": "last visit",
            }
            for number in some
        ]
        with host.database.writing() as connection:
            connection.execute(insert(tables.member), rows)


def _portions(numbers: range) -> Iterator[range]:
    for first in range(0, len(numbers), _AT_ONCE):
        yield numbers[first : first + _AT_ONCE]


def _add_patients(connection: Connection, host: OscarHost, numbers: range) -> None:
    connection.execute(
        insert(host.tables.demographic),
        [
            {
                "demographic_no": number,
                "last_name": _FAMILIES[number % 9],
                "first_name": _GIVEN[number % 11],
                "year_of_birth": str(1930 + number % 90),
                "month_of_birth": f"{1 + number % 12:02}",
                "date_of_birth": f"{1 + number % 28:02}",
                "sex": "FM"[number % 2],
                "hin": str(100_000_000 + number),
                "hc_type": "AB",
                "eff_date": date(2000 + number % 20, 1 + number % 12, 1),
                "hc_renew_date": date(2026 + number % 5, 1 + number % 12, 28) if number % 4 == 0 else None,
                "patient_status": "IN" if number % 50 == 0 else "AC",
                "provider_no": "101",
                "lastUpdateDate": _WRITTEN,
            }
            for number in numbers
        ],
    )
    connection.execute(
        insert(host.tables.appointment),
        [
            {
                "provider_no": "101",
                "appointment_date": date(2022 + visit, 1 + number % 10, 1 + number % 28),
                "start_time": time(8 + number % 9, 15 * visit % 60),
                "demographic_no": number,
                "status": "B",
            }
            for number in numbers
            for visit in range(5)
        ],
    )
