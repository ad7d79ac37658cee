"""Bulk export: what is asked for, what is answered, and what the files hold. https://hl7.org/fhir/uv/bulkdata/STU3/"""

import gzip
import stat
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import select

from cpar_plugin.domain.scopes import KINDS
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.read_log import LogUnavailable
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.panels import one_patient
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..conftest import NOW_IN_UTC
from ..signing_in import sign_in
from .clients import Registered, key_set
from .exporting import accepted, export, fetched, finished, kick_off
from .rest import BASE, MANAGER, Json, Reader

Check = Callable[[Json], None]


@pytest.fixture
def other_panel(make_panel: Callable[..., int], site: OscarHost, oscar: Any, clerk: Actor) -> int:
    """A panel of doctor 103, with one patient."""
    panel_id = make_panel("0099", "103")
    one_patient.choose(site, clerk, oscar.patient(last_name="Elsewhere"), panel_id, seen_panel_id=None)
    return panel_id


def post(reader: Reader, path: str, *parameters: Json, body: Any = None, **headers: str) -> Any:
    """Ask for an export with a Parameters resource."""
    sent = orjson.dumps({"resourceType": "Parameters", "parameter": parameters}) if body is None else body
    asked = {"Accept": "application/fhir+json", "Prefer": "respond-async", "Content-Type": "application/fhir+json"}
    return reader.send("POST", path, data=sent, headers={**asked, **headers})


def patient(key: object) -> Json:
    return {"name": "patient", "valueReference": {"reference": f"Patient/{key}"}}


def refused(answer: Any, status: int = 400) -> str:
    """The words of a refusal, which is an OperationOutcome."""
    assert answer.status_code == status, answer.text
    assert answer.content_type.startswith("application/fhir+json")
    [issue] = answer.json["issue"]
    return str(issue["diagnostics"])


# What is in it


def test_an_export_holds_everything_exactly_as_it_is_read(
    reader: Reader, people: dict[str, int], panel: int, other_panel: int, check_r4: Check
) -> None:
    result = export(reader)
    assert set(result.files) == {f"{kind}.ndjson" for kind in KINDS}
    assert result.ids("Group") == [str(panel), str(other_panel)]
    assert len(result.ids("Patient")) == len(people) + 1
    for kind in KINDS:
        assert len(result.ids(kind)) == len(set(result.ids(kind)))
        assert sorted(result.ids(kind)) == sorted(reader.ids(f"/{kind}"))
        for resource in result.files[f"{kind}.ndjson"]:
            assert resource == reader.json(f"/{kind}/{resource['id']}")
            check_r4(resource)


def test_an_export_of_a_group_holds_what_concerns_this_panel_alone(
    reader: Reader, people: dict[str, int], panel: int, other_panel: int
) -> None:
    result = export(reader, f"/Group/{panel}/$export")
    assert result.ids("Group") == [str(panel)]
    assert set(result.ids("Patient")) == {str(key) for key in people.values()}
    assert set(result.ids("Practitioner")) == {"101", "102"}
    assert set(result.ids("PractitionerRole")) == {"101-000113", "102-000113"}
    assert result.ids("Organization") == ["clinic"]
    assert result.ids("Location") == ["000113"]


def test_the_manifest_says_what_when_and_until_when(
    reader: Reader, people: dict[str, int], panel: int, clock: FixedClock
) -> None:
    query = "_type=Patient,Group&_type=Organization&_outputFormat=ndjson"
    address = accepted(kick_off(reader, f"/Group/{panel}/$export", query))
    began = clock.now()
    clock.move_to(began + timedelta(minutes=3))
    answer = finished(reader, address)
    manifest = answer.json
    assert answer.content_type == "application/json"
    assert manifest["request"] == f"{BASE}/Group/{panel}/$export?{query}"
    assert manifest["transactionTime"] in (NOW_IN_UTC, NOW_IN_UTC.replace(":00:00", ":03:00"))
    assert manifest["requiresAccessToken"] is True
    assert (manifest["deleted"], manifest["error"]) == ([], [])
    assert {one["type"] for one in manifest["output"]} == {"Patient", "Group", "Organization"}
    assert {one["type"]: one["count"] for one in manifest["output"]}["Patient"] == len(people)
    left = parsedate_to_datetime(answer.headers["Expires"]) - began
    assert timedelta(hours=24) <= left <= timedelta(hours=24, minutes=3)


