"""Checks a submission: a transaction Bundle by the rules of FHIR R4, and what makes it repeatable."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from .elements import RESOURCES, FoundReference, Issue, walk
from .structure import faults

Json = dict[str, Any]

_URN_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class AcceptedSubmission:
    """What the registry keeps of a submission that is right. `keys`: one for each entry, by which it is found again."""

    identifier: str
    panel_number: str
    members: int
    keys: tuple[str, ...]


class Faulty(Exception):
    """The submission breaks rules; nothing of it is kept."""

    def __init__(self, issues: list[Issue]) -> None:
        super().__init__(f"{len(issues)} faults")
        self.issues = issues


def check(body: bytes) -> AcceptedSubmission:
    """The submission, once no rule is broken. Raises Faulty with every fault found."""
    try:
        bundle = orjson.loads(body)
    except ValueError:
        raise Faulty([Issue("structure", "Bundle", "this is not JSON")]) from None
    kind = bundle.get("resourceType") if isinstance(bundle, dict) else None
    if kind not in RESOURCES:
        raise Faulty([Issue("structure", "Bundle", "this is no FHIR resource that belongs to a submission")])
    if kind != "Bundle":
        raise Faulty([Issue("not-supported", kind, "only a transaction Bundle is taken here")])
    if structure := faults(bundle, body):
        raise Faulty(structure)
    issues = list(_of_bundle(bundle))
    if issues:
        raise Faulty(issues)
    issues = list(_of_content(bundle))
    if issues:
        raise Faulty(issues)
    group = next(resource for resource in _resources(bundle) if resource["resourceType"] == "Group")
    return AcceptedSubmission(
        identifier=bundle["identifier"]["value"],
        panel_number=group["identifier"][0]["value"],
        members=len(group.get("member", [])),
        keys=tuple(_condition(entry) for entry in bundle["entry"]),
    )


def _resources(bundle: Json) -> Iterator[Json]:
    return (entry["resource"] for entry in bundle["entry"])


def _of_bundle(bundle: Json) -> Iterator[Issue]:
    """What must hold before anything else can be looked at."""
    if bundle["type"] != "transaction":
        yield Issue("not-supported", "Bundle.type", "only a transaction is taken here")
    if "identifier" not in bundle:
        yield Issue("required", "Bundle.identifier", "without an identifier a repeated submission cannot be known")
    if not bundle.get("entry"):
        yield Issue("required", "Bundle.entry", "there is nothing in it")
    for position, entry in enumerate(bundle.get("entry", [])):
        for name in ("fullUrl", "resource", "request"):
            if name not in entry:
                yield Issue("required", f"Bundle.entry[{position}].{name}", "every entry of a submission has one")
        if "resource" in entry and entry["resource"].get("resourceType") not in RESOURCES:
            yield Issue("not-supported", f"Bundle.entry[{position}].resource", "not a resource of a submission")


def _of_content(bundle: Json) -> Iterator[Issue]:
    types: dict[str, str] = {}
    conditions: set[str] = set()
    for position, entry in enumerate(bundle["entry"]):
        path = f"Bundle.entry[{position}]"
        full_url = entry["fullUrl"]
        if not _URN_UUID.fullmatch(full_url):
            yield Issue("value", f"{path}.fullUrl", "not a urn:uuid in lower case")
        if full_url in types:
            yield Issue("duplicate", f"{path}.fullUrl", "bdl-7: another entry has the same fullUrl")
        types[full_url] = entry["resource"]["resourceType"]
        yield from _of_request(entry, path, conditions)
    for item in walk(bundle, "Bundle", "Bundle"):
        issue = _of_reference(item, types) if isinstance(item, FoundReference) else item
        if issue:
            yield issue
    yield from _of_group(bundle)


def _condition(entry: Json) -> str:
    """The search by which the entry's resource is found again; empty when there is none."""
    request = entry["request"]
    if request["method"] == "PUT":
        return str(request["url"])
    return f"{request['url']}?{request['ifNoneExist']}" if "ifNoneExist" in request else ""


def _of_request(entry: Json, path: str, conditions: set[str]) -> Iterator[Issue]:
    request, resource = entry["request"], entry["resource"]
    if request["method"] not in ("PUT", "POST"):
        yield Issue("not-supported", f"{path}.request.method", "a submission only puts and posts")
        return
    condition = _condition(entry)
    kind, _, query = condition.partition("?")
    parameters = parse_qsl(query, keep_blank_values=True)
    if kind != resource["resourceType"]:
        yield Issue("invalid", f"{path}.request.url", "names another resource type than the resource has")
    if [name for name, _ in parameters] != ["identifier"]:
        yield Issue("invalid", f"{path}.request.url", "not conditional on exactly one identifier")
        return
    if parameters[0][1] not in _tokens(resource):
        yield Issue("invalid", f"{path}.request.url", "the resource does not have the identifier that it is put by")
    if condition in conditions:
        yield Issue("duplicate", f"{path}.request.url", "two entries of a transaction change the same resource")
    conditions.add(condition)


def _tokens(resource: Json) -> set[str]:
    """Its identifiers as FHIR's search writes them, system|value."""
    identifiers = resource.get("identifier", [])
    pairs = [
        (identifier.get("system", ""), identifier.get("value", ""))
        for identifier in identifiers
        if isinstance(identifier, dict)
    ]
    return {f"{_escape(system)}|{_escape(value)}" for system, value in pairs}


def _escape(text: str) -> str:
    return re.sub(r"([\\,|$])", r"\\\1", text)


def _of_reference(link: FoundReference, types: dict[str, str]) -> Issue | None:
    where = f"{link.expression}.reference"
    if link.reference in types:
        target = types[link.reference]
    elif re.match(r"[A-Z][A-Za-z]+\?identifier=.", link.reference):
        target = link.reference.partition("?")[0]
    else:
        return Issue("not-found", where, "neither an entry of this Bundle nor conditional on an identifier")
    if link.targets and target not in link.targets:
        return Issue("invalid", where, f"may not point to a {target}")
    return None


def _of_group(bundle: Json) -> Iterator[Issue]:
    groups = [
        (index, resource) for index, resource in enumerate(_resources(bundle)) if resource["resourceType"] == "Group"
    ]
    if len(groups) != 1:
        yield Issue("business-rule", "Bundle.entry", f"a submission has one Group, not {len(groups)}")
    for position, group in groups:
        path = f"Bundle.entry[{position}].resource"
        if group["type"] != "person" or group["actual"] is not True:
            yield Issue("business-rule", path, "a panel is a Group of actual persons")
        if not group.get("identifier"):
            yield Issue("required", f"{path}.identifier", "the panel number is missing")
        members = group.get("member", [])
        if len({member["entity"].get("reference") for member in members}) != len(members):
            yield Issue("duplicate", f"{path}.member", "a member stands in the list twice")
        active = sum(1 for member in members if member.get("inactive") is not True)
        if group.get("quantity", active) != active:
            yield Issue("value", f"{path}.quantity", f"there are {active} active members")
