"""A clinic with OSCAR in Tomcat and everything beside it, and people at their browsers."""

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import URL, NullPool, create_engine

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.services import clinic, panels
from oscar_host.host import OscarHost, open_host

from ..authority import Authority
from ..browser import PATIENCE, watch
from ..conftest import Oscar as OscarRows
from .bed import PROGRAMS, Bed, mariadb_client
from .oscar import PASSWORD, Oscar, free_port

DOCTOR, MANAGER, NO_RIGHTS = "101", "301", "401"


@pytest.fixture(scope="session")
def rows(mariadb_server: URL) -> Iterator[OscarRows]:
    """Writes rows of OSCAR's database, as its administrator; the staff is there."""
    name = f"oscar_bed_{uuid.uuid4().hex[:8]}"
    engine = create_engine(mariadb_server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci")
    url = mariadb_server.set(database=name).render_as_string(hide_password=False)
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


@pytest.fixture(scope="session")
def options(mariadb_server: URL) -> list[str]:
    """How `cpar install-oscar` is told of this MariaDB."""
    if "unix_socket" in mariadb_server.query:
        return ["--mariadb", str(mariadb_server.query["unix_socket"])]
    place = f"{mariadb_server.host}:{mariadb_server.port or 3306}"
    return ["--mariadb", place, "--account-host", "%"]


@pytest.fixture(scope="session")
def running_bed(mariadb_server: URL, rows: OscarRows, options: list[str]) -> Iterator[Bed]:
    """The clinic's machine, installed by what `cpar install-oscar` writes; the integration is on."""
    mark = uuid.uuid4().hex[:8]
    own, account = f"cpar_bed_{mark}", f"bed_{mark}"
    schema = str(rows.tables.metadata.schema)
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
            *options,
        ]
        authority = Authority(folder)
        certificate = authority.issue("127.0.0.1")
        bed = Bed(folder, folder / "files", all_options, oscar, certificate, authority.file, own, schema, account)
        bed.cpar("install-oscar", "--write", str(bed.files), *all_options)
        stack.callback(mariadb_client, mariadb_server, f"DROP DATABASE {own}; DROP USER {account}@'%';")
        stack.callback(mariadb_client, mariadb_server, f"DROP USER {account}@'localhost';")
        done = mariadb_client(mariadb_server, (bed.files / "grants.sql").read_text())
        assert done.returncode == 0, done.stderr
        stack.enter_context(bed.running())
        bed.cpar("enable")
        yield bed
        assert "Traceback" not in bed.log()


@pytest.fixture
def bed(running_bed: Bed) -> Bed:
    """The same, with OSCAR set up as usual."""
    running_bed.oscar.as_usual()
    return running_bed


@pytest.fixture(scope="session")
def own_host(running_bed: Bed) -> Iterator[OscarHost]:
    """The host with the rights of the account, and no more."""
    from oscar_host.host import _ini  # the file as the application reads it

    settings = _ini(running_bed.files / "cpar.ini")
    host = open_host(settings.pop("database_url"), settings=settings, host_schema=settings.pop("host_schema"))
    yield host
    host.database.engine.dispose()


@pytest.fixture(scope="session")
def two_panels(own_host: OscarHost) -> tuple[int, int]:
    """The panels 0042 and 0077 of the doctor."""
    with own_host.database.engine.connect() as connection:
        version = clinic.load(connection).version
    clinic.save(own_host, own_host.identity.system, name="Example Clinic", site_id="S-1", version=version)
    first, second = (
        panels.create(own_host, own_host.identity.system, panel_draft(number, ["113"], [(DOCTOR, "123456789")]))
        for number in ("0042", "0077")
    )
    return first, second


At = Callable[..., Page]


@pytest.fixture
def at_browser(bed: Bed, chromium: Browser) -> Iterator[At]:
    """Signs somebody in at OSCAR, in a browser of their own, and opens OSCAR's first page.

    Afterwards no page may have logged an error. `forgiving` lets the browser note failures of servers.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(provider_id: str, *, width: int = 1000, height: int = 700, forgiving: bool = False) -> Page:
        context = chromium.new_context(
            base_url=bed.site, ignore_https_errors=True, viewport={"width": width, "height": height}
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        if not forgiving:
            context.on("page", lambda page: watch(page, complaints))
        page = context.new_page()
        sign_in(page, provider_id)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def sign_in(page: Page, provider_id: str) -> None:
    """Sign in to OSCAR."""
    page.goto("/oscar/")
    page.get_by_label("User name").fill(provider_id)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/providercontrol.jsp")


def master_record(patient_id: int) -> str:
    """The address of the patient's page in OSCAR."""
    return (
        f"/oscar/demographic/demographiccontrol.jsp?demographic_no={patient_id}"
        "&displaymode=edit&dboperation=search_detail"
    )