def test_transaction_time_is_not_after_the_kick_off_was_answered(
    reader: Reader, people: dict[str, int], clock: FixedClock
) -> None:
    address = accepted(kick_off(reader))
    finished(reader, address)
    clock.move_to(clock.now() + timedelta(minutes=3))
    assert finished(reader, address).json["transactionTime"] == NOW_IN_UTC


@pytest.mark.parametrize(
    "query", ["", "_outputFormat=application/fhir%2Bndjson", "_outputFormat=application/fhir+ndjson"]
)
def test_the_three_names_of_the_format_are_understood(reader: Reader, people: dict[str, int], query: str) -> None:
    assert export(reader, query=query).ids("Patient")
    assert export(reader, query={"_outputFormat": "application/ndjson"}).ids("Patient")


def test_files_are_zipped_for_those_who_ask(reader: Reader, people: dict[str, int]) -> None:
    address = accepted(kick_off(reader, query={"_type": "Patient"}))
    [file] = finished(reader, address).json["output"]
    plain = reader.get(file["url"])
    zipped = reader.get(file["url"], Accept_Encoding="gzip")
    assert (plain.headers.get("Content-Encoding"), zipped.headers["Content-Encoding"]) == (None, "gzip")
    assert gzip.decompress(zipped.data) == plain.data
    assert plain.headers["Content-Length"] == str(len(plain.data))
    assert b"\n\n" not in plain.data
    assert plain.headers["Cache-Control"] == "no-store"
    head = reader.send("HEAD", file["url"])
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(plain.data)))
    assert refused(reader.get(file["url"], Accept="text/csv"), 406)


def test_elements_are_omitted_as_requested_and_what_remains_is_marked(reader: Reader, people: dict[str, int]) -> None:
    result = export(reader, query={"_elements": "Patient.birthDate,name", "_type": "Patient,Group,Organization"})
    [organization] = result.files["Organization.ndjson"]
    assert set(organization) == {"resourceType", "id", "meta", "identifier", "name"}
    [group] = result.files["Group.ndjson"]
    assert set(group) == {"resourceType", "id", "meta", "name", "type", "actual"}
    born = next(one for one in result.files["Patient.ndjson"] if one["id"] == str(people["helene"]))
    assert set(born) == {"resourceType", "id", "meta", "birthDate", "name"}
    assert [one["code"] for one in born["meta"]["tag"]] == ["SUBSETTED"]
    assert not any("profile" in one["meta"] for one in (organization, group, born))  # what it requires may be missing
    assert born["meta"]["versionId"] == reader.json(f"/Patient/{born['id']}")["meta"]["versionId"]
    whole = export(reader, query={"_elements": "Patient.name", "_type": "Organization"})
    assert "tag" not in whole.files["Organization.ndjson"][0]["meta"]
    assert "profile" in whole.files["Organization.ndjson"][0]["meta"]


def test_only_named_patients_are_exported(reader: Reader, people: dict[str, int], panel: int) -> None:
    requested = [people["helene"], people["oscar"]]
    named = [patient(requested[0]), patient(requested[1])]
    named[1]["valueReference"]["reference"] = f"{BASE}/Patient/{requested[1]}"
    answer = post(reader, f"/Group/{panel}/$export", {"name": "_type", "valueString": "Patient,Group"}, *named)
    result = fetched(reader, accepted(answer))
    assert set(result.ids("Patient")) == {str(key) for key in requested}
    [group] = result.files["Group.ndjson"]
    assert "member" not in group  # it would tell of others
    assert [one["code"] for one in group["meta"]["tag"]] == ["SUBSETTED"]
    assert result.manifest["request"] == f"{BASE}/Group/{panel}/$export"


def test_a_kick_off_is_posted_as_parameters(reader: Reader, people: dict[str, int]) -> None:
    asked = [
        {"name": "_outputFormat", "valueString": "application/fhir+ndjson"},
        {"name": "_type", "valueString": "Patient"},
        {"name": "_since", "valueInstant": "2026-11-01T00:00:00+01:00"},
    ]
    answer = fetched(reader, accepted(post(reader, "/$export", *asked)))
    assert set(answer.files) == {"Patient.ndjson"}
    assert (
        reader.send("DELETE", f"{BASE}/export/{answer.manifest['output'][0]['url'].split('/')[-2]}").status_code == 202
    )
    assert fetched(reader, accepted(post(reader, "/$export", body=b""))).ids("Patient")


