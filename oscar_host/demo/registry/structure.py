"""Structure, cardinalities and formats of a submission, checked by the models of fhir.resources (R4B)."""

import json
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import orjson
from fhir.resources.R4B.bundle import Bundle
from pydantic import ValidationError

from .elements import Issue
from .shapes import shape

Json = dict[str, Any]

_SHAPES: Final = 4096  # the patients of a clinic have a few dozen
_AS_IT_IS: Final = (b"", b"")
_ALONE: Final = (b'{"resourceType":"Bundle","type":"transaction","entry":[', b"]}")  # a Bundle around an entry


def of_frame(frame: Json) -> list[Issue]:
    """Every fault that the models find in a Bundle without its entries."""
    return _unless_accepted(frame, "Bundle", _AS_IT_IS)


def of_entry(entry: Any, position: int) -> list[Issue]:
    """The same of the entry at this position. What they accept and R4 does not is found by `elements.walk`.

    Nearly all entries are like one from before: the models, which take long, are asked once for each shape.
    """
    return [
        replace(issue, expression=issue.expression.replace("Bundle.entry[0]", f"Bundle.entry[{position}]", 1))
        for issue in _unless_accepted(entry, "Bundle.entry", _ALONE)
    ]


def _unless_accepted(element: Any, kind: str, around: tuple[bytes, bytes]) -> list[Issue]:
    try:
        if _is_accepted(orjson.dumps(shape(element, kind)), around):
            return []
    # Extensions within extensions, some hundreds deep; halves of characters, and numbers of more than 64 bits.
    except (RecursionError, TypeError):
        pass
    try:
        return _faults(json.dumps(element).encode(), around)
    except RecursionError:
        return [Issue("structure", "Bundle", "something in it is nested too deeply")]


@lru_cache(_SHAPES)
def _is_accepted(element: bytes, around: tuple[bytes, bytes]) -> bool:
    return not _faults(element, around)


def _faults(element: bytes, around: tuple[bytes, bytes]) -> list[Issue]:
    try:
        Bundle.model_validate_json(element.join(around))
    except ValidationError as error:
        return [
            Issue("structure", _expression(fault["loc"]), fault["msg"]) for fault in error.errors(include_url=False)
        ]
    except (KeyError, TypeError):  # fhir.resources 8.3.0 looks up the model of a nested resource without a check
        return [Issue("structure", "Bundle", "a resource in it has a resourceType that FHIR does not have")]
    return []


def _expression(location: tuple[int | str, ...]) -> str:
    """FHIRPath of pydantic's location, in which `root` is the element itself."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location if step != "root")
    return "Bundle" + "".join(steps)
