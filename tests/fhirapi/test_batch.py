"""Several reads in one request."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from cpar_plugin.hooks import Actor
from cpar_plugin.services.panels import one_patient
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from .recorded import GIVEN_OUT
from .rest import BASE, Json, Reader

S = Settings()
Check = Callable[[Json], None]


def get(*urls: str, **more: str) -> Json:
    entries = [{"request": {"method": "GET", "url": url, **more}} for url in urls]
    return {"resourceType": "Bundle", "type": "batch", "entry": entries}


def post(reader: Reader, bundle: Any, path: str = "/", **headers: str) -> TestResponse:
    sent = {
        "Content-Type": "application/fhir+json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return reader.send("POST", path, data=orjson.dumps(bundle), headers=sent)


def answers(reader: Reader, bundle: Any) -> list[Json]:
    answer = post(reader, bundle)
    assert answer.status_code == 200, answer.text
    result = answer.json
    assert result is not None
    assert (result["resourceType"], result["type"]) == ("Bundle", "batch-response")
    entries: list[Json] = result.get("entry", [])
    return entries


def test_each_entry_is_answered_as_if_it_had_been_sent_alone(
    reader: Reader, people: dict[str, int], panel: int, check_r4: Check
) -> None:
    patient = people["helene"]
    version = reader.json(f"/Patient/{patient}")["meta"]["versionId"]
    urls = [
        f"Patient/{patient}",
        f"/Patient/{patient}/_history/{version}",
        f"{BASE}/Patient?family=trem&_sort=family",
        f"Patient?identifier={S.uri_phn}%7C100000001",
        f"Group/{panel}",
        "Group?member.identifier=100000002",
        "Group?member.identifier=100000002&_elements=identifier",
        "Patient?_has:Group:member:identifier=0042&_count=0",
        "Practitioner?colour=red",
        "Organization/clinic",
        "SearchParameter/group-name",
    ]
    bundle = post(reader, get(*urls)).json
    assert bundle is not None
    check_r4(bundle)
    for url, entry in zip(urls, bundle["entry"], strict=True):
        alone = reader.get(f"/{url.removeprefix(BASE).lstrip('/')}")
        assert entry["resource"] == alone.json, url
        assert entry["response"]["status"] == "200 OK"
        assert entry["response"].get("etag") == alone.headers.get("ETag")
        assert ("lastModified" in entry["response"]) == ("Last-Modified" in alone.headers)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"method": "PUT", "url": "Patient/1"}, "405"),
        ({"method": "POST", "url": "Patient"}, "405"),
        ({"method": "DELETE", "url": "Patient/1"}, "405"),
        ({"method": "POST", "url": "Group/1/$confirm"}, "405"),
        ({"method": "GET", "url": "Patient/99999"}, "404"),
        ({"method": "GET", "url": "Observation?x=y"}, "404"),
        ({"method": "GET", "url": "$export"}, "404"),
        ({"method": "GET", "url": "https://elsewhere.invalid/Patient/1"}, "404"),
        ({"method": "GET", "url": "Patient?birthdate=tomorrow"}, "400"),
        ({"method": "GET", "url": "Patient?_format=xml"}, "406"),
        ({"method": "GET", "url": "Patient?family=%ff"}, "400"),
        ({"method": "GET"}, "400"),
        ({"method": 1, "url": []}, "400"),
        (None, "400"),
        ({"method": "GET", "url": "Patient/1", "ifModifiedSince": "yesterday"}, "400"),
    ],
)
def test_an_entry_that_cannot_be_answered_is_refused_alone(
    reader: Reader, people: dict[str, int], check_r4: Check, request_: Any, status: str
) -> None:
    good = get("Organization/clinic")["entry"]
    wrong = {"request": request_} if request_ else {}
    first, refused, last = answers(reader, {"resourceType": "Bundle", "type": "batch", "entry": [*good, wrong, *good]})
    assert first == last
    assert first["response"]["status"] == "200 OK"
    assert refused["response"]["status"].startswith(status)
    assert "resource" not in refused
    check_r4(refused["response"]["outcome"])


def test_nothing_is_changed_by_a_batch(site: OscarHost, reader: Reader, people: dict[str, int], panel: int) -> None:
    before = reader.json(f"/Group/{panel}")
    parameters = {"resourceType": "Parameters", "parameter": []}
    for method, url in (("POST", f"Group/{panel}/$confirm"), ("PUT", f"Group/{panel}"), ("PATCH", f"Group/{panel}")):
        entry = {"request": {"method": method, "url": url}, "resource": parameters}
        [refused] = answers(reader, {"resourceType": "Bundle", "type": "batch", "entry": [entry]})
        assert refused["response"]["status"].startswith("405")
    assert reader.json(f"/Group/{panel}") == before


def test_an_entry_is_read_if_it_has_changed(reader: Reader, people: dict[str, int]) -> None:
    alone = reader.json(f"/Patient/{people['helene']}")["meta"]
    url = f"Patient/{people['helene']}"
    for more in ({"ifNoneMatch": f'W/"{alone["versionId"]}"'}, {"ifModifiedSince": alone["lastUpdated"]}):
        [entry] = answers(reader, get(url, **more))
        assert (entry["response"]["status"], "resource" in entry) == ("304 NOT MODIFIED", False)
    [entry] = answers(reader, get(url, ifNoneMatch='W/"1"'))
    assert entry["resource"]["id"] == str(people["helene"])
    [head] = answers(
        reader, {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "HEAD", "url": url}}]}
    )
    assert (head["response"]["status"], "resource" in head) == ("200 OK", False)


def test_a_batch_is_a_bundle_of_that_type(reader: Reader, people: dict[str, int]) -> None:
    for bundle, status in (
        (get(), 200),
        ({"resourceType": "Bundle", "type": "batch"}, 200),
        ({**get("Patient"), "type": "transaction"}, 501),
        ({**get("Patient"), "type": "collection"}, 400),
        ({"resourceType": "Patient"}, 400),
        ([], 400),
        ({"resourceType": "Bundle", "type": "batch", "entry": {}}, 400),
        (get(*["Organization/clinic"] * 1001), 413),
        (get("Patient?family=" + "x" * 1_100_000), 413),
    ):
        answer = post(reader, bundle)
        assert answer.status_code == status, answer.text[:300]
        assert answer.mimetype == "application/fhir+json"
    assert reader.send("POST", "/", data="{", headers={"Content-Type": "application/fhir+json"}).status_code == 400
    assert reader.send("POST", "/", data="{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert reader.get("/").status_code == 405
    assert post(reader, get("Organization/clinic"), path="").status_code == 200
    assert post(Reader(reader.app, None), get("Organization/clinic")).status_code == 401


def test_each_entry_needs_its_scope_and_shows_the_panels_of_its_sender_alone(
    reader_for: Callable[..., Reader], make_panel: Callable[..., int], people: dict[str, int], panel: int
) -> None:
    narrow = reader_for("Groups", scopes="system/Group.rs")
    statuses = [
        one["response"]["status"][:3] for one in answers(narrow, get("Group", "Patient", "Group?member.family=T"))
    ]
    assert statuses == ["200", "403", "403"]
    limited = reader_for("Limited", panels=(make_panel("0077", "103"),))
    found = answers(limited, get("Patient", f"Patient/{people['oscar']}", "Group?member.identifier=100000002"))
    assert found[0]["resource"]["total"] == 0
    assert found[1]["response"]["status"][:3] == "404"
    assert found[2]["resource"]["total"] == 0


def test_each_entry_leaves_a_record_of_its_own(site: OscarHost, reader: Reader, people: dict[str, int]) -> None:
    urls = [f"Patient/{people['helene']}", "Patient?identifier=100000002", "Organization", "Patient/99999"]
    answers(reader, get(*urls))
    read = tables.read.c
    with site.database.engine.connect() as connection:
        rows = connection.execute(select(read.interaction, read.kind, read.resource_id).order_by(read.read_id)).all()
        patients = [row.patient_id for row in connection.execute(GIVEN_OUT)]
    assert [tuple(row) for row in rows] == [("read", "Patient", str(people["helene"])), ("search", "Patient", "")]
    assert patients == [people["helene"], people["oscar"]]


@pytest.mark.parametrize("many", [120, pytest.param(1000, marks=pytest.mark.large)])
def test_very_many_health_numbers_are_asked_about_at_once(
    site: OscarHost, oscar: Any, clerk: Actor, reader: Reader, panel: int, statements: list[str], many: int
) -> None:
    with oscar.at_once():
        patients = {f"{200000000 + number}": oscar.patient(hin=f"{200000000 + number}") for number in range(0, many, 4)}
    for patient_id in patients.values():
        one_patient.choose(site, clerk, patient_id, panel, seen_panel_id=None)
    numbers = [f"{200000000 + number}" for number in range(many)]
    entries = answers(reader, get(*(f"Patient?identifier={S.uri_phn}%7C{one}&_elements=id" for one in numbers)))
    matched = {
        number: int(entry["resource"]["entry"][0]["resource"]["id"])
        for number, entry in zip(numbers, entries, strict=True)
        if entry["resource"]["total"]
    }
    assert matched == patients
    with site.database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.read)) == many
