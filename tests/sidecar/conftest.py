"""The application beside an OSCAR, over real HTTP, and the people of a small clinic."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import insert, update

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.hooks import Plugins
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from oscar_host.host import OscarHost
from oscar_host.passwords import hashed
from oscar_host.sidecar.app import create_app

from ..conftest import no_more_rights
from ..serving import serving
from .stand_in import StandIn, running

more_rights = no_more_rights

CONTEXT_PATH = "/oscar/cpar"
DOCTOR, MANAGER, CPAR_ROLE, NO_RIGHTS = "101", "301", "302", "401"
PASSWORD = "a good password"
KEPT_PASSWORD = hashed(PASSWORD)
COOKIES = {"doctor": DOCTOR, "manager": MANAGER, "cpar-role": CPAR_ROLE, "no-rights": NO_RIGHTS}


@pytest.fixture
def standing_in() -> Iterator[StandIn]:
    """A stand-in for OSCAR in which everybody of COOKIES has a session."""
    with running() as oscar_rest:
        oscar_rest.sessions |= COOKIES
        yield oscar_rest


@pytest.fixture
def sidecar_settings(standing_in: StandIn, tmp_path: Path) -> dict[str, str]:
    """What an operator would set; http, for the tests."""
    return {
        "oscar_url": standing_in.url,
        "secret_key": "0123456789abcdef" * 4,
        "https_only": "no",
        "session_folder": str(tmp_path / "sessions"),
        "oscar_connect_seconds": "60",  # a slow machine is no fault
        "oscar_seconds": "60",
    }


@pytest.fixture
def staff(oscar: Any) -> None:
    """A doctor, an administrator who sees patients, somebody with the CPAR role alone, and somebody without any."""
    people = {DOCTOR: "Okafor", MANAGER: "Penner", CPAR_ROLE: "Quill", NO_RIGHTS: "Brar"}
    for provider_id, name in people.items():
        oscar.provider(provider_id, last_name=name, first_name="Ada")
    oscar.role(DOCTOR, "doctor")
    oscar.role(MANAGER, "admin", "receptionist")
    oscar.role(CPAR_ROLE, "CPAR Admin")
    for role, name in (
        ("doctor", "_demographic"),
        ("receptionist", "_demographic"),
        ("admin", "_admin"),
        ("CPAR Admin", "_admin.cpar"),
    ):
        oscar.privilege(role, name, "x")


class Person:
    """Somebody at a browser, with a session of OSCAR's or without. Follows no redirect by itself."""

    def __init__(self, site: str, cookie: str | None = None) -> None:
        self.site = site
        self.session = requests.Session()
        self.session.trust_env = False
        if cookie:
            self.session.cookies.set("JSESSIONID", cookie, path="/oscar")

    def get(self, path: str = "/", **more: Any) -> requests.Response:
        """Open an address below the context path."""
        return self.session.get(f"{self.site}{CONTEXT_PATH}{path}", allow_redirects=False, timeout=120, **more)

    def post(self, path: str, **more: Any) -> requests.Response:
        """Send a form to an address below the context path."""
        return self.session.post(f"{self.site}{CONTEXT_PATH}{path}", allow_redirects=False, timeout=120, **more)


Beside = Callable[..., Flask]


@pytest.fixture
def beside(host: OscarHost, staff: None, sidecar_settings: dict[str, str]) -> Beside:
    """Makes the application, with the installed plugin enabled; arguments are settings."""
    clinic.enable(host, host.identity.system)

    def make(**settings: str) -> Flask:
        plugins = Plugins()
        plugins.load_installed()
        return create_app(replace(host, settings=sidecar_settings | settings), plugins)

    return make


@pytest.fixture
def app(beside: Beside) -> Flask:
    """The application with its default settings."""
    return beside()


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """Where it answers."""
    with serving(app) as address:
        yield address


@pytest.fixture
def person(site: str) -> Callable[[str | None], Person]:
    """Makes somebody with this value of OSCAR's cookie."""
    return lambda cookie: Person(site, cookie)


@pytest.fixture
def panel(host: OscarHost, beside: Beside) -> int:
    """The panel 0042 of the doctor."""
    with host.database.engine.connect() as connection:
        version = clinic.load(connection).version
    clinic.save(host, host.identity.system, name="Example Clinic", site_id="S-1", version=version)
    return editing.create(host, host.identity.system, panel_draft("0042", ["113"], [(DOCTOR, "123456789")]))


@pytest.fixture
def accounts(host: OscarHost, emr: OscarHost, staff: None) -> None:
    """Those of the administrator and of the doctor."""
    with emr.database.writing() as connection:
        for user_name, provider_id in (("penner", MANAGER), ("okafor", DOCTOR)):
            values = {"user_name": user_name, "password": KEPT_PASSWORD, "provider_no": provider_id}
            connection.execute(insert(host.tables.security).values(values))


@pytest.fixture
def change(host: OscarHost, emr: OscarHost) -> Callable[..., None]:
    """Changes the administrator's row."""

    def write(**columns: Any) -> None:
        security = host.tables.security
        with emr.database.writing() as connection:
            connection.execute(update(security).where(security.c.user_name == "penner").values(columns))

    return write


@pytest.fixture
def password_settings() -> dict[str, str]:
    """What an operator sets for the fallback."""
    return {"sign_in": "password"}


@pytest.fixture
def password_site(beside: Beside, accounts: None, password_settings: dict[str, str]) -> Iterator[str]:
    """The application with the fallback."""
    with serving(beside(**password_settings)) as address:
        yield address


class Visitor(Person):
    """Somebody at the form of the fallback."""

    def token(self) -> str:
        match = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/sign-in").text)
        assert match
        return match[1]

    def sign_in(self, user_name: str = "penner", password: str = PASSWORD, **more: Any) -> requests.Response:
        """Send the form."""
        fields = {"csrf_token": self.token(), "user_name": user_name, "password": password}
        headers = more.pop("headers", None)
        return self.post("/sign-in", data=fields | more, headers=headers)


@pytest.fixture
def visitor(password_site: str) -> Visitor:
    """Not signed in."""
    return Visitor(password_site)
