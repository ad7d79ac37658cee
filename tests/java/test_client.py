"""HAPI's client reads a served clinic, and HL7's validator finds nothing wrong in what it gets."""

import datetime as dt
import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
import requests
from sqlalchemy import select

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.fhir_mappings.structures import panel_profile_url
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.fhir import refresh
from cpar_plugin.services.operations import clinic as clinics
from cpar_plugin.services.panels import editing
from cpar_plugin.settings import Settings, load
from oscar_host.demo.data.writing import fill
from oscar_host.host import OscarHost

from ..fhirapi.clients import ASSERTION_TYPE, EVERY_SCOPE, KeyPair, key_set
from ..fhirapi.server import running
from ..panels.test_registry_reports import receive
from .conftest import java
from .test_definitions import errors

Json = dict[str, Any]
Ask = Callable[[str, Json], Json]
PATIENTS = 200
# A value for each parameter, from a resource that a search finds where there is one.
SEARCHES: dict[str, Callable[[Json], object]] = {
    "_id": lambda one: one["id"],
    "_lastUpdated": lambda one: f"ge{one['meta']['lastUpdated'][:10]}",
    "active": lambda one: "true",
    "actual": lambda one: "true",
    "authored-on": lambda one: "ge2020",
    "birthdate": lambda one: one["birthDate"],
    "business-status": lambda one: one["businessStatus"]["coding"][0]["code"],
    "characteristic": lambda one: "attributed-to",
    "characteristic-reference": lambda one: one["characteristic"][0]["valueReference"]["reference"],
    "code": lambda one: one["code"]["coding"][0]["code"],
    "criteria": lambda one: one["criteria"],
    "deceased": lambda one: "false",
    "exclude": lambda one: "false",
    "family": lambda one: one["name"][0]["family"],
    "focus": lambda one: one["focus"]["reference"],
    "gender": lambda one: one["gender"],
    "general-practitioner": lambda one: one["generalPractitioner"][0]["reference"],
    "given": lambda one: one["name"][0]["given"][0],
    "identifier": lambda one: one["identifier"][0]["value"],
    "location": lambda one: one["location"][0]["reference"],
    "managing-entity": lambda one: one["managingEntity"]["reference"],
    "member": lambda one: one["member"][0]["entity"]["reference"],
    "modified": lambda one: "ge2020",
    "name": lambda one: one["name"] if isinstance(one["name"], str) else one["name"][0]["family"],
    "organization": lambda one: "Organization/clinic",
    "patient": lambda one: one["for"]["reference"],
    "phonetic": lambda one: one["name"][0]["family"],
    "practitioner": lambda one: one["practitioner"]["reference"],
    "status": lambda one: one["status"],
    "type": lambda one: one["type"],
    "url": lambda one: one["url"] if "url" in one else one["channel"]["endpoint"],
    "value": lambda one: "none",
    "version": lambda one: one["version"],
}
# The clinic has made none.
UNSEEN = {
    "id": "1",
    "meta": {"lastUpdated": "2020-01-01T00:00:00Z"},
    "criteria": "https://cpar.invalid/SubscriptionTopic/panel-membership",
    "status": "active",
    "channel": {"endpoint": "https://receiver.invalid/"},
}
NO_HITS = {"Group?value"}  # no characteristic of a panel has a code as its value


