"""The examples in the docs are what the interface answers: `pytest <this file> --examples` writes them anew."""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.fhir_mappings.guide import element
from cpar_plugin.fhir_mappings.published import published
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.fhir import refresh
from cpar_plugin.services.fhir.search.table import SEARCHABLE
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.roster import rates
from cpar_plugin.settings import Settings, load
from oscar_host.demo.data.writing import fill
from oscar_host.host import OscarHost

from ..conftest import NOW
from ..panels.test_registry_reports import receive
from .clients import EVERY_SCOPE, KeyPair, Registered, key_set

Json = dict[str, Any]
PAGE = Path(__file__).parents[2] / "docs/reference/fhir-resources.md"
BASE = "https://emr.example/fhir"
EXAMPLE = re.compile(r"^`GET (/fhir\S*)`\n\n```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OURS = re.compile(r"^\| address \| what it says \|\n\|---\|---\|\n(?:\|.*\n)*", re.MULTILINE)
KINDS = {"Group", "Task", "Patient", "Practitioner", "PractitionerRole", "Location", "Organization"}
# What is drawn by lot.
BY_LOT = (
    (re.compile(r"(_cursor=)[\w.~-]+"), r"\1..."),
    (re.compile(r"(/export/)[0-9a-f-]{36}"), r"\g<1>3f6c0a52-8a0e-4a53-9d53-0c1f5f7e2b11"),
)

Check = Callable[[Json], None]


@pytest.fixture
def clock() -> FixedClock:
    """In a zone that old and new rules know alike: the page does not change with the machine's."""
    return FixedClock(NOW.replace(tzinfo=None), ZoneInfo("America/Regina"))


@pytest.fixture
def app(host: OscarHost, emr: OscarHost, clock: FixedClock, served: Callable[..., Flask]) -> Flask:
    """An invented clinic with one small panel: one patient seen lately, one confirmed by a person, one just added."""
    settings = {"fhir_base_url": BASE}
    clock.move_to(clock.now() - dt.timedelta(days=14))  # so that a month has ended since
    fill(emr.database, host.tables, patients=30, seed=1, as_of=clock.now().date())
    actor = host.identity.system
    clinic.enable(host, actor)
    clinic.save(host, actor, name="Saskatoonberry Family Clinic", site_id="S-0815", version=1)
    draft = panel_draft("0044", ["113", "2047"], [("104", "000000104")])
    panel_id = editing.create(host, actor, draft)
    clock.move_to(clock.now() + dt.timedelta(days=14))
    bulk.carry_out(host, actor, bulk.Assign("104", "AC", panel_id))
    clock.move_to(clock.now() + dt.timedelta(hours=1))
    one_patient.confirm(host, actor, 4, seen_panel_id=panel_id)
    one_patient.choose(host, actor, 15, panel_id, seen_panel_id=None)
    receive(host, actor, (_phn(host, 15), "", "", "", "Dr. Else"))
    refresh.refresh(host, load(settings))
    rates.count(host, load(settings))
    return served(host, settings)


def _phn(host: OscarHost, patient_id: int) -> str:
    record = host.roster.patients()
    with host.database.engine.connect() as connection:
        return str(connection.scalar(select(record.c.phn).where(record.c.patient_id == patient_id)))


@pytest.fixture
def ask(app: Flask, host: OscarHost, rsa: KeyPair) -> Callable[[str], Json]:
    """Asks at an address of the page as a registered client does; the answer, with what is drawn by lot put aside."""
    draft = ClientDraft(name="Network analytics", scopes=EVERY_SCOPE, jwks=key_set(rsa))
    client = Registered(registry.register(host, host.identity.system, draft), rsa, app, host)
    token = client.ask(rsa.sign(client.claims(aud=f"{BASE}/token")), scope=EVERY_SCOPE).json["access_token"]  # type: ignore[index]
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
    sender = app.test_client()

    def exported(address: str) -> TestResponse:
        """The manifest of an export that is asked for at this address."""
        started = sender.get(address, headers=headers | {"Prefer": "respond-async"})
        status = started.headers["Content-Location"].removeprefix("https://emr.example")
        for _ in range(240):  # each waits for half a second
            manifest = sender.get(status, headers=headers)
            if manifest.status_code != 202:
                break
        return manifest

    def answered(address: str) -> Json:
        answer = exported(address) if "$export" in address else sender.get(address, headers=headers)
        text = answer.text
        answer.close()
        for result, instead in BY_LOT:
            text = result.sub(instead, text)
        made: Json = orjson.loads(text)
        return made

    return answered


def written(resource: Json) -> str:
    return json.dumps(resource, indent=2, ensure_ascii=False) + "\n"


def ours(settings: Settings) -> Iterator[str]:
    """The table of what is our own, line by line."""
    yield "| address | what it says |"
    yield "|---|---|"
    for kind, definitions in published(settings, SEARCHABLE).items():
        for one in definitions:
            yield f"| `{kind}/{one['id']}`<br>`{element(one, 'url')}` | {element(one, 'description')} |"


@pytest.fixture
def page(request: pytest.FixtureRequest, ask: Callable[[str], Json]) -> str:
    """The page as it is; with `--examples`, as it has just been written anew."""
    content = PAGE.read_text(encoding="utf-8")
    if request.config.getoption("--examples"):
        content = EXAMPLE.sub(lambda found: f"`GET {found[1]}`\n\n```json\n{written(ask(found[1]))}```", content)
        table = "\n".join(ours(Settings())) + "\n"
        content = OURS.sub(lambda _: table, content)
        PAGE.write_text(content, encoding="utf-8")
    return content


def test_every_example_of_the_page_is_what_the_interface_answers(page: str, ask: Callable[[str], Json]) -> None:
    for address, example in EXAMPLE.findall(page):
        assert example == written(ask(address)), f"{address}: write the page anew with --examples"


def test_every_example_is_valid(page: str, check_r4: Check) -> None:
    for address, example in EXAMPLE.findall(page):
        if "$export" not in address:  # a manifest is no resource
            check_r4(json.loads(example))


def test_each_kind_has_an_example_with_a_heading(page: str) -> None:
    shown = [json.loads(example).get("resourceType", "Manifest of an export") for _, example in EXAMPLE.findall(page)]
    assert {*KINDS, "Bundle", "OperationOutcome", "Manifest of an export"} == set(shown)
    assert len(shown) == page.count("```json")
    assert all(f"\n## {kind}\n" in page for kind in shown)


def test_the_page_lists_everything_that_is_our_own_with_its_address_and_what_it_says(
    page: str, ask: Callable[[str], Json]
) -> None:
    assert "\n".join(ours(Settings())) in page
    for address, url in re.findall(r"^\| `(\w+/[\w-]+)`<br>`(\S+)` \|", page, re.MULTILINE):
        assert element(ask(f"/fhir/{address}"), "url") == url