def test_a_clinic_without_panels_exports_its_organization(reader: Reader) -> None:
    assert set(export(reader).files) == {"Organization.ndjson"}


# What is refused


@pytest.mark.parametrize("path", ["/$export", "/Group/{panel}/$export"])
@pytest.mark.parametrize("missing_header", ["Accept", "Prefer"])
def test_both_headers_are_needed(reader: Reader, panel: int, path: str, missing_header: str) -> None:
    path = path.format(panel=panel)
    for value in (None, "*/*", "respond-sync"):
        headers = {"Accept": "application/fhir+json", "Prefer": "respond-async", missing_header: value}
        sent = {name: text for name, text in headers.items() if text}
        assert missing_header in refused(reader.send("GET", path, headers=sent))
        assert missing_header in refused(reader.send("POST", path, headers=sent))


BAD = [
    {"_outputFormat": "text/csv"},
    {"_outputFormat": "application/x-parquet"},
    {"_since": "yesterday"},
    {"_since": "2026-11-10"},
    {"_since": "2026-11-10T10:00:00"},
    {"_since": "2026-13-10T10:00:00Z"},
    {"_since": "0001-01-01T00:00:00+14:00"},
    {"_since": NOW_IN_UTC.replace(":00Z", ":01Z")},
    {"_since": "9999-12-31T23:59:59Z"},
    {"_type": "Observation"},
    {"_type": "Patient,Observation"},
    {"_type": ""},
    {"_until": "tomorrow"},
    {"_since": "2026-11-01T00:00:00Z", "_until": "2026-11-01T00:00:00Z"},
    {"_typeFilter": "Patient"},
    {"_typeFilter": "Patient?"},
    {"_typeFilter": "Patient?active="},
    {"_typeFilter": "Patient?shoe-size=9"},
    {"_typeFilter": "Patient?birthdate=soon"},
    {"_typeFilter": "Patient?active=true&_sort=family"},
    {"_typeFilter": "Group?_include=Group:member"},
    {"_typeFilter": "Patient?family=%FF"},
    {"_typeFilter": "Group?member=Patient/1"},
    {"_typeFilter": "Group?member.identifier=100000001"},
    {"_typeFilter": "Observation?code=1"},
    {"_typeFilter": "Patient?active=true", "_type": "Group"},
    {"_elements": "Observation.code"},
    {"_elements": "Patient.name.family"},
    {"includeAssociatedData": "LatestProvenanceResources"},
    {"organizeOutputBy": "Patient"},
    {"organizeOutputBy": "Group", "_type": "Patient"},
    {"allowPartialManifests": "yes"},
    {"patient": "Patient/1"},
    {"x" * 100: "1"},
]


@pytest.mark.parametrize("query", BAD, ids=str)
def test_what_cannot_be_done_is_refused(reader: Reader, panel: int, query: Json) -> None:
    for path in ("/$export", f"/Group/{panel}/$export"):
        assert refused(kick_off(reader, path, query))


def test_with_lenient_handling_what_is_not_known_is_ignored_and_reported(
    reader: Reader, people: dict[str, int]
) -> None:
    query = {
        "_type": "Patient,Observation",
        "_typeFilter": "Patient?shoe-size=9",
        "organizeOutputBy": "Patient",
        "_elements": "Observation.code",
        "<script>": "1",
    }
    result = export(reader, query=query, Prefer="respond-async, handling=lenient")
    assert set(result.files) == {"Patient.ndjson", "error-OperationOutcome.ndjson"}
    issues = [one["issue"][0] for one in result.files["error-OperationOutcome.ndjson"]]
    assert {one["severity"] for one in issues} == {"warning"}
    assert sorted(one["diagnostics"].split(" is not")[0] for one in issues) == [
        "A parameter",
        "A parameter of Patient in _typeFilter that search does not have",
        "A type in _type",
        "An element in _elements",
        "organizeOutputBy another type than Group",
    ]


