"""Snapshots of our profiles and extensions: R4's elements with what a differential says of them.

As much of https://hl7.org/fhir/R4/profiling.html#snapshot as our differentials need: elements that are narrowed, slices
of extensions by their `url`, and elements inside of a datatype. `derive_r4_elements` makes the file of R4's elements.
"""

import json
from collections.abc import Iterable
from copy import deepcopy
from functools import cache
from pathlib import Path

from .identifiers import Resource

ELEMENTS = Path(__file__).with_name("r4_elements.json")
BASES = ("Group", "Extension", "Identifier", "Period")  # what is profiled, and the datatypes that are looked into
_CODED = {"code", "Coding", "CodeableConcept", "Quantity", "string", "uri"}  # may be bound to a value set
_BY_URL = {"discriminator": [{"type": "value", "path": "url"}], "ordered": False, "rules": "open"}


def snapshot(base: str, differential: Iterable[Resource]) -> list[Resource]:
    """All elements of a profile on `base`. Raises KeyError for an element that R4 does not have there."""
    elements = {element["id"]: element for element in deepcopy(_r4()[base])}
    for rules in differential:
        if rules["id"] not in elements:
            elements = _with(rules, elements)
        element = elements[rules["id"]]
        element |= deepcopy(rules)
        if _CODED.isdisjoint(one["code"] for one in element.get("type", ())):
            element.pop("binding", None)  # of a type that has just been ruled out
    for sliced in elements.values():
        slices = [one for one in elements.values() if one["id"] == f"{sliced['id']}:{one.get('sliceName')}"]
        sliced["min"] = max(sliced["min"], sum(one["min"] for one in slices))
    return list(elements.values())


@cache
def _r4() -> dict[str, list[Resource]]:
    elements: dict[str, list[Resource]] = json.loads(ELEMENTS.read_text(encoding="utf-8"))
    return elements


def _with(rules: Resource, elements: dict[str, Resource]) -> dict[str, Resource]:
    """The elements, with one that is a new slice, or inside of a datatype."""
    parent_id, _, _ = rules["id"].rpartition(".")
    if "sliceName" in rules:
        sliced_id = rules["id"].removesuffix(f":{rules['sliceName']}")
        sliced = elements[sliced_id]
        element = {name: value for name, value in deepcopy(sliced).items() if name != "slicing"}
        sliced.setdefault("slicing", deepcopy(_BY_URL))
        return _after(sliced_id, {rules["id"]: {**element, "id": rules["id"]}}, elements)
    return _after(parent_id, _inside(elements[parent_id]), elements)


def _inside(parent: Resource) -> dict[str, Resource]:
    """The elements of the one datatype that an element has."""
    (kind,) = (one["code"] for one in parent["type"])
    inside = {}
    for element in deepcopy(_r4()[kind][1:]):
        for name, start in (("id", parent["id"]), ("path", parent["path"])):
            element[name] = start + element[name].removeprefix(kind)
        inside[element["id"]] = element
    return inside


def _after(of_id: str, new: dict[str, Resource], elements: dict[str, Resource]) -> dict[str, Resource]:
    """The elements, with new ones after an element, its slices, and all that is inside of these."""
    belonging = [each for each in elements if each == of_id or each.startswith((f"{of_id}.", f"{of_id}:"))]
    result = {}
    for element_id, element in elements.items():
        result[element_id] = element
        if element_id == belonging[-1]:
            result |= new
    return result
