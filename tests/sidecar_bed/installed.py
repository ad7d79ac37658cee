"""A clinic's machine made from nothing: OSCAR's database with its staff, OSCAR, and ours installed beside it."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import URL, NullPool, create_engine

from oscar_host.demo.ports import free_port
from oscar_host.host import OscarHost, open_host
from oscar_host.ini_file import sections

from ..authority import Authority
from ..conftest import Oscar as OscarRows
from .bed import PROGRAMS, Bed, mariadb_client
from .oscar import Oscar

DOCTOR, MANAGER, NO_RIGHTS = "101", "301", "401"


@contextmanager
def oscar_database(server: URL) -> Iterator[OscarRows]:
    """A database of OSCAR's with three people: a doctor, a manager of panels, and somebody without a role."""
    name = f"oscar_bed_{uuid.uuid4().hex[:8]}"
    engine = create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci")
    url = server.set(database=name).render_as_string(hide_password=False)
    host = open_host(url, host_schema=name)
    host.tables.metadata.create_all(host.database.engine)
    rows = OscarRows(host)
    for provider_id, family in {DOCTOR: "Okafor", MANAGER: "Penner", NO_RIGHTS: "Brar"}.items():
        rows.provider(provider_id, last_name=family, first_name="Ada")
    rows.role(DOCTOR, "doctor")
    rows.role(MANAGER, "admin", "receptionist")
    for role, right in (("doctor", "_demographic"), ("receptionist", "_demographic"), ("admin", "_admin")):
        rows.privilege(role, right, "x")
    yield rows
    host.database.engine.dispose()
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}")


def place_of(server: URL) -> list[str]:
    """How `cpar install-oscar` is told of this MariaDB."""
    if "unix_socket" in server.query:
        return ["--mariadb", str(server.query["unix_socket"])]
    return ["--mariadb", f"{server.host}:{server.port or 3306}", "--account-host", "%"]


@contextmanager
def installed_bed(server: URL, schema: str) -> Iterator[Bed]:
    """The machine beside the database `schema`, installed by what `cpar install-oscar` writes and turned on."""
    mark = uuid.uuid4().hex[:8]
    own, account = f"cpar_bed_{mark}", f"bed_{mark}"
    with ExitStack() as stack:
        # Short, for the path of a socket has few letters.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cpar-bed-")))
        oscar = Oscar(folder / "tomcat", free_port())
        stack.callback(oscar.stop)
        oscar.start()
        all_options = [
            *("--oscar-url", oscar.url, "--oscar-database", schema, "--own-database", own, "--account", account),
            *("--server-name", "emr.example"),
            *("--programs", str(PROGRAMS), "--settings-file", str(folder / "files/cpar.ini")),
            *("--state-folder", str(folder), "--log-folder", str(folder), "--socket", str(folder / "app.sock")),
            *place_of(server),
        ]
        authority = Authority(folder)
        certificate = authority.issue("127.0.0.1")
        bed = Bed(folder, folder / "files", all_options, oscar, certificate, authority.file, own, schema, account)
        bed.cpar("install-oscar", "--write", str(bed.files), *all_options)
        stack.callback(mariadb_client, server, f"DROP DATABASE {own}; DROP USER {account}@'%';")
        stack.callback(mariadb_client, server, f"DROP USER {account}@'localhost';")
        result = mariadb_client(server, (bed.files / "grants.sql").read_text())
        assert result.returncode == 0, result.stderr
        stack.enter_context(bed.running())
        bed.cpar("enable")
        yield bed


@contextmanager
def host_of(bed: Bed) -> Iterator[OscarHost]:
    """The host as the application there has it: with the rights of its account, and no more."""
    settings = sections(bed.files / "cpar.ini", "cpar", "CPAR_SETTINGS")["cpar"]
    host = open_host(settings.pop("database_url"), settings=settings, host_schema=settings.pop("host_schema"))
    yield host
    host.database.engine.dispose()
