"""`organizeOutputBy=Group`: blocks, each of what concerns one Group, behind a header that names it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import orjson

from ..fhir.search.request import Shape, Summary
from ..fhir.search.shape import shaped
from ..fhir.versions import Versioned
from .files import Writer


class Lines(Protocol):
    """Where resources go."""

    def lines(self, lines: list[bytes], *, patients: int = 0) -> None:
        """Add resources, each as JSON; `patients`: how many they are about."""


class Block:
    """The block of one Group. It begins with its first resource: a Group of which there is nothing has none."""

    def __init__(self, writer: Writer, group: Versioned) -> None:
        self._writer = writer
        self._group = group
        self._begun = False

    def begin(self) -> None:
        """Write the header."""
        header = {"name": "header", "valueReference": {"reference": f"Group/{self._group.resource_id}"}}
        self._writer.lines([orjson.dumps({"resourceType": "Parameters", "parameter": [header]})])
        self._begun = True

    def lines(self, lines: list[bytes], *, patients: int = 0) -> None:
        """Add resources. A Group that is not itself exported stands before them without its members."""
        if lines and not self._begun:
            self.begin()
            self._writer.lines([shaped("Group", self._group.text, Shape(Summary.TRUE))])
        self._writer.lines(lines, patients=patients)


class Directory:
    """The clinic, facilities and providers of all Groups, and which of them concern one."""

    def __init__(self, everything: Mapping[str, list[Versioned]]) -> None:
        self._everything = everything
        self._roles = {f"PractitionerRole/{role.resource_id}": role for role in everything["PractitionerRole"]}

    def of(self, kind: str) -> list[Versioned]:
        """All of a kind."""
        return self._everything[kind]

    def of_group(self, group: Versioned, kind: str, versions: Sequence[Versioned]) -> list[Versioned]:
        """Those of some resources of a kind that a Group refers to, itself or by the roles of its providers."""
        if kind == "Organization":
            return list(versions)
        references = set[str]()
        for characteristic in group.resource.get("characteristic", ()):
            reference = characteristic["valueReference"]["reference"]
            references.add(reference)
            if role := self._roles.get(reference):
                references.add(role.resource["practitioner"]["reference"])
                references.update(location["reference"] for location in role.resource.get("location", ()))
        return [version for version in versions if f"{kind}/{version.resource_id}" in references]
