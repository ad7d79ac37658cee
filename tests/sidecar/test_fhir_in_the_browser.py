"""A person who is signed in to the EMR reads the FHIR interface below the EMR's own path: every link stays there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from flask import Flask

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.hooks import Plugins
from cpar_plugin.services import bulk
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from oscar_host.host import OscarHost

from ..serving import serving
from .conftest import CONTEXT_PATH, DOCTOR, Person

pytestmark = pytest.mark.databases("one")

FOR_CLIENTS = "https://emr.example/fhir"


@dataclass(frozen=True)
class Reading:
    """A manager at a browser, and where the interface is for them."""

    person: Person
    fhir: str

    def get(self, address: str, **headers: str) -> requests.Response:
        assert address.startswith(f"{self.fhir}/"), address
        return self.person.get(address.removeprefix(f"{self.person.site}{CONTEXT_PATH}"), headers=headers)


@pytest.fixture
def reading(host: OscarHost, oscar: Any, beside: Callable[..., Flask], tmp_path: Any) -> Iterator[Reading]:
    """The interface has a public address besides, where the cookie of the EMR is not sent."""
    actor = host.identity.system
    with host.database.engine.connect() as connection:
        version = clinic.load(connection).version
    clinic.save(host, actor, name="Example Clinic", site_id="S-1", version=version)
    panel = editing.create(host, actor, panel_draft("0042", ["113"], [(DOCTOR, "123456789")]))
    with oscar.at_once():
        for number in range(3):
            oscar.patient(provider_no=DOCTOR, hin=f"10000000{number}")
    bulk.carry_out(host, actor, bulk.Assign(DOCTOR, "AC", panel))
    app = beside(fhir_base_url=FOR_CLIENTS, fhir_export_folder=str(tmp_path / "exports"))
    plugins: Plugins = app.extensions["sidecar"].plugins
    own = app.extensions["sidecar"].host
    plugins.emr_startup(own)
    with serving(app) as site:
        yield Reading(Person(site, "manager"), f"{site}{CONTEXT_PATH}/fhir")
    plugins.emr_shutdown(own)


def test_pages_and_resources_are_read_by_the_links_of_a_page(reading: Reading) -> None:
    address, pages, resources = f"{reading.fhir}/Patient?_count=2", 0, 0
    while address:
        answer = reading.get(address)
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        pages += 1
        for entry in bundle["entry"]:
            assert reading.get(entry["fullUrl"]).json()["id"] == entry["resource"]["id"]
            resources += 1
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        assert reading.get(links["self"]).status_code == 200
        address = links.get("next", "")
    assert (pages, resources) == (2, 3)
    group = reading.get(f"{reading.fhir}/Group").json()["entry"][0]
    member = group["resource"]["member"][0]["entity"]["reference"]
    for reference in (member, f"{reading.fhir}/{member}"):
        assert len(reading.get(f"{reading.fhir}/Group?member={reference}").json().get("entry", [])) == 1, reference


def test_an_export_is_requested_polled_and_fetched_by_its_own_links(reading: Reading) -> None:
    kicked = reading.get(f"{reading.fhir}/$export", Accept="application/fhir+json", Prefer="respond-async")
    assert kicked.status_code == 202, kicked.text
    answer = reading.get(kicked.headers["Content-Location"])
    while answer.status_code == 202:
        answer = reading.get(kicked.headers["Content-Location"])
    manifest = answer.json()
    assert manifest["request"] == f"{reading.fhir}/$export"
    for file in manifest["output"]:
        assert reading.get(file["url"]).status_code == 200


def test_what_a_person_reads_is_not_compressed(reading: Reading) -> None:
    """Its length would show another site what is in it: a browser sends the cookie for whoever asks."""
    answer = reading.get(f"{reading.fhir}/Patient", **{"Accept-Encoding": "gzip"})
    assert len(answer.content) > 1400
    assert "Content-Encoding" not in answer.headers
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_what_clients_have_to_know_names_the_address_for_clients(reading: Reading) -> None:
    assert reading.get(f"{reading.fhir}/metadata").json()["implementation"]["url"] == FOR_CLIENTS
    smart = reading.get(f"{reading.fhir}/.well-known/smart-configuration").json()
    assert smart["token_endpoint"] == f"{FOR_CLIENTS}/token"
