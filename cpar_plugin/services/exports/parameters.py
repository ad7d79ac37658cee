"""A kick-off's parameters as a Parameters resource."""

from collections.abc import Iterable
from typing import Any

import orjson

from ..fhir.search.request import Pairs
from .request import BadKickOff


def of_parameters(body: bytes) -> Pairs:
    """The parameters of a Parameters resource; none for an empty body. Raises BadKickOff."""
    if not body.strip():
        return []
    try:
        return [*_pairs(orjson.loads(body))]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadKickOff("Send a Parameters resource as JSON, each parameter with a name and one value.") from None


def _pairs(sent: Any) -> Iterable[tuple[str, str]]:
    parameters = sent.get("parameter", [])
    if sent["resourceType"] != "Parameters" or not isinstance(parameters, list):
        raise ValueError
    for parameter in parameters:
        name = parameter["name"]
        [value] = [parameter[key] for key in parameter if key.startswith("value")]
        if name == "patient":
            value = value["reference"]
        elif name == "allowPartialManifests" and isinstance(value, bool):
            value = "true" if value else "false"
        if not (isinstance(name, str) and isinstance(value, str)):
            raise TypeError
        yield name, value
