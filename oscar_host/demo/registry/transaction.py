"""Checks a submission: a transaction Bundle by the rules of FHIR R4, and what makes it repeatable."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from . import structure
from .arriving import ArrivingObject, NotAnObject
from .elements import RESOURCES, FoundReference, Issue, walk
from .shapes import ReferenceInside

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


def check(chunks: Iterable[bytes]) -> AcceptedSubmission:
    """Check a submission while it arrives: each entry as soon as it is there. Raises Faulty with every fault found.

    Of an entry nothing is kept but what others may refer to.
    """
    bundle = ArrivingObject(chunks, "entry")
    checking = _Checking()
    try:
        for entry in bundle.items():
            checking.add(entry)
    except NotAnObject:
        raise Faulty([Issue("structure", "Bundle", "this is no JSON object")]) from None
    return checking.close(bundle.others)


class _Checking:
    """What is known of a submission after each of its entries."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._structure: list[Issue] = []
        self._incomplete: list[Issue] = []
        self._content: list[Issue] = []
        self._types: dict[str, str] = {}  # by fullUrl
        self._conditions: set[str] = set()
        self._ahead: list[FoundReference] = []  # to entries that have not arrived
        self._groups: list[tuple[str, int]] = []  # panel number, members

    def add(self, entry: Any) -> None:
        """The next entry. Its content is looked at while all that arrived is whole and of the right structure."""
        position = len(self._keys)
        self._keys.append("")
        checked = structure.of_entry(entry, position)
        self._structure += checked.faults
        if not checked.faults:
            self._incomplete += _of_parts(entry, position)
        if not self._structure and not self._incomplete:
            self._content += self._of_content(entry, f"Bundle.entry[{position}]", checked.references)
            self._keys[position] = _condition(entry)

    def close(self, frame: Json) -> AcceptedSubmission:
        """After the last entry, with the Bundle around them."""
        kind = frame.get("resourceType")
        if not isinstance(kind, str) or kind not in RESOURCES:
            raise Faulty([Issue("structure", "Bundle", "this is no FHIR resource that belongs to a submission")])
        if kind != "Bundle":
            raise Faulty([Issue("not-supported", kind, "only a transaction Bundle is taken here")])
        if faults := structure.of_frame(frame) + self._structure:
            raise Faulty(faults)
        if issues := [*_of_frame(frame, len(self._keys)), *self._incomplete]:
            raise Faulty(issues)
        issues = [*self._of_elements(walk(frame, "Bundle", "Bundle")), *self._content]
        issues += filter(None, (_of_reference(link, self._types) for link in self._ahead))
        if len(self._groups) != 1:
            issues.append(
                Issue("business-rule", "Bundle.entry", f"a submission has one Group, not {len(self._groups)}")
            )
        if issues:
            raise Faulty(issues)
        ((panel_number, members),) = self._groups
        return AcceptedSubmission(frame["identifier"]["value"], panel_number, members, tuple(self._keys))

    def _of_content(self, entry: Json, path: str, references: list[ReferenceInside] | None) -> Iterator[Issue]:
        full_url, resource = entry["fullUrl"], entry["resource"]
        if not _URN_UUID.fullmatch(full_url):
            yield Issue("value", f"{path}.fullUrl", "not a urn:uuid in lower case")
        if full_url in self._types:
            yield Issue("duplicate", f"{path}.fullUrl", "bdl-7: another entry has the same fullUrl")
        self._types[full_url] = resource["resourceType"]
        yield from _of_request(entry, path, self._conditions)
        if references is None or not all(map(self._leads_right, references)):
            yield from self._of_elements(walk(entry, "Bundle.entry", path))
        if resource["resourceType"] == "Group":
            yield from _of_group(resource, f"{path}.resource")
            number = next((one.get("value", "") for one in resource.get("identifier", [])), "")
            self._groups.append((number, len(resource.get("member", []))))

    def _leads_right(self, inside: ReferenceInside) -> bool:
        """Whether it leads to an entry that has arrived, of a type that it may point to."""
        reference, targets = inside
        kind = self._types.get(reference)
        return kind is not None and (not targets or kind in targets)

    def _of_elements(self, walked: Iterable[Issue | FoundReference]) -> Iterator[Issue]:
        for item in walked:
            if isinstance(item, Issue):
                yield item
            elif item.reference in self._types:
                if issue := _of_reference(item, self._types):
                    yield issue
            else:
                self._ahead.append(item)


def _of_frame(frame: Json, entries: int) -> Iterator[Issue]:
    """What must hold before anything else can be looked at."""
    if frame["type"] != "transaction":
        yield Issue("not-supported", "Bundle.type", "only a transaction is taken here")
    if "identifier" not in frame:
        yield Issue("required", "Bundle.identifier", "without an identifier a repeated submission cannot be known")
    if not entries:
        yield Issue("required", "Bundle.entry", "there is nothing in it")


def _of_parts(entry: Json, position: int) -> Iterator[Issue]:
    """The same of an entry."""
    for name in ("fullUrl", "resource", "request"):
        if name not in entry:
            yield Issue("required", f"Bundle.entry[{position}].{name}", "every entry of a submission has one")
    if "resource" in entry and entry["resource"].get("resourceType") not in RESOURCES:
        yield Issue("not-supported", f"Bundle.entry[{position}].resource", "not a resource of a submission")


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


def _of_group(group: Json, path: str) -> Iterator[Issue]:
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