@pytest.mark.parametrize(
    "query", [{"_since": "x"}, {"_outputFormat": "csv"}, {"_type": "Observation"}, {"patient": "1"}]
)
def test_lenient_handling_does_not_make_more_of_it_than_was_requested(reader: Reader, query: Json) -> None:
    assert refused(kick_off(reader, query=query, Prefer="respond-async; handling=lenient"))


BODIES = [
    b"{",
    b"[]",
    b'"x"',
    b'{"resourceType":"Patient"}',
    b'{"resourceType":"Parameters","parameter":[{"name":"_type"}]}',
]


def test_another_body_than_parameters_is_refused(reader: Reader, people: dict[str, int], panel: int) -> None:
    assert refused(post(reader, "/$export", body=b"_type=Patient", **{"Content-Type": "text/plain"}), 415)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert refused(post(reader, "/$export", body=b"_type=Patient", **form), 415)
    for body in BODIES:
        assert refused(post(reader, "/$export", body=body))
    assert refused(post(reader, "/$export", {"name": "_type", "valueString": "Patient", "valueCode": "Group"}))
    assert refused(post(reader, "/$export", {"name": "_type", "valueInteger": 7}))
    assert refused(post(reader, "/$export", body=b" " * (1024 * 1024 + 1)), 413)


def test_patients_are_members_of_the_group(
    reader: Reader, people: dict[str, int], panel: int, other_panel: int, site: OscarHost
) -> None:
    elsewhere = max(people.values()) + 1
    for stranger in (elsewhere, 999_999, "abc", "1/2"):
        assert refused(post(reader, f"/Group/{panel}/$export", patient(people["helene"]), patient(stranger)))
    assert refused(post(reader, f"/Group/{panel}/$export", {"name": "patient", "valueReference": {"display": "x"}}))
    assert refused(post(reader, "/$export", patient(people["helene"])))
    many = [patient(number) for number in range(1, 5002)]
    assert "5000" in refused(post(reader, f"/Group/{panel}/$export", *many))


def test_a_group_that_is_not_there_is_not_exported(reader: Reader, panel: int) -> None:
    assert refused(kick_off(reader, "/Group/999/$export"), 404)
    assert refused(kick_off(reader, "/Group/x/$export"), 404)


@pytest.mark.parametrize("path", ["/Group/$export", "/Patient/$export", "/Patient/1/$export", "/$import"])
def test_there_is_no_export_elsewhere(reader: Reader, path: str) -> None:
    assert kick_off(reader, path).status_code in (404, 501)


# Who may have it


def test_an_export_is_of_the_types_that_the_scopes_reach(
    reader_for: Callable[..., Reader], people: dict[str, int]
) -> None:
    patients = reader_for("Patients", scopes="system/Patient.rs")
    assert set(export(patients).files) == {"Patient.ndjson"}
    assert "system/Group" in refused(kick_off(patients, query={"_type": "Patient,Group"}), 403)


def test_reading_without_searching_is_not_enough(
    app: Flask, registered: Callable[..., Registered], people: dict[str, int]
) -> None:
    only_read = Reader(app, registered().token("system/Patient.r"))
    assert refused(kick_off(only_read), 403)
    assert refused(kick_off(only_read, query={"_type": "Patient"}), 403)


def test_a_file_needs_the_scope_for_what_is_in_it(
    app: Flask, registered: Callable[..., Registered], people: dict[str, int]
) -> None:
    client = registered()
    everything, groups = Reader(app, client.token()), Reader(app, client.token("system/Group.rs"))
    output = finished(everything, accepted(kick_off(everything))).json["output"]
    for file in output:
        assert groups.get(file["url"]).status_code == (200 if file["type"] == "Group" else 403)
        assert Reader(app, None).get(file["url"]).status_code == 401


def test_no_one_else_finds_an_export(reader: Reader, reader_for: Callable[..., Reader], people: dict[str, int]) -> None:
    address, other = accepted(kick_off(reader)), reader_for("Other")
    file = finished(reader, address).json["output"][0]["url"]
    for method, path in (("GET", address), ("DELETE", address), ("GET", file)):
        assert refused(other.send(method, path), 404)
    assert reader.get(file).status_code == 200


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e%2fclinic.db", "../../clinic.db", "Patient", "patient.ndjson", "Patient.ndjson%00"]
)
def test_no_other_file_is_given_out(reader: Reader, people: dict[str, int], name: str) -> None:
    address = accepted(kick_off(reader))
    finished(reader, address)
    assert reader.get(f"{address}/{name}").status_code in (404, 501)


