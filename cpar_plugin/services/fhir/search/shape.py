"""Resources of which not all is wanted: `_summary` and `_elements`."""

import orjson

from ....fhir_mappings.identifiers import Resource
from .request import Shape, Summary
from .table import SEARCHABLE

_ALWAYS = frozenset({"resourceType", "id", "meta"})
_SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


def wanted(kind: str, element: str, shape: Shape) -> bool:
    """Whether an element of a kind is asked for."""
    if element in _ALWAYS or element in SEARCHABLE[kind].mandatory:
        return True
    if shape.elements:
        return element in shape.elements
    if shape.summary is Summary.TRUE:
        return element in SEARCHABLE[kind].summary
    return shape.summary is not Summary.TEXT


def shaped(kind: str, text: bytes, shape: Shape) -> bytes:
    """A resource as far as it is asked for, as JSON; tagged when that is not all of it."""
    if shape.whole:
        return text
    resource: Resource = orjson.loads(text)
    part = {name: value for name, value in resource.items() if wanted(kind, name, shape)}
    part["meta"] = {**resource["meta"], "tag": [_SUBSETTED]}
    return orjson.dumps(part)