class Served(NamedTuple):
    """A served clinic of invented patients, with a token for everything that can be read."""

    fhir: str
    token: str
    panel: int

    def with_hapi(self, errand: str, *addresses: str) -> list[list[Json]]:
        """What HAPI's client reads, for each address."""
        command = java("Read.java", self.fhir, self.token, errand, *addresses)
        result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert result.returncode == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def served(
    host: OscarHost, emr: OscarHost, clock: FixedClock, rsa: KeyPair, environment: dict[str, str], tmp_path: Path
) -> Iterator[Served]:
    """An invented clinic with one panel, and a line of a report."""
    clock.move_to(dt.datetime.now(dt.UTC))  # that of the server
    fill(emr.database, host.tables, patients=PATIENTS, seed=1, as_of=clock.now().date())
    actor = host.identity.system
    clinics.enable(host, actor)
    clinics.save(host, actor, name="Saskatoonberry Family Clinic", site_id="S-0815", version=1)
    panel = editing.create(host, actor, panel_draft("0044", ["113", "2047"], [("104", "000000104")]))
    bulk.carry_out(host, actor, bulk.Assign("104", "AC", panel))
    record = host.roster.patients()
    with host.database.engine.connect() as connection:
        phn = connection.scalar(select(record.c.phn).where(record.c.mrp_id == "104", record.c.phn.is_not(None)))
    receive(host, actor, (str(phn), "", "", "", "Dr. Else"))
    refresh.refresh(host, load({}))
    draft = ClientDraft(name="HAPI", scopes=EVERY_SCOPE, jwks=key_set(rsa), panels=())
    client = registry.register(host, actor, draft)
    with running(environment, tmp_path) as fhir:
        now = int(dt.datetime.now(dt.UTC).timestamp())
        claims = {"iss": client, "sub": client, "aud": f"{fhir}/token", "exp": now + 240, "jti": uuid.uuid4().hex}
        form = {
            "grant_type": "client_credentials",
            "scope": EVERY_SCOPE,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": rsa.sign(claims),
        }
        answer = requests.post(f"{fhir}/token", data=form, timeout=60)
        assert answer.status_code == 200, answer.text
        yield Served(fhir, answer.json()["access_token"], panel)


def found(pages: list[Json], mode: str = "match") -> list[Json]:
    """What is on all pages of a search."""
    entries = (entry for page in pages for entry in page.get("entry", []))
    return [entry["resource"] for entry in entries if entry["search"]["mode"] == mode]


def test_hapi_searches_by_every_parameter_of_the_capability_statement(served: Served) -> None:
    ((capability,),) = served.with_hapi("capability", "")
    kinds = {one["type"]: one["searchParam"] for one in capability["rest"][0]["resource"] if "searchParam" in one}
    assert {"Group", "Patient", "Task", "Subscription", "StructureDefinition"} <= kinds.keys()
    all_of_kinds = served.with_hapi("search", *(f"{kind}?_count=50" for kind in kinds))
    wanted = {}
    for kind, pages in zip(kinds, all_of_kinds, strict=True):
        for name in (one["name"] for one in kinds[kind]):
            for one in found(pages) or [UNSEEN]:
                with suppress(LookupError):
                    wanted[f"{kind}?{name}"] = (str(SEARCHES[name](one)), one["id"])
                    break
    assert wanted.keys() == {f"{kind}?{one['name']}" for kind, of_kind in kinds.items() for one in of_kind}
    answers = served.with_hapi("search", *(f"{name}={quote(value)}&_count=500" for name, (value, _) in wanted.items()))
    for (name, (value, of_id)), pages in zip(wanted.items(), answers, strict=True):
        assert found(pages, "outcome") == [], name
        searched = [one["id"] for one in found(pages)]
        expected = not name.startswith("Subscription?") and name not in NO_HITS
        assert (of_id in searched) == expected, f"{name}={value}"


def test_hapi_reads_all_pages_and_each_hit_again_by_its_version(served: Served) -> None:
    (pages,) = served.with_hapi("search", "Patient?_count=6")
    patients = found(pages)
    assert len(pages) == -(-len(patients) // 6) > 1
    assert pages[0]["total"] == len(patients) == len({one["id"] for one in patients})
    again = served.with_hapi(
        "again", *(f"{kind}?_count=50" for kind in ("Group", "Patient", "PractitionerRole", "Task"))
    )
    assert all(again)
    assert again[1] == patients


def test_hl7s_validator_finds_no_error_in_what_hapi_exports_and_searches(served: Served, hl7_validator: Ask) -> None:
    (exported,) = served.with_hapi("export", f"Group/{served.panel}")
    kinds = {one["resourceType"] for one in exported}
    assert kinds == {"Group", "Patient", "PractitionerRole", "Practitioner", "Location", "Organization"}
    (tasks, bundle, cut, outcome), ((capability,),) = (
        served.with_hapi("search", "Task?_count=5", "Patient?_count=2", "Group?_summary=true", "Patient?colour=red"),
        served.with_hapi("capability", ""),
    )
    for one in [*exported, *tasks, *bundle, *cut, *outcome[:1], capability]:
        profile = panel_profile_url(Settings()) if one["resourceType"] == "Group" else ""
        assert errors(hl7_validator(profile, one)) == [], (one["resourceType"], one.get("id"))
