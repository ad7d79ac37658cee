"""Our definitions as a validator without a token asks for them: by id, and by their canonical addresses."""

from collections.abc import Callable

import pytest
from flask import Flask

from .rest import BASE, Json, Reader, link
from .test_capability import DEFINITIONS

pytestmark = pytest.mark.databases("one")

Check = Callable[[Json], None]
PROFILE = "https://cpar.invalid/StructureDefinition/cpar-panel"


@pytest.fixture
def anyone(app: Flask) -> Reader:
    return Reader(app, None)


def entries(bundle: Json) -> list[str]:
    return [one["resource"]["id"] for one in bundle.get("entry", ())]


@pytest.mark.parametrize("kind", [kind for kind in DEFINITIONS if kind != "Basic"])
def test_everyone_reads_each_definition_and_has_it_by_its_canonical_address(
    kind: str, anyone: Reader, check_r4: Check
) -> None:
    everything = anyone.json(f"/{kind}")
    check_r4(everything)
    assert everything["total"] == len(everything["entry"]) > 0
    for entry in everything["entry"]:
        definition = entry["resource"]
        assert entry["fullUrl"] == f"{BASE}/{kind}/{definition['id']}"
        assert anyone.json(f"/{kind}/{definition['id']}") == definition
        assert f"/{kind}/" in definition["url"]
        for query in (
            {"url": definition["url"]},
            {"url": f"{definition['url']}|{definition['version']}"},
            {"url": f"urn:x,{definition['url']}", "version": definition["version"]},
            {"_id": definition["id"]},
            {"name:exact": definition["name"]},
        ):
            assert anyone.json(f"/{kind}", query)["entry"] == [entry], query
        posted = anyone.send("POST", f"/{kind}/_search", data={"url": definition["url"]})
        assert posted.json
        assert posted.json["entry"] == [entry]


def test_the_topic_is_read_and_found_by_its_id(anyone: Reader) -> None:
    topic = anyone.json("/Basic/panel-membership")
    assert entries(anyone.json("/Basic", {"_id": "panel-membership"})) == [topic["id"]]
    assert entries(anyone.json("/Basic", {"_id": "nothing"})) == []


def test_what_fits_no_definition_finds_none(anyone: Reader) -> None:
    for query in (
        {"url": "urn:x"},
        {"url": PROFILE[:-1]},
        {"url": f"{PROFILE}|0.0.9"},
        {"url": PROFILE, "version": "0.0.9"},
        {"_id": "nothing"},
        {"name": "panel"},
    ):
        found = anyone.json("/StructureDefinition", query)
        assert (found["total"], entries(found)) == (0, []), query
    assert entries(anyone.json("/StructureDefinition", {"name:contains": "PANELSTATE"})) == ["panel-state"]


def test_definitions_are_had_page_by_page(anyone: Reader) -> None:
    everything = entries(anyone.json("/StructureDefinition"))
    pages = list(anyone.pages("/StructureDefinition", {"_count": "2"}))
    assert [one for page in pages for one in entries(page)] == everything
    assert {page["total"] for page in pages} == {len(everything)}
    assert max(len(entries(page)) for page in pages) == 2
    for query in ({"_count": "0"}, {"_summary": "count"}):
        counted = anyone.json("/StructureDefinition", query)
        assert (counted["total"], entries(counted), link(counted, "next")) == (len(everything), [], None)


def test_an_unknown_parameter_is_named_in_the_answer_or_refused_where_that_is_asked(anyone: Reader) -> None:
    found = anyone.json("/ValueSet", {"url": "urn:x", "publisher": "someone"})
    assert link(found, "self") == f"{BASE}/ValueSet?url=urn%3Ax"
    [outcome] = found["entry"]
    assert outcome["search"]["mode"] == "outcome"
    assert "publisher" in outcome["resource"]["issue"][0]["diagnostics"]
    refused = anyone.get("/ValueSet", {"publisher": "someone"}, Prefer="handling=strict")
    assert (refused.status_code, "publisher is not supported" in refused.text) == (400, True)
    for query in ({"url:below": "urn:x"}, {"_count": "many"}, {"_cursor": "-1"}):
        assert anyone.get("/ValueSet", query).status_code == 400


def test_nothing_of_a_definition_is_done_but_reading_and_searching(anyone: Reader) -> None:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "POST"):
        refused = anyone.send(method, "/StructureDefinition/cpar-panel")
        assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert anyone.get("/StructureDefinition/_search").status_code == 405
    for operation in ("$validate", "_history"):
        assert anyone.get(f"/StructureDefinition/{operation}").status_code == 501
    assert anyone.get("/StructureDefinition", Accept="application/fhir+xml").status_code == 406
