"""A registry that runs, and submissions written by hand."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import orjson
import pytest
import requests

from oscar_host.demo.registry.process import RunningRegistry

Json = dict[str, Any]
Post = Callable[[Json], requests.Response]


def urn(name: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, name)}"


def entry(kind: str, system: str, value: str, **elements: Any) -> Json:
    return {
        "fullUrl": urn(f"{kind}/{value}"),
        "resource": {"resourceType": kind, "identifier": [{"system": system, "value": value}], **elements},
        "request": {"method": "PUT", "url": f"{kind}?identifier={quote(f'{system}|{value}', safe='')}"},
    }


def written(patients: int = 2, identifier: str = "urn:uuid:8a3f3e9e-8f0e-4b5c-9d51-2f1f2f7d9a10") -> Json:
    """A submission as the standard wants it: a clinic, a facility, a provider, some patients and the panel."""
    clinic = entry("Organization", "https://x.invalid/site", "S-1", name="Example Clinic")
    place = entry(
        "Location", "https://x.invalid/facility", "000113", managingOrganization={"reference": urn("Organization/S-1")}
    )
    doctor = entry("Practitioner", "https://x.invalid/practitioner", "123456789", name=[{"family": "Doctor"}])
    role = entry(
        "PractitionerRole",
        "https://x.invalid/role",
        "123456789-000113",
        practitioner={"reference": urn("Practitioner/123456789")},
        location=[{"reference": urn("Location/000113")}],
    )
    numbers = [f"{number:09}" for number in range(1, patients + 1)]
    people = [
        entry(
            "Patient",
            "https://x.invalid/phn",
            number,
            name=[{"use": "official", "family": "Example", "given": ["Pat"]}],
            gender="female",
            birthDate="1980-02-29",
            generalPractitioner=[{"reference": urn("PractitionerRole/123456789-000113")}],
        )
        for number in numbers
    ]
    panel = entry(
        "Group",
        "https://x.invalid/panel",
        "0042",
        type="person",
        actual=True,
        quantity=patients,
        member=[
            {
                "extension": [{"url": "https://x.invalid/confirmed", "valueDate": "2026-11-01"}],
                "entity": {"reference": urn(f"Patient/{number}")},
                "period": {"start": "2026-11-01T08:00:00Z"},
            }
            for number in numbers
        ],
    )
    return {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": identifier},
        "type": "transaction",
        "entry": [clinic, place, doctor, role, *people, panel],
    }


@pytest.fixture
def submission() -> Callable[..., Json]:
    """Writes a submission: `submission(patients=2, identifier=...)`."""
    return written


@pytest.fixture
def post(registry: RunningRegistry) -> Post:
    """Sends a submission to the registry."""

    def send(bundle: Json) -> requests.Response:
        headers = {"Content-Type": "application/fhir+json"}
        body = orjson.dumps(bundle)
        return requests.post(registry.fhir_url, body, headers=headers, timeout=120, allow_redirects=False)

    return send
