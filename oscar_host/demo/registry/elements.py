"""Checks every element of a resource against the official definitions: what the models of fhir.resources accept.

Here: JSON's own types, codes of required bindings, and the invariants named below by their keys in the standard
(http://hl7.org/fhir/R4).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

Json = dict[str, Any]

_DEFINITIONS = json.loads(Path(__file__).with_name("definitions.json").read_text())
ELEMENTS: dict[str, dict[str, Json]] = _DEFINITIONS["elements"]
_CODES = {name: frozenset(codes) for name, codes in _DEFINITIONS["codes"].items()}
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "decimal": (int, float),
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt"), (int,)),
}
OFTEN_THE_SAME = frozenset({"CodeableConcept", "Extension", "Meta"})  # types that say the same of very many patients
KEPT, LONGEST_KEPT = 4096, 2048  # of these: how many, of how many bytes at most
RESOURCES = frozenset({"Bundle", "Patient", "Group", "Organization", "Location", "Practitioner", "PractitionerRole"})


@dataclass(frozen=True)
class Issue:
    """One fault: a code of http://hl7.org/fhir/issue-type, where (a FHIRPath expression), and what."""

    code: str
    expression: str
    message: str


@dataclass(frozen=True)
class FoundReference:
    """A reference on the way, with the resource types that its element allows (empty: any)."""

    expression: str
    reference: str
    targets: tuple[str, ...]


def walk(element: Json, kind: str, path: str) -> Iterator[Issue | FoundReference]:
    """Every fault in an element of this type, and every reference in it. The structure has been checked before."""
    if not element:
        yield Issue("invariant", path, "ele-1: an element has a value or children")
    if fault := broken_invariant(element, kind):
        yield Issue("invariant", path, fault)
    rules = ELEMENTS.get(kind, {})
    for name, value in element.items():
        rule = rules.get(name)
        if rule is None:
            continue
        if value == []:
            yield Issue("structure", f"{path}.{name}", "a list is not empty")
        if isinstance(value, list):
            for position, item in enumerate(value):
                if item is not None or f"_{name}" not in element:  # null means a value that has only extensions
                    yield from _value(item, rule, f"{path}.{name}[{position}]")
        else:
            yield from _value(value, rule, f"{path}.{name}")


def broken_invariant(element: Json, kind: str) -> str | None:
    """What an element of this type breaks by itself, whatever is in its own elements."""
    return _INVARIANTS[kind](element) if kind in _INVARIANTS else None


def _value(value: Any, rule: Json, path: str) -> Iterator[Issue | FoundReference]:
    kind = rule["type"]
    if isinstance(value, dict):
        if kind in OFTEN_THE_SAME and _is_plain(value, kind):
            return
        if kind == "Reference" and "reference" in value:
            yield FoundReference(path, value["reference"], tuple(rule.get("targets", ())))
        if kind == "Resource":
            kind = value.get("resourceType")
        if kind is None:
            yield Issue("structure", path, "a resource has a resourceType")
        else:
            yield from walk(value, kind, path)
    elif type(value) not in _JSON_TYPES.get(kind, (str,)):
        yield Issue("structure", path, f"not JSON's type for a {kind}")
    elif "codes" in rule and value not in _CODES[rule["codes"]]:
        yield Issue("code-invalid", path, f"not a code of the required value set {rule['codes']}")


def _is_plain(element: Json, kind: str) -> bool:
    """Whether there is nothing to report of it: often known from one that is the same."""
    try:
        text = orjson.dumps(element)
    except TypeError:  # what Python's own library reads and orjson does not write
        return False
    return len(text) <= LONGEST_KEPT and _reports_nothing(text, kind)


@lru_cache(KEPT)
def _reports_nothing(text: bytes, kind: str) -> bool:
    return next(walk(orjson.loads(text), kind, ""), None) is None


def _extension(element: Json) -> str | None:
    has_value = any(name.startswith(("value", "_value")) for name in element)
    return None if has_value != ("extension" in element) else "ext-1: an extension has a value or extensions, not both"


def _period(element: Json) -> str | None:
    start, end = element.get("start"), element.get("end")
    if not isinstance(start, str) or not isinstance(end, str):  # one that is no text is reported where it is
        return None
    length = min(len(start), len(end), 10)
    return "per-1: a period starts before it ends" if start[:length] > end[:length] else None


def _identifier(element: Json) -> str | None:
    return None if "system" in element and "value" in element else "an identifier needs a system and a value"


def _name(element: Json) -> str | None:
    return None if element.keys() & {"family", "given", "text"} else "a name needs a family name or a given name"


def _contact_point(element: Json) -> str | None:
    return "cpt-2: a value needs a system" if "value" in element and "system" not in element else None


def _reference(element: Json) -> str | None:
    return None if element.keys() & {"reference", "identifier", "display"} else "the reference leads nowhere"


def _organization(element: Json) -> str | None:
    return None if element.keys() & {"name", "identifier"} else "org-1: an organization has a name or an identifier"


def _patient_contact(element: Json) -> str | None:
    details = element.keys() & {"name", "telecom", "address", "organization"}
    return None if details else "pat-1: a contact has details or an organization"


def _quantity(element: Json) -> str | None:
    return "qty-3: a coded unit needs a system" if "code" in element and "system" not in element else None


_INVARIANTS: dict[str, Callable[[Json], str | None]] = {
    "Extension": _extension,
    "Period": _period,
    "Identifier": _identifier,
    "HumanName": _name,
    "ContactPoint": _contact_point,
    "Reference": _reference,
    "Organization": _organization,
    "Patient.contact": _patient_contact,
    "Quantity": _quantity,
}
