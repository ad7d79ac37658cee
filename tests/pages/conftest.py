"""The embedded EMR with a small clinic in it, and people who use it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.hooks import Plugins
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

from ..signing_in import sign_in
from .list_layouts import LISTED

DOCTOR, OTHER_DOCTOR, RECEPTION, MANAGER, CPAR_ROLE, NO_RIGHTS, BARRED = (
    "101",
    "102",
    "201",
    "301",
    "302",
    "401",
    "303",
)
# The public key of a client.
PUBLIC_KEYS = """{"keys": [{"kty": "EC", "crv": "P-384", "kid": "ec-1", "use": "sig", "alg": "ES384",
 "x": "C2A0piZVApTBl516APHoEHZasF3hVmgqjmBALJEjEg0URG_v6lg8hHQmtbEtZms4",
 "y": "WGWqdNB_OhFycHYUxhIJ2VtMQnr1RIAHLJgdDWaqLB_TusmDCpEKDEicuChHhf-I"}]}"""
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Person:
    """Somebody at a browser: follows no redirect by itself, and sends the page's own token with each form."""

    def __init__(self, app: Flask, provider_id: str | None) -> None:
        self.client: FlaskClient = app.test_client()
        self._provider_id = provider_id
        self._token = ""
        if provider_id:
            self.sign_in()

    def sign_in(self) -> None:
        """As if the sign-in had been passed."""
        sign_in(self.client, self._provider_id or "")

    def get(self, path: str, **query: Any) -> TestResponse:
        """Open an address."""
        return self.client.get(path, query_string=query or None)

    def post(
        self, path: str, token: bool = True, headers: Mapping[str, str] | None = None, **fields: Any
    ) -> TestResponse:
        """Send a form. A field whose value is a list is sent once for each of its items."""
        if token:
            self._token = self._token or self.shown_token()
            fields["csrf_token"] = self._token
        if path.startswith("/sign-"):
            self._token = ""  # a new session has a new one
        return self.client.post(path, data=fields, headers=headers)

    def see(self, path: str, **fields: Any) -> TestResponse:
        """Send a form, and open the page that it leads to, if it does."""
        answer = self.post(path, **fields)
        return self.client.get(answer.location) if answer.status_code == 303 else answer

    def renew_token(self) -> None:
        """Take the token of a page as it is now, as someone does who loads it again."""
        self._token = self.shown_token()

    def shown_token(self) -> str:
        """The token that the pages of this session have."""
        answer = _TOKEN.search(self.client.get("/sign-in").get_data(as_text=True))
        assert answer
        return answer[1]


@pytest.fixture
def staff(oscar: Any) -> None:
    """Two doctors, a receptionist, two administrators, somebody with the CPAR role alone, somebody without any."""
    with oscar.at_once():
        oscar.provider(DOCTOR, last_name="Okafor", first_name="Adaeze", ohip_no="1234-56789")
        oscar.provider(OTHER_DOCTOR, last_name="Tremblay", first_name="Hélène", ohip_no="2234-56789")
        others = {RECEPTION: "Santos", MANAGER: "Penner", BARRED: "Petty", CPAR_ROLE: "Quill", NO_RIGHTS: "Brar"}
        for provider_id, name in others.items():
            oscar.provider(provider_id, last_name=name, first_name="Ada", provider_type="staff", ohip_no="")
        oscar.role(DOCTOR, "doctor")
        oscar.role(RECEPTION, "receptionist")
        oscar.role(MANAGER, "admin", "receptionist")
        oscar.role(BARRED, "admin", "receptionist")
        oscar.role(CPAR_ROLE, "CPAR Admin")
        for role, name, letter in (
            ("doctor", "_demographic", "x"),
            ("receptionist", "_demographic", "x"),
            ("admin", "_admin", "x"),
            ("CPAR Admin", "_admin.cpar", "x"),
        ):
            oscar.privilege(role, name, letter)


@pytest.fixture
def app(host: OscarHost, staff: None) -> Flask:
    """The embedded EMR with the installed plugin, the integration enabled, the clinic not yet configured."""
    clinic.enable(host, host.identity.system)
    plugins = Plugins()
    plugins.load_installed()
    return create_app(host, plugins)


@pytest.fixture
def configured(app: Flask, host: OscarHost) -> None:
    """Clinic Name and Site ID are entered."""
    with host.database.engine.connect() as connection:
        version = clinic.load(connection).version
    clinic.save(host, host.identity.system, name="Example Clinic", site_id="S-1", version=version)


@pytest.fixture
def make_panel(configured: None, host: OscarHost) -> Callable[..., int]:
    """Makes a panel; returns its id."""

    def make(number: str = "0042", provider_id: str = DOCTOR, digits: str = "123456789") -> int:
        return editing.create(host, host.identity.system, panel_draft(number, ["113"], [(provider_id, digits)]))

    return make


@pytest.fixture
def fill(host: OscarHost, oscar: Any) -> Callable[..., None]:
    """Puts a patient on each of some panels: an empty one cannot be submitted."""

    def put(*panel_ids: int) -> None:
        for panel_id in panel_ids:
            one_patient.choose(host, host.identity.system, oscar.patient(), panel_id, seen_panel_id=None)

    return put


@pytest.fixture
def panel(make_panel: Callable[..., int]) -> int:
    """The panel 0042 of Dr Okafor."""
    return make_panel()


@pytest.fixture
def other_panel(make_panel: Callable[..., int]) -> int:
    """The panel 0077 of Dr Tremblay."""
    return make_panel("0077", OTHER_DOCTOR, "223456789")


@pytest.fixture
def nobody(app: Flask) -> Person:
    """Not signed in."""
    return Person(app, None)


@pytest.fixture
def no_rights(app: Flask) -> Person:
    """Signed in, without any role."""
    return Person(app, NO_RIGHTS)


@pytest.fixture
def reception(app: Flask) -> Person:
    """A receptionist, who may see patients."""
    return Person(app, RECEPTION)


@pytest.fixture
def doctor(app: Flask) -> Person:
    """A doctor, who may see patients."""
    return Person(app, DOCTOR)


@pytest.fixture
def barred(app: Flask) -> Person:
    """An administrator as the other; a test says which patients are closed to them."""
    return Person(app, BARRED)


@pytest.fixture
def cpar_role(app: Flask) -> Person:
    """Somebody who may manage panels, and see no patient."""
    return Person(app, CPAR_ROLE)


@pytest.fixture
def manager(app: Flask) -> Person:
    """An administrator who may also see patients."""
    return Person(app, MANAGER)


@pytest.fixture
def patients(oscar: Any) -> list[int]:
    """Those of the invented lists and reports, with their PHNs. A module may have others."""
    return [
        oscar.patient(
            hin=one.phn,
            last_name=one.family_name,
            first_name=one.given_name,
            born=one.born.isoformat(),
            sex=one.gender,
        )
        for one in LISTED
    ]
