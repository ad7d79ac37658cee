"""What the interface refuses, and how: always with an OperationOutcome, never with patient data."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from cpar_plugin.hooks import Actor
from cpar_plugin.services.operations import clinic
from cpar_plugin.web.fhir.routes import LARGEST_REQUEST
from oscar_host.host import OscarHost

from ..signing_in import sign_in
from .rest import Json, Reader

pytestmark = pytest.mark.databases("one")

Check = Callable[[Json], None]


@pytest.fixture
def refused(check_r4: Check) -> Callable[[TestResponse, int, str], Json]:
    """Fails unless the answer is this refusal, as a valid OperationOutcome."""

    def check(answer: TestResponse, status: int, code: str) -> Json:
        assert answer.status_code == status, answer.text
        assert answer.content_type == "application/fhir+json; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        result: Json = orjson.loads(answer.data)
        check_r4(result)
        assert [issue["code"] for issue in result["issue"]] == [code]
        return result

    return check


Refused = Callable[[TestResponse, int, str], Json]
ADDRESSES = (
    "/Patient/1",
    "/Patient",
    "/Group/1",
    "/Group",
    "/Organization/clinic",
    "/Practitioner",
    "/StructureDefinition/cpar-panel/_history",
    "/",
    "/Observation",
    "/Patient/1/_history",
    "/nothing/at/all",
)


def test_nothing_but_what_the_interface_is_is_open(reader: Reader, people: dict[str, int], refused: Refused) -> None:
    nobody = Reader(reader.app, None)
    for address in ADDRESSES:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            answer = nobody.send(method, address)
            refused(answer, 401, "login")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert nobody.send("POST", "/Patient/_search").status_code == 401
    assert nobody.get("/metadata").status_code == 200
    wrong = Reader(reader.app, "wrong")
    for address in ADDRESSES:
        refused(wrong.get(address), 401, "login")


def test_a_token_opens_only_its_scopes(
    reader_for: Callable[..., Reader], people: dict[str, int], panel: int, refused: Refused
) -> None:
    groups = reader_for(scopes="system/Group.rs")
    assert groups.get(f"/Group/{panel}").status_code == 200
    assert groups.get("/Group").status_code == 200
    for address in (f"/Patient/{people['helene']}", "/Patient", "/Practitioner", "/Organization/clinic"):
        refused(groups.get(address), 403, "forbidden")
    refused(groups.send("POST", "/Patient/_search", data={"family": "Tremblay"}), 403, "forbidden")
    refused(groups.get("/Group", {"_include": "Group:member"}), 403, "forbidden")


def test_everything_is_refused_while_the_integration_is_off(
    reader: Reader, site: OscarHost, clerk: Actor, people: dict[str, int], refused: Refused
) -> None:
    clinic.disable(site, clerk)
    for address in ADDRESSES:
        refused(reader.get(address), 403, "forbidden")


def test_what_is_not_done_at_an_address_is_said_with_what_is(
    reader: Reader, people: dict[str, int], refused: Refused
) -> None:
    for address, allowed in (
        ("/Patient/1", "GET, HEAD"),
        ("/Patient", "GET, HEAD"),
        ("/metadata", "GET, HEAD"),
        ("/Patient/_search", "POST"),
    ):
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - set(allowed.split(", ")):
            answer = reader.send(method, address)
            refused(answer, 405, "not-supported")
            assert answer.headers["Allow"] == allowed


def test_what_fhir_knows_but_this_server_does_not_do(reader: Reader, refused: Refused) -> None:
    for method, address in (
        ("GET", "/Patient/1/_history"),
        ("GET", "/Patient/_history"),
        ("GET", "/_history"),
        ("GET", "/Patient/1/$everything"),
        ("POST", "/Patient/$validate"),
        ("GET", "/Patient/$everything"),
        ("GET", "/$meta"),
        ("GET", "//Patient/1"),
        ("GET", "/Patient//1"),
    ):
        refused(reader.send(method, address), 501, "not-supported")
    for address in ("/Observation", "/Observation/1", "/Patient/1/2/3", "/patient/1"):
        refused(reader.get(address), 404, "not-found")


@pytest.mark.parametrize(
    "accept",
    [
        "application/fhir+json",
        "application/fhir+json; fhirVersion=4.0",
        'application/fhir+json; fhirVersion="4.0"',
        "Application/FHIR+JSON",
        "application/fhir+xml;q=1.0, application/fhir+json;q=1.0, application/xml+fhir;q=0.9",
        "application/json",
        "*/*",
        "text/html, application/*;q=0.2",
        "application/fhir+xml;q=0.9, application/fhir+json;q=0.8",
        None,
    ],
)
def test_json_is_given_to_clients_that_accept_it(reader: Reader, accept: str | None, people: dict[str, int]) -> None:
    answer = reader.get("/Organization/clinic", **({"Accept": accept} if accept else {}))
    assert answer.status_code == 200
    plain = accept == "application/json"
    assert answer.content_type == f"application/{'json' if plain else 'fhir+json'}; charset=utf-8"


@pytest.mark.parametrize(
    "accept", ["application/fhir+xml", "text/html", "application/fhir+json; fhirVersion=5.0", ";;,"]
)
def test_other_forms_cannot_be_had(reader: Reader, accept: str, people: dict[str, int], refused: Refused) -> None:
    refused(reader.get("/Organization/clinic", Accept=accept), 406, "not-supported")


def test_the_parameter_for_the_form_goes_before_the_header(
    reader: Reader, people: dict[str, int], refused: Refused
) -> None:
    for format_ in ("json", "application/fhir+json", "application/json"):
        answer = reader.get("/Organization/clinic", {"_format": format_}, Accept="text/html")
        assert answer.content_type == "application/fhir+json; charset=utf-8"
    refused(reader.get("/Organization/clinic", {"_format": "xml"}), 406, "not-supported")


def test_a_search_is_posted_as_a_form(reader: Reader, people: dict[str, int], refused: Refused) -> None:
    for data, kind in ((b"{}", "application/json"), (b"family=T", None), (b"<x/>", "text/xml")):
        refused(reader.send("POST", "/Patient/_search", data=data, content_type=kind), 415, "not-supported")


FORM = "application/x-www-form-urlencoded"


def with_family(reader: Reader, family: bytes) -> Iterator[TestResponse]:
    """The answers to a search whose address, and whose form, has these very bytes."""
    query = {"QUERY_STRING": f"family={family.decode('latin-1')}"}  # as a server hands bytes over
    yield reader.send("GET", "/Patient", environ_overrides=query)
    yield reader.send("POST", "/Patient/_search", data=b"family=" + family, content_type=FORM)


@pytest.mark.parametrize("family", ["Öberg".encode(), b"%C3%96berg"], ids=["raw", "percent-encoded"])
def test_letters_in_utf_8_are_understood(reader: Reader, panel: int, people: dict[str, int], family: bytes) -> None:
    for answer in with_family(reader, family):
        assert [entry["resource"]["id"] for entry in orjson.loads(answer.data)["entry"]] == [str(people["oscar"])]


@pytest.mark.parametrize("family", [b"\xd6berg", b"%D6berg"], ids=["raw", "percent-encoded"])
def test_letters_in_another_encoding_are_refused(
    reader: Reader, people: dict[str, int], refused: Refused, family: bytes
) -> None:
    for answer in with_family(reader, family):
        assert "UTF-8" in refused(answer, 400, "invalid")["issue"][0]["diagnostics"]


@pytest.mark.parametrize("prefer", ["Handling=Strict", 'handling="strict"', "respond-async; handling = strict"])
def test_preferences_are_understood_in_any_case_and_quoted(
    reader: Reader, people: dict[str, int], refused: Refused, prefer: str
) -> None:
    refused(reader.get("/Patient", {"no-such": "x"}, Prefer=prefer), 400, "invalid")


def test_a_request_that_is_too_large_is_not_read(reader: Reader, people: dict[str, int], refused: Refused) -> None:
    body = {"family": "x" * (LARGEST_REQUEST + 1)}
    refused(reader.send("POST", "/Patient/_search", data=body), 413, "too-long")


def test_a_fault_of_ours_says_nothing(
    reader: Reader,
    site: OscarHost,
    emr: OscarHost,
    people: dict[str, int],
    refused: Refused,
    caplog: pytest.LogCaptureFixture,
    host_schema: str | None,
) -> None:
    table = f"{host_schema}.demographic" if host_schema else "demographic"
    with emr.database.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO {table}_away"))
    with caplog.at_level(logging.DEBUG):
        answer = refused(reader.get("/Patient", {"family": "Tremblay", "identifier": "100000001"}), 500, "exception")
    written = caplog.text + orjson.dumps(answer).decode()
    for word in ("Tremblay", "100000001", "SELECT", "demographic"):
        assert word not in written
    assert "FHIR request failed" in caplog.text


def test_people_read_with_the_rights_that_they_have(
    reader: Reader, oscar: Any, site: OscarHost, people: dict[str, int], panel: int, refused: Refused
) -> None:
    oscar.provider("301", last_name="Penner")
    oscar.provider("401", last_name="Brar")
    oscar.role("301", "admin", "receptionist")
    for role, name in (("admin", "_admin"), ("receptionist", "_demographic")):
        oscar.privilege(role, name, "x")
    oscar.privilege("301", f"_demographic${people['trudy']}", "o")
    client = reader.app.test_client()

    sign_in(client, "401")
    refused(client.get(f"/fhir/Patient/{people['helene']}"), 403, "forbidden")
    sign_in(client, "301")
    assert client.get(f"/fhir/Patient/{people['helene']}").status_code == 200
    refused(client.get(f"/fhir/Patient/{people['trudy']}"), 404, "not-found")
    answer = client.get("/fhir/Patient?family=Trembl").json
    assert answer is not None
    assert [entry["resource"]["id"] for entry in answer["entry"]] == [str(people["helene"])]
    group = client.get(f"/fhir/Group/{panel}").json
    assert group is not None
    assert f"Patient/{people['trudy']}" not in [one["entity"]["reference"] for one in group["member"]]
    assert client.get(f"/fhir/Group?member={people['trudy']}").json["total"] == 0  # type: ignore[index]
    refused(client.post("/fhir/Patient/_search", data={"family": "T"}), 403, "forbidden")
