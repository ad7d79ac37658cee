"""Partial resources: the parameters `_summary` and `_elements`."""

import orjson

from ....fhir_mappings.identifiers import Resource
from .request import Shape, Summary
from .table import SEARCHABLE

_ALWAYS = frozenset({"resourceType", "id", "meta"})
_SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


def is_included(kind: str, element: str, shape: Shape) -> bool:
    """Whether the response includes an element of a kind, or the extensions of one (`_criteria`)."""
    element = element.removeprefix("_")
    if element in _ALWAYS or element in SEARCHABLE[kind].mandatory:
        return True
    if shape.elements:
        return element in shape.elements
    if shape.summary is Summary.TRUE:
        return element in SEARCHABLE[kind].summary
    return shape.summary is not Summary.TEXT


def shaped(kind: str, text: bytes, shape: Shape) -> bytes:
    """The requested elements of a resource, as JSON; tagged as SUBSETTED when they are not all.

    Then it claims no profile either: what that requires may be among what was removed.
    """
    if shape.whole:
        return text
    resource: Resource = orjson.loads(text)
    part = {name: value for name, value in resource.items() if is_included(kind, name, shape)}
    part["meta"] = {name: value for name, value in resource["meta"].items() if name != "profile"} | {
        "tag": [_SUBSETTED]
    }
    return orjson.dumps(part)
