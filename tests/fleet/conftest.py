"""A fleet in a folder: several clinics, each with a database of its own."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from oscar_host.fleet.clinics import Clinics
from oscar_host.fleet.settings import load
from oscar_host.host import open_host

from ..conftest import ALBERTA, Oscar, Place, make_tables

MakeDatabase = Callable[[], str]


@pytest.fixture
def new_database(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeDatabase]:
    """Makes databases with all tables, empty; returns the URL of each."""
    if database_kind == "sqlite":
        template = request.getfixturevalue("_sqlite_file")

        def copied() -> str:
            file = tmp_path / f"{uuid.uuid4().hex}.db"
            shutil.copy(template, file)
            return f"sqlite:///{file}"

        yield copied
        return
    server: URL = request.getfixturevalue("mariadb_server")
    template = request.getfixturevalue("_mariadb_template")
    made: list[str] = []
    engine = create_engine(server, isolation_level="AUTOCOMMIT")

    def copied_on_server() -> str:
        name = f"cpar_fleet_{uuid.uuid4().hex[:12]}"
        made.append(name)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
            for (table,) in connection.exec_driver_sql(f"SHOW TABLES FROM {template}").all():
                connection.exec_driver_sql(f"CREATE TABLE {name}.`{table}` LIKE {template}.`{table}`")
                connection.exec_driver_sql(f"INSERT INTO {name}.`{table}` SELECT * FROM {template}.`{table}`")
        return server.set(database=name).render_as_string(hide_password=False)

    yield copied_on_server
    with engine.connect() as connection:
        for name in made:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
    engine.dispose()


@pytest.fixture(scope="session")
def _mariadb_template(mariadb_server: URL) -> Iterator[str]:
    name, engine = f"cpar_fleet_{uuid.uuid4().hex[:12]}", create_engine(mariadb_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    make_tables(Place(mariadb_server.set(database=name).render_as_string(hide_password=False), None))
    yield name
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}")
    engine.dispose()


class Folder:
    """The files of a fleet, as an operator writes them."""

    def __init__(self, root: Path, new_database: MakeDatabase) -> None:
        self.file = root / "fleet.ini"
        self.clinics = root / "clinics"
        self.clinics.mkdir(parents=True)
        self._new_database = new_database
        self._count = 0
        self.write()

    def write(self, *lines: str, every_clinic: tuple[str, ...] = ()) -> None:
        """The fleet's own file, anew."""
        of_clinics = ("[cpar]", "https_only = no", "sign_in = password", *every_clinic)
        self.file.write_text("\n".join(["[fleet]", "look_seconds = 0", *lines, *of_clinics]), encoding="utf-8")

    def text(self, **settings: str) -> str:
        """A file of one clinic, with a database and a key of its own unless the settings say others."""
        self._count += 1
        values = {"secret_key": f"{self._count:064}", **settings}
        if "database_url" not in values:
            values["database_url"] = self._new_database()
        return "\n".join(["[cpar]", *(f"{name} = {value}" for name, value in values.items())])

    def add(self, name: str, **settings: str) -> Path:
        """Write the file of a clinic."""
        file = self.clinics / f"{name}.ini"
        file.write_text(self.text(**settings), encoding="utf-8")
        return file

    def elsewhere(self, name: str) -> "Folder":
        """Those of another machine: without clinics."""
        return Folder(self.file.with_name(name), self._new_database)

    def read(self) -> Clinics:
        """The fleet, as a process reads it."""
        return Clinics(load(self.file))


@pytest.fixture
def folder(tmp_path: Path, new_database: MakeDatabase) -> Folder:
    """An empty fleet: clinics sign people in themselves, and changes are noticed at once."""
    return Folder(tmp_path, new_database)


def fill(url: str, *, patients: int = 2) -> None:
    """Make a clinic that submits with the first night run of an automatic date: the panel 0042 with some patients."""
    with open_host(url, clock=FixedClock(datetime(2026, 11, 2, 10, tzinfo=ALBERTA))) as host:
        oscar, system = Oscar(host), host.identity.system
        oscar.provider("101")
        clinic.enable(host, system)
        clinic.save(host, system, name="Example Clinic", site_id="S-1", version=1)
        panel_id = editing.create(host, system, panel_draft("0042", ["113"], [("101", "123456789")]))
        for number in range(patients):
            patient_id = oscar.patient(hin=f"10000{number:04}")
            oscar.visit(patient_id)
            one_patient.choose(host, system, patient_id, panel_id, seen_panel_id=None)
