"""The CapabilityStatement tells the truth: each statement in it is tried."""

from collections.abc import Callable

import orjson
import pytest

from oscar_host.host import OscarHost

from .clients import EVERY_SCOPE
from .exporting import accepted, kick_off
from .receiver import switched_off
from .rest import BASE, Json, Reader
from .test_confirm import asked, send

pytestmark = pytest.mark.databases("one")

Check = Callable[[Json], None]
ONE_OF_EACH = {
    "Organization": "clinic",
    "Location": "000113",
    "Practitioner": "101",
    "PractitionerRole": "101-000113",
    "StructureDefinition": "cpar-panel",
    "SearchParameter": "group-name",
    "CodeSystem": "group",
    "ValueSet": "confirmation-how-values",
    "OperationDefinition": "group-confirm",
    "Basic": "panel-membership",
    "ImplementationGuide": "invalid.cpar.panels",
}
WRITTEN = {"create", "update", "delete"}  # of what clients make themselves
VALUES = {"uri": "https://example.org", "token": "x|y", "string": "x", "date": "ge2020", "reference": "1"}
DEFINITIONS = (
    "Basic",
    "StructureDefinition",
    "SearchParameter",
    "CodeSystem",
    "ValueSet",
    "OperationDefinition",
    "ImplementationGuide",
)


@pytest.fixture
def statement(reader: Reader, check_r4: Check) -> Json:
    result = Reader(reader.app, None).json("/metadata")
    check_r4(result)
    return result


@pytest.fixture
def one_of_each(site: OscarHost, reader: Reader, panel: int, people: dict[str, int], conflict: str) -> dict[str, str]:
    return {
        **ONE_OF_EACH,
        "Subscription": switched_off(site),
        "Group": str(panel),
        "Patient": str(people["helene"]),
        "Task": conflict,
    }


def _resources(statement: Json) -> list[Json]:
    [rest] = statement["rest"]
    assert rest["mode"] == "server"
    result: list[Json] = rest["resource"]
    return result


def test_it_says_which_fhir_and_where(statement: Json) -> None:
    assert (statement["fhirVersion"], statement["kind"]) == ("4.0.1", "instance")
    assert statement["implementation"]["url"] == BASE


def test_each_form_in_it_can_be_had(statement: Json, reader: Reader, people: dict[str, int]) -> None:
    assert statement["format"]
    for form in statement["format"]:
        assert reader.get("/Patient", {"_format": form}).status_code == 200
    for form in set(statement["format"]) - {"json"}:
        assert reader.get("/Patient", Accept=form).content_type.startswith(form)


def test_each_kind_in_it_is_read_as_it_says(statement: Json, reader: Reader, one_of_each: dict[str, str]) -> None:
    assert {one["type"] for one in _resources(statement)} == set(one_of_each)
    for stated in _resources(statement):
        kind = stated["type"]
        codes = {one["code"] for one in stated["interaction"]}
        answer = reader.get(f"/{kind}/{one_of_each[kind]}")
        assert (answer.status_code == 200) == ("read" in codes), kind
        version = orjson.loads(answer.data).get("meta", {}).get("versionId", "1")
        of_version = reader.get(f"/{kind}/{one_of_each[kind]}/_history/{version}")
        assert (of_version.status_code == 200) == ("vread" in codes), kind
        searched = reader.get(f"/{kind}", {"_count": "0"})
        posted = reader.send("POST", f"/{kind}/_search", data={"_count": "0"})
        for one in (searched, posted):
            assert (one.status_code == 200) == ("search-type" in codes), kind
        if stated.get("conditionalRead") == "full-support":
            for name, value in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
                again = reader.send("GET", f"/{kind}/{one_of_each[kind]}", headers={name: answer.headers[value]})
                assert again.status_code == 304, kind
        assert codes - {"read", "vread", "search-type"} == (WRITTEN if kind == "Subscription" else set())
        if kind == "Subscription":  # see test_subscriptions
            continue
        for method in ("PUT", "PATCH", "DELETE"):
            assert reader.send(method, f"/{kind}/{one_of_each[kind]}").status_code == 405
        assert reader.send("POST", f"/{kind}").status_code in (404, 405)


def test_resources_claim_a_profile_that_it_names(statement: Json, reader: Reader, one_of_each: dict[str, str]) -> None:
    for stated in _resources(statement):
        claimed = reader.json(f"/{stated['type']}/{one_of_each[stated['type']]}").get("meta", {}).get("profile", ())
        assert set(claimed) <= set(stated.get("supportedProfile", ()))


def test_each_search_parameter_in_it_is_understood_with_each_modifier_it_names(
    statement: Json, reader: Reader, people: dict[str, int]
) -> None:
    for stated in _resources(statement):
        for parameter in stated.get("searchParam", ()):
            name, kind = parameter["name"], stated["type"]
            assert (
                reader.get(f"/{kind}", {name: VALUES[parameter["type"]]}, Prefer="handling=strict").status_code == 200
            )
            modifiers = parameter["documentation"].partition("Modifiers: ")[2].rstrip(".").split(", ")
            for modifier in filter(None, modifiers):
                value = "true" if modifier == ":missing" else VALUES[parameter["type"]]
                answer = reader.get(f"/{kind}", {name + modifier: value}, Prefer="handling=strict")
                assert answer.status_code == 200, (kind, name, modifier)
            for modifier in {":missing", ":exact", ":contains", ":not", ":Patient", ":text"} - set(modifiers):
                assert reader.get(f"/{kind}", {name + modifier: "true"}).status_code == 400, (kind, name, modifier)


