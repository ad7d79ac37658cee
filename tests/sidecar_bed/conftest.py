"""A clinic with OSCAR in Tomcat and everything beside it, and people at their browsers."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import URL

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from oscar_host.host import OscarHost

from ..browser import PATIENCE, watch
from ..conftest import Oscar as OscarRows
from .bed import Bed
from .installed import DOCTOR, host_of, installed_bed, oscar_database, place_of
from .oscar import PASSWORD


@pytest.fixture(scope="session")
def rows(mariadb_server: URL) -> Iterator[OscarRows]:
    """Writes rows of OSCAR's database, as its administrator; the staff is there."""
    with oscar_database(mariadb_server) as rows:
        yield rows


@pytest.fixture(scope="session")
def options(mariadb_server: URL) -> list[str]:
    """How `cpar install-oscar` is told of this MariaDB."""
    return place_of(mariadb_server)


@pytest.fixture(scope="session")
def running_bed(mariadb_server: URL, rows: OscarRows) -> Iterator[Bed]:
    """The clinic's machine, installed by what `cpar install-oscar` writes; the integration is on."""
    with installed_bed(mariadb_server, str(rows.tables.metadata.schema)) as bed:
        yield bed
        assert "Traceback" not in bed.log()


@pytest.fixture
def bed(running_bed: Bed) -> Iterator[Bed]:
    """The same, with OSCAR and nginx as usual; again so afterwards, when browsers have closed their pages."""
    running_bed.as_usual()
    yield running_bed
    running_bed.as_usual()


@pytest.fixture(scope="session")
def own_host(running_bed: Bed) -> Iterator[OscarHost]:
    """The host with the rights of the account, and no more."""
    with host_of(running_bed) as host:
        yield host


@pytest.fixture(scope="session")
def two_panels(own_host: OscarHost) -> tuple[int, int]:
    """The panels 0042 and 0077 of the doctor."""
    with own_host.database.engine.connect() as connection:
        version = clinic.load(connection).version
    clinic.save(own_host, own_host.identity.system, name="Example Clinic", site_id="S-1", version=version)
    first, second = (
        editing.create(own_host, own_host.identity.system, panel_draft(number, ["113"], [(DOCTOR, "123456789")]))
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