def test_a_client_that_is_limited_to_panels_exports_those(
    reader_for: Callable[..., Reader], people: dict[str, int], panel: int, other_panel: int
) -> None:
    limited = reader_for("Limited", panels=(other_panel,))
    result = export(limited)
    assert result.ids("Group") == [str(other_panel)]
    assert len(result.ids("Patient")) == 1
    assert result.ids("Practitioner") == ["103"]
    assert refused(kick_off(limited, f"/Group/{panel}/$export"), 404)


def test_a_client_that_was_limited_since_does_not_get_what_is_beyond(
    app: Flask,
    site: OscarHost,
    clerk: Actor,
    registered: Callable[..., Registered],
    people: dict[str, int],
    panel: int,
    other_panel: int,
) -> None:
    client = registered()
    reader = Reader(app, client.token())
    everything = accepted(kick_off(reader))
    files = [one["url"] for one in finished(reader, everything).json["output"]]
    of_panel = accepted(kick_off(reader, f"/Group/{panel}/$export"))
    own = [one["url"] for one in finished(reader, of_panel).json["output"]]
    draft = ClientDraft(name="Network", scopes="system/*.rs", jwks=key_set(client.pair), panels=(panel,))
    registry.change(site, clerk, client.client_id, 1, draft)
    assert reader.get(files[0]).status_code == 401
    reader = Reader(app, client.token())
    for file in files:
        assert "fewer panels" in refused(reader.get(file), 403)
    for file in own:
        assert reader.get(file).status_code == 200


def test_a_revoked_client_gets_nothing_and_its_files_are_removed(
    app: Flask,
    site: OscarHost,
    clerk: Actor,
    registered: Callable[..., Registered],
    people: dict[str, int],
    tmp_path: Path,
) -> None:
    client = registered()
    reader = Reader(app, client.token())
    address = accepted(kick_off(reader))
    file = finished(reader, address).json["output"][0]["url"]
    registry.revoke(site, clerk, client.client_id)
    assert (reader.get(address).status_code, reader.get(file).status_code) == (401, 401)
    app.extensions["cpar_fhir_callers"].exports.maintain()
    assert list((tmp_path / "exports").iterdir()) == []


def test_a_manager_of_panels_exports_those_they_may_see(
    app: Flask,
    staff: None,
    oscar: Any,
    people: dict[str, int],
    panel: int,
) -> None:
    oscar.privilege("receptionist", f"_demographic${people['trudy']}", "o")
    app.config["WTF_CSRF_ENABLED"] = True
    browser = app.test_client()
    sign_in(browser, MANAGER)
    headers = {"Accept": "application/fhir+json", "Prefer": "respond-async"}
    address = browser.get(f"/fhir/Group/{panel}/$export", headers=headers).headers["Content-Location"]
    while (answer := browser.get(address)).status_code == 202:
        pass
    files = {}
    for one in answer.json["output"]:  # type: ignore[index]
        with browser.get(one["url"]) as file:
            files[one["type"]] = file.data
    assert b"Tremblay" in files["Patient"]
    assert b"Trembley" not in files["Patient"]
    assert f'Patient/{people["trudy"]}"'.encode() not in files["Group"]
    assert browser.delete(address).status_code == 403
    assert browser.post("/fhir/$export", headers=headers).status_code == 403


# Its life


def test_one_export_at_a_time(
    reader: Reader, reader_for: Callable[..., Reader], app: Flask, people: dict[str, int]
) -> None:
    app.extensions["cpar_fhir_callers"].exports = Asleep()
    address = accepted(kick_off(reader))
    again = kick_off(reader)
    assert refused(again, 429)
    assert int(again.headers["Retry-After"]) > 0
    assert accepted(kick_off(reader_for("Other")))  # who is somebody else
    assert reader.send("DELETE", address).status_code == 202
    assert accepted(kick_off(reader))