def test_each_chain_in_it_is_understood_and_no_other_is(
    statement: Json, reader_for: Callable[..., Reader], people: dict[str, int]
) -> None:
    reader, count = reader_for("Everything", scopes=EVERY_SCOPE), 0
    for stated in _resources(statement):
        texts = [stated.get("documentation", "").partition("refers to it: ")[2]]
        texts += [
            one["documentation"].partition("Chains: ")[2].partition(". ")[0] for one in stated.get("searchParam", ())
        ]
        for name in filter(None, (one.strip(". ") for text in texts for one in text.split(", "))):
            answer = reader.get(f"/{stated['type']}", {f"{name}:missing": "true"}, Prefer="handling=strict")
            # Not for `_id` and the like, which are there, and which are never missing.
            assert answer.status_code == (400 if name.rpartition(":")[2].rpartition(".")[2].startswith("_") else 200), (
                name
            )
            count += 1
        for name in ("_has:Patient:link:name", "member.shoe"):
            refused = reader.get(f"/{stated['type']}", {name: "x"}, Prefer="handling=strict").status_code
            assert refused in (400, 403, 404, 405)
    assert count > 80


def test_each_search_parameter_of_ours_is_defined(statement: Json, reader: Reader, panel: int) -> None:
    own = {
        parameter["definition"]: parameter
        for stated in _resources(statement)
        for parameter in stated.get("searchParam", ())
        if not parameter["definition"].startswith("http://hl7.org/fhir/SearchParameter/")
    }
    assert own
    for url, parameter in own.items():
        definition = reader.json(f"/SearchParameter/group-{parameter['name']}")
        assert (definition["url"], definition["type"]) == (url, parameter["type"])
        named = {f":{one}" for one in definition["modifier"]} - {":type"}
        assert named <= set(parameter["documentation"].partition("Modifiers: ")[2].rstrip(".").split(", "))


def test_each_include_in_it_includes(statement: Json, reader: Reader, people: dict[str, int]) -> None:
    for stated in _resources(statement):
        for key, name in (("searchInclude", "_include"), ("searchRevInclude", "_revinclude")):
            for include in stated.get(key, ()):
                assert reader.ids(f"/{stated['type']}", {name: include}, "include"), include


def test_its_security_is_what_is_requested(statement: Json, reader: Reader, people: dict[str, int]) -> None:
    security = statement["rest"][0]["security"]
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    assert "extension" not in security  # oauth-uris demands `authorize`, which there is not
    assert ".well-known/smart-configuration" in security["description"]
    assert Reader(reader.app, None).get("/.well-known/smart-configuration").json["token_endpoint"]
    for stated in _resources(statement):
        expected = 200 if stated["type"] in DEFINITIONS else 401
        assert Reader(reader.app, None).get(f"/{stated['type']}").status_code == expected
    assert security["cors"]  # for pages that are registered, see test_cors.py
    assert "Access-Control-Allow-Origin" not in reader.get("/Patient").headers


def test_each_operation_in_it_is_carried_out(
    statement: Json, reader: Reader, reader_for: Callable[..., Reader], panel: int, people: dict[str, int]
) -> None:
    backport = "http://hl7.org/fhir/uv/subscriptions-backport/"
    assert statement["instantiates"] == [
        "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data",
        f"{backport}CapabilityStatement/backport-subscription-server-r4",
    ]
    definitions = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
    places = {"": statement["rest"][0], **{f"/{one['type']}": one for one in _resources(statement)}}
    stated = {
        place: {one["name"]: one["definition"] for one in at.get("operation", ())} for place, at in places.items()
    }
    assert {place: operations for place, operations in stated.items() if operations} == {
        "": {"export": f"{definitions}export"},
        "/Group": {"export": f"{definitions}group-export", "confirm": stated["/Group"]["confirm"]},
        "/Subscription": {
            name: f"{backport}OperationDefinition/backport-subscription-{name}" for name in ("status", "events")
        },
    }
    definition = reader.json("/OperationDefinition/group-confirm")
    assert definition["url"] == stated["/Group"]["confirm"]
    kiosk = reader_for("Kiosk", scopes="system/Group.u")
    answer = send(kiosk, panel, asked(people["helene"])).json
    for use, sent in (("in", asked(0)), ("out", answer)):
        names = [one["name"] for one in definition["parameter"] if one["use"] == use]
        assert [one["name"] for one in sent["parameter"]] == names
    for path in ("/$export", f"/Group/{panel}/$export"):
        assert reader.send("DELETE", accepted(kick_off(reader, path))).status_code == 202
    assert kick_off(reader, "/Patient/$export").status_code in (404, 501)
