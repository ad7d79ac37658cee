"""The forms that an export takes: blocks by Group, manifests of several pages, and the dialects of Bulk Data."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from cpar_plugin.hooks import Actor
from cpar_plugin.services.panels import one_patient
from oscar_host.host import OscarHost

from .clients import Registered
from .exporting import accepted, export, finished, kick_off, lines
from .rest import BASE, Json, Reader
from .test_export import other_panel, post, refused  # noqa: F401  fixture

BY_GROUP = {"organizeOutputBy": "Group"}


def _blocks(answer: Any) -> dict[str, list[Json]]:
    """The resources behind each header, by what the header refers to."""
    blocks: dict[str, list[Json]] = {}
    for name, resources in answer.files.items():
        if name.startswith("Group"):
            current: list[Json] = []
            for resource in resources:
                if resource["resourceType"] == "Parameters":
                    [header] = resource["parameter"]
                    assert header["name"] == "header"
                    current = blocks.setdefault(header["valueReference"]["reference"], [])
                else:
                    current.append(resource)
    return blocks


def test_a_block_holds_the_group_and_all_that_concerns_it(
    reader: Reader,
    people: dict[str, int],
    panel: int,
    other_panel: int,  # noqa: F811
) -> None:
    result = export(reader, query=BY_GROUP)
    assert result.manifest["outputOrganizedBy"] == "Group"
    assert not any("type" in file for file in result.manifest["output"])
    blocks = _blocks(result)
    assert set(blocks) == {f"Group/{panel}", f"Group/{other_panel}"}
    for reference, resources in blocks.items():
        assert f"{resources[0]['resourceType']}/{resources[0]['id']}" == reference
        alone = export(reader, f"/{reference}/$export")
        whole = [resource for of_kind in alone.files.values() for resource in of_kind]
        assert sorted(map(str, resources)) == sorted(map(str, whole))


def test_a_block_of_what_changed_begins_with_its_group_all_the_same(
    reader: Reader, people: dict[str, int], panel: int
) -> None:
    query = BY_GROUP | {"_typeFilter": ["Group?identifier=none", "Patient?family=zed"], "_type": "Group,Patient"}
    blocks = _blocks(export(reader, query=query))
    [(reference, [group, patient])] = blocks.items()
    assert (reference, group["id"], patient["id"]) == (f"Group/{panel}", str(panel), str(people["inactive"]))
    assert "member" not in group
    assert [one["code"] for one in group["meta"]["tag"]] == ["SUBSETTED"]
    nothing = {"_typeFilter": ["Group?identifier=none", "Patient?family=none"], "_type": "Group,Patient"}
    assert export(reader, query=BY_GROUP | nothing).files == {}


def test_a_block_needs_the_scopes_of_all_that_is_in_it(
    app: Flask, registered: Callable[..., Registered], people: dict[str, int]
) -> None:
    client = registered("Configured")
    everything, patients = Reader(app, client.token()), Reader(app, client.token("system/Patient.rs"))
    assert "system/Group" in refused(kick_off(patients, query=BY_GROUP), 403)
    [file] = finished(everything, accepted(kick_off(everything, query=BY_GROUP))).json["output"]
    assert patients.get(file["url"]).status_code == 403
    assert everything.get(file["url"]).status_code == 200


@pytest.fixture
def configured(site: OscarHost, served: Callable[..., Flask], registered: Callable[..., Registered]) -> Any:
    """A reader of the same clinic under other settings."""
    client = registered("Configured")

    def make(**settings: Any) -> Reader:
        app = served(site, settings)
        return Reader(app, Registered(client.client_id, client.pair, app, site).token())

    return make


def test_a_manifest_of_many_files_has_pages_where_that_is_allowed(
    configured: Callable[..., Reader], site: OscarHost, oscar: Any, clerk: Actor, people: dict[str, int], panel: int
) -> None:
    for number in range(20):
        one_patient.choose(site, clerk, oscar.patient(last_name=f"Many{number}"), panel, seen_panel_id=None)
    reader = configured(fhir_export_file_resources=4, fhir_export_manifest_files=3)
    query = {"allowPartialManifests": "true", "_type": "Patient,Group,Location,Nonsense"}
    address = accepted(kick_off(reader, query=query, Prefer="respond-async, handling=lenient"))
    first = page = finished(reader, address).json
    pages, files = [first], list(page["output"])
    while "link" in page:
        [link] = page["link"]
        assert link["relation"] == "next"
        page = reader.json(link["url"])
        pages.append(page)
        files += page["output"]
    assert [len(one["output"]) for one in pages] == [3, 3, 3]
    for one in pages:
        same = {name: value for name, value in one.items() if name not in ("output", "deleted", "link")}
        assert same == {name: value for name, value in first.items() if name not in ("output", "deleted", "link")}
        assert len(one["error"]) == 1
    patients = [file for file in files if file["type"] == "Patient"]
    assert sorted(file["count"] for file in patients) == [1, *[4] * 6]
    ids = [patient["id"] for file in patients for patient in lines(reader.get(file["url"]))]
    assert len(ids) == len(set(ids)) == 25
    for other in ("0", "4", "x", "-1"):
        assert refused(reader.get(f"{address}?page={other}"), 404)
    assert reader.send("DELETE", address).status_code == 202
    whole = finished(reader, accepted(kick_off(reader, query={"_type": "Patient,Group,Location"}))).json
    assert (len(whole["output"]), "link" in whole) == (9, False)


def test_both_dialects_read_the_manifest_between_them(
    configured: Callable[..., Reader], people: dict[str, int]
) -> None:
    reader = configured(fhir_bulk_data="3.0.0+4.0.0")
    query = {"_type": "Patient,Nonsense"}
    address = accepted(kick_off(reader, query=query, Prefer="respond-async, handling=lenient"))
    manifest = finished(reader, address).json
    assert manifest["error"] == manifest["outcome"]
    assert manifest["request"].startswith(BASE)
    assert manifest["manifestType"].endswith("/BulkDataManifest")
    [file] = manifest["output"]
    assert file["fileSize"] == len(reader.get(file["url"]).data)


def test_the_announced_dialect_is_posted_and_repeats_what_is_several(
    configured: Callable[..., Reader], people: dict[str, int]
) -> None:
    reader = configured(fhir_bulk_data="4.0.0")
    assert refused(kick_off(reader), 405)
    assert "get" not in reader.json("/openapi.json")["paths"]["/$export"]
    kinds = [{"name": "_type", "valueString": kind} for kind in ("Patient", "Nonsense")]
    assert "_type" in refused(post(reader, "/$export", {"name": "_type", "valueString": "Patient,Group"}))
    commas = {"name": "_elements", "valueString": "id,name"}
    assert "_elements" in refused(post(reader, "/$export", kinds[0], commas))
    answer = post(reader, "/$export", *kinds, Prefer="respond-async, handling=lenient")
    manifest = finished(reader, accepted(answer)).json
    assert not {"error", "request"} & set(manifest)
    [outcome] = manifest["outcome"]
    assert lines(reader.get(outcome["url"]))[0]["resourceType"] == "OperationOutcome"
    assert set(outcome) == {"url", "count", "fileSize"}


def test_the_capability_statement_names_what_is_followed_and_what_is_not_exported(
    reader: Reader, configured: Callable[..., Reader]
) -> None:
    guide = "http://hl7.org/fhir/uv/bulkdata/ImplementationGuide/hl7.fhir.uv.bulkdata"
    statement = reader.json("/metadata")
    assert "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data" in statement["instantiates"]
    assert f"{guide}|3.0.0" in statement["implementationGuide"]
    not_exported = [one["type"] for one in statement["rest"][0]["resource"] if "extension" in one]
    assert not_exported == ["Subscription", "Task"]
    assert f"{guide}|4.0.0" in configured(fhir_bulk_data="4.0.0").json("/metadata")["implementationGuide"]