class Asleep:
    """Workers that do not wake up."""

    def wake(self) -> None:
        pass


def test_the_status_says_how_far_it_is(reader: Reader, app: Flask, people: dict[str, int], site: OscarHost) -> None:
    app.extensions["cpar_fhir_callers"].exports = Asleep()
    address = accepted(kick_off(reader))
    waiting = reader.get(address)
    assert (waiting.status_code, waiting.data) == (202, b"")
    assert waiting.headers["X-Progress"] == "waiting to start"
    assert int(waiting.headers["Retry-After"]) > 0
    with site.database.writing() as connection:
        values = {"state": "running", "expected": 90_000, "exported": 30_000}
        connection.execute(tables.export.update().values(values))
    running = reader.get(address)
    assert running.headers["X-Progress"] == "30000 of 90000 patients"
    assert len(running.headers["X-Progress"]) <= 100
    assert int(running.headers["Retry-After"]) > 1


def test_a_small_export_is_ready_at_the_first_question(reader: Reader, people: dict[str, int]) -> None:
    assert reader.get(accepted(kick_off(reader))).status_code in (200, 202)


def test_a_cancelled_export_is_gone_with_its_files(reader: Reader, people: dict[str, int], tmp_path: Path) -> None:
    address = accepted(kick_off(reader))
    file = finished(reader, address).json["output"][0]["url"]
    folder = tmp_path / "exports"
    [made] = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(made.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()} == {0o600}
    assert reader.send("DELETE", address).status_code == 202
    for method, path in (("GET", address), ("DELETE", address), ("GET", file)):
        assert refused(reader.send(method, path), 404)
    assert list(folder.iterdir()) == []


def test_files_are_removed_when_they_have_expired(
    reader: Reader, app: Flask, people: dict[str, int], clock: FixedClock, tmp_path: Path, site: OscarHost
) -> None:
    address = accepted(kick_off(reader))
    assert finished(reader, address).status_code == 200
    workers = app.extensions["cpar_fhir_callers"].exports
    clock.move_to(clock.now() + timedelta(hours=23, minutes=59))
    workers.maintain()
    [made] = (tmp_path / "exports").iterdir()
    assert list(made.iterdir())
    clock.move_to(clock.now() + timedelta(minutes=1))
    workers.maintain()
    assert list((tmp_path / "exports").iterdir()) == []
    with site.database.engine.connect() as connection:
        assert connection.execute(select(tables.export)).all() == []
        assert connection.execute(select(tables.export_file)).all() == []


def test_a_file_that_was_damaged_is_not_given_out(reader: Reader, people: dict[str, int], tmp_path: Path) -> None:
    files = finished(reader, accepted(kick_off(reader))).json["output"]
    [made] = (tmp_path / "exports").iterdir()
    made.joinpath("Patient.ndjson").write_bytes(b"half")
    made.joinpath("Group.ndjson").unlink()
    for file in files:
        assert reader.get(file["url"]).status_code == (404 if file["type"] in ("Patient", "Group") else 200)


# The record


def test_each_file_with_patients_leaves_a_record_with_how_many(
    app: Flask, reader: Reader, people: dict[str, int], site: OscarHost
) -> None:
    output = finished(reader, accepted(kick_off(reader))).json["output"]
    for file in output:
        reader.send("HEAD", file["url"])
        reader.get(file["url"])
    columns = (tables.read.c.interaction, tables.read.c.kind, tables.read.c.resource_id, tables.read.c.patients)
    with site.database.engine.connect() as connection:
        rows = connection.execute(select(*columns)).all()
    assert sorted(map(tuple, rows)) == [("export", "Group", "", len(people)), ("export", "Patient", "", len(people))]


def test_nothing_is_given_out_that_could_not_be_noted(app: Flask, reader: Reader, people: dict[str, int]) -> None:
    output = finished(reader, accepted(kick_off(reader))).json["output"]
    app.extensions["cpar_fhir_callers"].reads = Full()
    for file in output:
        answer = reader.get(file["url"])
        assert answer.status_code == (503 if file["type"] in ("Patient", "Group") else 200)
        assert answer.status_code == 200 or b"Patient/" not in answer.data


class Full:
    """Takes no record any more."""

    def note(self, *_: object, **__: object) -> None:
        raise LogUnavailable
