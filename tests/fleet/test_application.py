"""One application serves all clinics of a fleet, over HTTP; each is made when it is first needed."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from sqlalchemy import insert, text

from cpar_plugin.store.migrations import SOURCE
from oscar_host.fleet.application import FleetApplication
from oscar_host.fleet.command import command
from oscar_host.host import open_host
from oscar_host.passwords import hashed

from ..conftest import Oscar
from ..serving import serving
from ..waiting import wait_until
from .conftest import Folder, MakeDatabase, fill

PASSWORD = "a good password"
KEPT_PASSWORD = hashed(PASSWORD)


class Site:
    """A fleet that is served, as somebody at a browser sees it."""

    def __init__(self, application: FleetApplication, address: str) -> None:
        self.application = application
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.session.get(self.address + path, allow_redirects=False, timeout=60, **more)

    def sign_in(self, at: str) -> requests.Response:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(f"{at}/sign-in").text)
        assert token
        data = {"csrf_token": token[1], "user_name": "okafor", "password": PASSWORD, "pin": ""}
        return self.session.post(f"{self.address}{at}/sign-in", data=data, allow_redirects=False, timeout=60)


Serve = Callable[[], Site]


@pytest.fixture
def served(folder: Folder) -> Iterator[Serve]:
    """Serves the fleet."""
    with ExitStack() as stack:

        def serve() -> Site:
            application = FleetApplication(folder.read())
            stack.callback(application.close)
            return Site(application, stack.enter_context(serving(application)))

        yield serve


def with_account(url: str) -> str:
    """Let the doctor have an account."""
    fill(url)
    with open_host(url) as host:
        Oscar(host).role("101", "doctor")
        account = {"user_name": "okafor", "password": KEPT_PASSWORD, "provider_no": "101"}
        with host.database.writing() as connection:
            connection.execute(insert(host.tables.security).values(account))
    return url


def test_each_clinic_has_its_pages_below_its_own_path(folder: Folder, served: Serve) -> None:
    folder.add("north")
    folder.add("south", context_path="/emr-south/cpar")
    site = served()
    for path in ("/north/cpar", "/emr-south/cpar"):
        answer = site.get(f"{path}/sign-in")
        assert answer.status_code == 200
        assert f'action="{path}/sign-in' in answer.text
        assert site.get(f"{path}/fhir/metadata").json()["resourceType"] == "CapabilityStatement"


def test_a_wrong_clinic_answers_503_and_an_unknown_address_404(folder: Folder, served: Serve) -> None:
    folder.add("north")
    folder.add("south", automatic_day="99")
    site = served()
    assert site.get("/north/cpar/sign-in").status_code == 200
    wrong = site.get("/south/cpar/panels")
    assert (wrong.status_code, wrong.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert "These pages are not available" in wrong.text
    assert "automatic" not in wrong.text
    program = site.get("/south/cpar/fhir/Group")
    assert (program.status_code, program.json()["resourceType"]) == (503, "OperationOutcome")
    for path in ("/", "/east/cpar/panels", "/northern/cpar", "/north"):
        assert site.get(path).status_code == 404, path


def test_a_sign_in_at_one_clinic_is_none_at_another(folder: Folder, served: Serve, new_database: MakeDatabase) -> None:
    for name in ("north", "south"):
        folder.add(name, database_url=with_account(new_database()))
    site = served()
    assert site.sign_in("/north/cpar").status_code == 303
    cookie = next(iter(site.session.cookies))
    assert (cookie.name, cookie.path) == ("oscar_sidecar_north", "/north/cpar")
    assert site.get("/north/cpar/panels").status_code != 303
    assert site.get("/south/cpar/panels").status_code == 303
    site.session.cookies.set("oscar_sidecar_south", cookie.value, path="/south/cpar")
    assert site.get("/south/cpar/panels").status_code == 303


def test_no_more_clinics_are_open_than_the_setting_allows(folder: Folder, served: Serve) -> None:
    folder.write("open_clinics = 2")
    for number in range(4):
        folder.add(f"clinic-{number}")
    site = served()
    for _ in range(2):
        for number in range(4):
            assert site.get(f"/clinic-{number}/cpar/sign-in").status_code == 200
            assert len(site.application.open) <= 2


def test_a_clinic_that_is_added_changed_or_removed_needs_no_restart(folder: Folder, served: Serve) -> None:
    site = served()
    assert site.get("/north/cpar/sign-in").status_code == 404
    file = folder.add("north")
    assert site.get("/north/cpar/sign-in").status_code == 200
    file.write_text(file.read_text() + "\ncontext_path = /changed/cpar\n")
    assert site.get("/changed/cpar/sign-in").status_code == 200
    assert site.get("/north/cpar/sign-in").status_code == 404
    file.unlink()
    assert site.get("/changed/cpar/sign-in").status_code == 404
    wait_until(lambda: len(site.application.open) == 0)  # the answer arrives before its last use has ended


def test_by_name_each_clinic_has_its_pages_at_a_host_of_its_own(folder: Folder, served: Serve) -> None:
    folder.write("by = name", "domain = emr.example")
    folder.add("north")
    folder.add("south", public_url="https://south-clinic.example/oscar/cpar")
    site = served()
    for host in ("north.emr.example", "NORTH.emr.example:8443", "south-clinic.example"):
        assert site.get("/oscar/cpar/sign-in", headers={"Host": host}).status_code == 200, host
    for host in ("south.emr.example", "emr.example", "127.0.0.1"):
        assert site.get("/oscar/cpar/sign-in", headers={"Host": host}).status_code == 404, host


def test_behind_proxies_the_name_that_they_pass_on_counts(folder: Folder, served: Serve) -> None:
    folder.add("north", public_url="https://north.example/oscar/cpar")
    headers = {"X-Forwarded-Host": "north.example", "X-Forwarded-Proto": "https"}
    folder.write("by = name")
    assert served().get("/oscar/cpar/sign-in", headers=headers).status_code == 404
    folder.write("by = name", "trusted_proxies = 1")
    assert served().get("/oscar/cpar/sign-in", headers=headers).status_code == 200


def test_a_clinic_whose_database_is_away_answers_503_and_the_others_are_served(folder: Folder, served: Serve) -> None:
    folder.add("north")
    folder.add("south", database_url="mysql+pymysql://nobody@127.0.0.1:1/cpar", database_connect_seconds="1")
    site = served()
    assert site.get("/south/cpar/sign-in").status_code == 503
    assert site.get("/north/cpar/sign-in").status_code == 200


def test_a_clinic_is_opened_whose_tables_another_machine_has_updated_already(
    folder: Folder, new_database: MakeDatabase, served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_database()
    with open_host(url) as host, host.database.engine.begin() as connection:
        connection.execute(text(f"UPDATE {SOURCE.version_table} SET version_num = 'newer'"))
    folder.add("north", database_url=url)
    assert served().get("/north/cpar/sign-in").status_code == 200
    monkeypatch.setenv("CPAR_FLEET", str(folder.file))
    result = CliRunner().invoke(command, ["migrate"])
    assert (result.exit_code, "north: Problem: The tables are from a newer version" in result.output) == (1, True)
