"""What the registry finds in a submission, and where. Every fault is made in one that was right."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from oscar_host.demo.registry import structure
from oscar_host.demo.registry.transaction import Faulty, check

from ..examples import examples

Json = dict[str, Any]
CLINIC, PLACE, DOCTOR, ROLE, PAT, LEE, PANEL = range(7)


def resource(bundle: Json, position: int) -> Json:
    found: Json = bundle["entry"][position]["resource"]
    return found


def faults(bundle: Json | list[Any]) -> list[tuple[str, str]]:
    with pytest.raises(Faulty) as caught:
        check([orjson.dumps(bundle)])
    return [(issue.code, issue.expression) for issue in caught.value.issues]


def test_a_submission_by_the_standard_is_taken(submission: Callable[..., Json]) -> None:
    found = check([orjson.dumps(submission(patients=3))])
    assert (found.panel_number, found.members, len(found.keys)) == ("0042", 3, 8)
    assert found.identifier == "urn:uuid:8a3f3e9e-8f0e-4b5c-9d51-2f1f2f7d9a10"


ELEMENTS: dict[str, tuple[int, Json, str, str]] = {
    "an unknown element": (PAT, {"surname": "X"}, "structure", "surname"),
    "a text for a truth value": (PAT, {"active": "true"}, "structure", "active"),
    "one thing where a list belongs": (PAT, {"name": {"family": "X"}}, "structure", "name"),
    "an empty text": (PAT, {"name": [{"family": ""}]}, "structure", "name[0].family"),
    "an empty list": (PAT, {"telecom": []}, "structure", "telecom"),
    "a date in another form": (PAT, {"birthDate": "29/02/1980"}, "structure", "birthDate"),
    "a moment without a zone": (
        PANEL,
        {"member": [{"entity": {"display": "x"}, "period": {"start": "2026-11-01T08:00:00"}}]},
        "structure",
        "member[0].period.start",
    ),
    "a Group without a type": (PANEL, {"type": None}, "structure", "type"),
    "two kinds of value": (PAT, {"deceasedBoolean": True, "deceasedDateTime": "2026"}, "structure", ""),
    "a day that does not exist": (PAT, {"birthDate": "1981-02-29"}, "structure", "birthDate"),
    "a text for a number": (PANEL, {"quantity": "2"}, "structure", "quantity"),
    "a number for a truth value": (PAT, {"active": 1}, "structure", "active"),
    "nothing in a list of names": (PAT, {"name": [{"family": "X", "given": [None]}]}, "structure", "name[0].given[0]"),
    "a contained resource without a type": (PAT, {"contained": [{"id": "1"}]}, "structure", "contained[0]"),
    "a gender code of the clinic": (PAT, {"gender": "F"}, "code-invalid", "gender"),
    "a use of a name that there is not": (
        PAT,
        {"name": [{"family": "X", "use": "legal"}]},
        "code-invalid",
        "name[0].use",
    ),
    "a Group of people": (PANEL, {"type": "people"}, "code-invalid", "type"),
    "a status of a place that there is not": (PLACE, {"status": "open"}, "code-invalid", "status"),
    "an element without anything in it": (PAT, {"maritalStatus": {}}, "invariant", "maritalStatus"),
    "an identifier without a system": (
        DOCTOR,
        {"identifier": [{"system": "https://x.invalid/practitioner", "value": "123456789"}, {"value": "1"}]},
        "invariant",
        "identifier[1]",
    ),
    "a name without a name": (PAT, {"name": [{"use": "official"}]}, "invariant", "name[0]"),
    "a telephone number of no kind": (PAT, {"telecom": [{"value": "780"}]}, "invariant", "telecom[0]"),
    "a period that ends before it starts": (
        ROLE,
        {"period": {"start": "2026-02", "end": "2026-01-31"}},
        "invariant",
        "period",
    ),
    "an extension that says nothing": (PAT, {"extension": [{"url": "https://x.invalid"}]}, "invariant", "extension[0]"),
    "an extension that says two things": (
        PAT,
        {
            "extension": [
                {"url": "https://x.invalid/a", "valueCode": "a", "extension": [{"url": "b", "valueCode": "b"}]}
            ]
        },
        "invariant",
        "extension[0]",
    ),
    "a contact who is nobody": (PAT, {"contact": [{"gender": "female"}]}, "invariant", "contact[0]"),
    "a reference that leads nowhere": (
        PAT,
        {"managingOrganization": {"type": "Organization"}},
        "invariant",
        "managingOrganization",
    ),
    "a reference to what is not sent": (
        PAT,
        {"managingOrganization": {"reference": "Organization/1"}},
        "not-found",
        "managingOrganization.reference",
    ),
    "a conditional reference of the wrong type": (
        PAT,
        {"managingOrganization": {"reference": "Patient?identifier=a%7Cb"}},
        "invalid",
        "managingOrganization.reference",
    ),
    "a Group that is no actual one": (PANEL, {"actual": False}, "business-rule", ""),
    "a Group of practitioners": (PANEL, {"type": "practitioner"}, "business-rule", ""),
    "a wrong number of members": (PANEL, {"quantity": 3}, "value", "quantity"),
}


@pytest.mark.parametrize("fault", ELEMENTS)
def test_a_fault_in_a_resource_is_found_where_it_is(fault: str, submission: Callable[..., Json]) -> None:
    position, change, code, place = ELEMENTS[fault]
    bundle = submission()
    changed = resource(bundle, position) | change
    bundle["entry"][position]["resource"] = {name: value for name, value in changed.items() if value is not None}
    expression = f"Bundle.entry[{position}].resource.{place}".rstrip(".")
    assert (code, expression) in faults(bundle)


@pytest.mark.parametrize(
    ("other", "code", "place"),
    [
        ({"resourceType": "Basic", "code": {"text": "x"}}, "not-supported", "Bundle.entry[4].resource"),
        ({}, "not-supported", "Bundle.entry[4].resource"),
        ({"resourceType": "Parcel"}, "structure", "Bundle"),
        ({"resourceType": 5}, "structure", "Bundle"),
    ],
)
def test_another_resource_than_those_of_a_submission_is_refused(
    other: Json, code: str, place: str, submission: Callable[..., Json]
) -> None:
    bundle = submission()
    bundle["entry"][PAT]["resource"] = other
    assert faults(bundle) == [(code, place)]


def test_a_member_that_is_not_in_the_bundle_is_found(submission: Callable[..., Json]) -> None:
    bundle = submission()
    del bundle["entry"][PAT]
    assert faults(bundle) == [("not-found", "Bundle.entry[5].resource.member[0].entity.reference")]


def test_a_member_that_is_a_place_is_found(submission: Callable[..., Json]) -> None:
    bundle = submission()
    resource(bundle, PANEL)["member"][0]["entity"]["reference"] = bundle["entry"][PLACE]["fullUrl"]
    assert faults(bundle) == [("invalid", "Bundle.entry[6].resource.member[0].entity.reference")]


def test_the_same_member_twice_is_found(submission: Callable[..., Json]) -> None:
    bundle = submission()
    members = resource(bundle, PANEL)["member"]
    members[1] = members[0]
    assert faults(bundle) == [("duplicate", "Bundle.entry[6].resource.member")]


def test_two_entries_with_the_same_full_url_are_found(submission: Callable[..., Json]) -> None:
    bundle = submission()
    bundle["entry"][LEE]["fullUrl"] = bundle["entry"][PAT]["fullUrl"]
    assert ("duplicate", "Bundle.entry[5].fullUrl") in faults(bundle)


def test_two_entries_that_put_the_same_resource_are_found(submission: Callable[..., Json]) -> None:
    bundle = submission()
    bundle["entry"][LEE]["request"] = bundle["entry"][PAT]["request"]
    resource(bundle, LEE)["identifier"] = resource(bundle, PAT)["identifier"]
    assert faults(bundle) == [("duplicate", "Bundle.entry[5].request.url")]


@pytest.mark.parametrize(
    ("request_", "code", "place"),
    [
        ({"method": "PUT", "url": "Patient/1"}, "invalid", "request.url"),
        ({"method": "PUT", "url": "Patient?name=a"}, "invalid", "request.url"),
        ({"method": "PUT", "url": "Patient?identifier=https://x.invalid/phn%7C999999999"}, "invalid", "request.url"),
        ({"method": "PUT", "url": "Patient?identifier=000000001"}, "invalid", "request.url"),
        ({"method": "PUT", "url": "Patient?identifier=a%7Cb&identifier=c%7Cd"}, "invalid", "request.url"),
        ({"method": "PUT", "url": "Group?identifier=https://x.invalid/phn%7C000000001"}, "invalid", "request.url"),
        ({"method": "POST", "url": "Patient"}, "invalid", "request.url"),
        ({"method": "DELETE", "url": "Patient?identifier=a%7Cb"}, "not-supported", "request.method"),
        ({"method": "MERGE", "url": "Patient?identifier=a%7Cb"}, "code-invalid", "request.method"),
    ],
)
def test_what_could_not_be_repeated_is_refused(
    request_: Json, code: str, place: str, submission: Callable[..., Json]
) -> None:
    bundle = submission()
    bundle["entry"][PAT]["request"] = request_
    assert (code, f"Bundle.entry[4].{place}") in faults(bundle)


def test_a_post_that_is_conditional_is_taken(submission: Callable[..., Json]) -> None:
    bundle = submission()
    query = "identifier=https://x.invalid/phn%7C000000001"
    bundle["entry"][PAT]["request"] = {"method": "POST", "url": "Patient", "ifNoneExist": query}
    assert check([orjson.dumps(bundle)]).keys[PAT] == f"Patient?{query}"


def test_separators_within_an_identifier_must_be_escaped_as_the_search_rules_say(
    submission: Callable[..., Json],
) -> None:
    bundle = submission()
    resource(bundle, PANEL)["identifier"][0]["value"] = "A,1|2"
    bundle["entry"][PANEL]["request"]["url"] = "Group?identifier=https://x.invalid/panel%7CA,1%7C2"
    assert faults(bundle) == [("invalid", "Bundle.entry[6].request.url")]
    bundle["entry"][PANEL]["request"]["url"] = "Group?identifier=https://x.invalid/panel%7CA%5C,1%5C%7C2"
    assert check([orjson.dumps(bundle)]).panel_number == "A,1|2"


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        ({"type": "collection"}, "not-supported", "Bundle.type"),
        ({"type": "parcel"}, "not-supported", "Bundle.type"),
        ({"type": None}, "structure", "Bundle.type"),
        ({"identifier": None}, "required", "Bundle.identifier"),
        ({"identifier": {"system": "urn:ietf:rfc:3986"}}, "invariant", "Bundle.identifier"),
        ({"entry": None}, "required", "Bundle.entry"),
    ],
)
def test_a_fault_in_the_bundle_itself_is_found(
    change: Json, code: str, place: str, submission: Callable[..., Json]
) -> None:
    bundle = {name: value for name, value in (submission() | change).items() if value is not None}
    assert (code, place) in faults(bundle)


@pytest.mark.parametrize("missing", ["fullUrl", "resource", "request"])
def test_an_entry_without_its_parts_is_found(missing: str, submission: Callable[..., Json]) -> None:
    bundle = submission()
    del bundle["entry"][PAT][missing]
    assert ("required", f"Bundle.entry[4].{missing}") in faults(bundle)


def test_a_submission_without_its_panel_is_found(submission: Callable[..., Json]) -> None:
    bundle = submission()
    del bundle["entry"][PANEL]
    assert faults(bundle) == [("business-rule", "Bundle.entry")]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"Bundle"', b"\xff\xfe", b'{"resourceType": "Parcel"}'])
def test_what_is_no_resource_is_refused(body: bytes) -> None:
    with pytest.raises(Faulty) as caught:
        check([body])
    assert caught.value.issues[0].code == "structure"


def test_two_thousand_members_are_checked_in_a_moment(submission: Callable[..., Json]) -> None:
    body = orjson.dumps(submission(patients=2000))
    began = time.perf_counter()
    assert check([body]).members == 2000
    assert time.perf_counter() - began < 20  # about a second on an ordinary machine


@pytest.mark.parametrize("birth_date", ["1981-02-29", "1981-2-1", "", "19810201", "1981-02-01 "])
def test_one_wrong_value_is_found_among_many_like_it(submission: Callable[..., Json], birth_date: str) -> None:
    """Entries that are alike are not looked at one by one: no wrong one may pass for them."""
    bundle = submission(patients=40)
    check([orjson.dumps(bundle)])
    resource(bundle, PAT + 30)["birthDate"] = birth_date
    assert ("structure", f"Bundle.entry[{PAT + 30}].resource.birthDate") in faults(bundle)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("period", {"start": "2026-11-02T08:00:00Z", "end": "2026-11-01T08:00:00Z"}, "invariant"),
        ("period", {"start": 5, "end": "2026-11-01T08:00:00Z"}, "structure"),
        ("entity", {"reference": "urn:uuid:00000000-0000-4000-8000-000000000000"}, "not-found"),
    ],
)
def test_one_wrong_member_is_found_among_many_like_it(
    submission: Callable[..., Json], name: str, value: Json, code: str
) -> None:
    bundle = submission(patients=40)
    for member in resource(bundle, -1)["member"]:
        member["period"] = {"start": "2026-11-01T08:00:00Z", "end": "2026-11-02T08:00:00Z"}
    check([orjson.dumps(bundle)])
    resource(bundle, -1)["member"][30][name] = value
    ((found, expression),) = faults(bundle)
    assert found == code
    assert expression.startswith(f"Bundle.entry[44].resource.member[30].{name}")


def test_one_reference_to_another_kind_is_found_among_many_like_it(submission: Callable[..., Json]) -> None:
    bundle = submission(patients=40)
    check([orjson.dumps(bundle)])
    resource(bundle, PAT + 30)["generalPractitioner"] = [{"reference": bundle["entry"][PLACE]["fullUrl"]}]
    assert faults(bundle) == [("invalid", f"Bundle.entry[{PAT + 30}].resource.generalPractitioner[0].reference")]


def test_a_reference_within_an_extension_is_followed_in_each_patient(submission: Callable[..., Json]) -> None:
    bundle = submission(patients=3)
    for position in range(PAT, PAT + 3):
        to_doctor = {"reference": bundle["entry"][DOCTOR]["fullUrl"]}
        resource(bundle, position)["extension"] = [{"url": "https://x.invalid/seen-by", "valueReference": to_doctor}]
    check([orjson.dumps(bundle)])
    to_no_one = {"reference": "urn:uuid:00000000-0000-4000-8000-000000000000"}
    for position in (PAT, PAT + 2):
        resource(bundle, position)["extension"][0]["valueReference"] = to_no_one
    places = [f"Bundle.entry[{position}].resource.extension[0].valueReference" for position in (PAT, PAT + 2)]
    assert faults(bundle) == [("not-found", f"{place}.reference") for place in places]


def test_null_is_refused_wherever_it_is_in_a_submission(submission: Callable[..., Json]) -> None:
    bundle = submission()
    del bundle["resourceType"]  # by which it is known as a Bundle at all
    for holder, name, expression in [*inside(bundle, "Bundle")]:
        value, holder[name] = holder[name], None
        assert ("structure", expression) in faults(bundle | {"resourceType": "Bundle"})
        holder[name] = value
    check([orjson.dumps(bundle | {"resourceType": "Bundle"})])


def inside(element: Any, path: str) -> Iterator[tuple[Any, str | int, str]]:
    """Each value in an element: what holds it, its name or place there, and its expression."""
    items = element.items() if isinstance(element, dict) else enumerate(element) if isinstance(element, list) else ()
    for name, value in items:
        expression = f"{path}.{name}" if isinstance(element, dict) else f"{path}[{name}]"
        yield element, name, expression
        yield from inside(value, expression)


def test_null_in_a_list_is_taken_where_the_other_list_has_the_extensions(submission: Callable[..., Json]) -> None:
    bundle = submission()
    unknown = {"extension": [{"url": "https://x.invalid/not-known", "valueCode": "unknown"}]}
    resource(bundle, PAT)["name"] = [{"family": "X", "given": [None, "Pat"], "_given": [unknown, None]}]
    assert check([orjson.dumps(bundle)]).members == 2


def test_a_text_where_extensions_of_a_value_belong_is_refused(submission: Callable[..., Json]) -> None:
    bundle = submission()
    resource(bundle, PAT)["_birthDate"] = "5"
    assert faults(bundle) == [("structure", "Bundle")]


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    element=st.sampled_from(["family", "reference", "since", "fullUrl", "url", "value"]),
    text=st.one_of(
        st.text(max_size=6), st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z\Z")
    ),
)
def test_what_the_models_refuse_is_refused(submission: Callable[..., Json], element: str, text: str) -> None:
    bundle = submission(patients=2)
    entry, person, panel = bundle["entry"][PAT], resource(bundle, PAT), resource(bundle, PANEL)
    places: dict[str, tuple[Json, str]] = {
        "family": (person["name"][0], "family"),
        "reference": (panel["member"][0]["entity"], "reference"),
        "since": (panel["member"][0]["period"], "start"),
        "fullUrl": (entry, "fullUrl"),
        "url": (entry["request"], "url"),
        "value": (person["identifier"][0], "value"),
    }
    holder, name = places[element]
    holder[name] = text
    body = orjson.dumps(bundle)
    try:
        Bundle.model_validate_json(body)
    except ValidationError:
        assert {code for code, _ in faults(bundle)} == {"structure"}
    else:
        entries = bundle.pop("entry")
        of_entries = (structure.of_entry(one, place).faults for place, one in enumerate(entries))
        found = [structure.of_frame(bundle), *of_entries]
        assert not any(found)
