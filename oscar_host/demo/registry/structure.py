"""Structure, cardinalities and formats of a submission, checked by the models of fhir.resources (R4B)."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import orjson
from fhir.resources.R4B.bundle import Bundle
from pydantic import ValidationError

from .elements import Issue
from .shapes import shape

_SHAPES: Final = 4096  # the patients of a clinic have a few dozen


def faults(bundle: dict[str, Any], body: bytes) -> list[Issue]:
    """Every fault that the models find in a Bundle. What they accept and R4 does not is found by `elements.walk`.

    Nearly all entries are like one from before: the models, which take long, are asked once for each shape.
    """
    try:
        accepted = all(map(_is_accepted, _shapes(bundle)))
    except RecursionError:  # extensions within extensions, some hundreds deep
        accepted = False
    return [] if accepted else _faults(body)


def _shapes(bundle: dict[str, Any]) -> Iterator[bytes]:
    """That of the Bundle without its entries, and of one with each entry alone."""
    frame = {name: value for name, value in bundle.items() if name != "entry"}
    yield orjson.dumps(shape(frame, "Bundle"))
    if "entry" not in bundle:
        return
    entries = bundle["entry"]
    for part in ([entry] for entry in entries) if isinstance(entries, list) and entries else [entries]:
        alone = {"resourceType": "Bundle", "type": "transaction", "entry": part}
        yield orjson.dumps(shape(alone, "Bundle"))


@lru_cache(_SHAPES)
def _is_accepted(bundle: bytes) -> bool:
    return not _faults(bundle)


def _faults(body: bytes) -> list[Issue]:
    try:
        Bundle.model_validate_json(body)
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
