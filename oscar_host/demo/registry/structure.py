"""Structure, cardinalities and formats of a submission, checked by the models of fhir.resources (R4B)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache
from typing import Any, Final

import orjson
from fhir.resources.R4B.bundle import Bundle
from pydantic import ValidationError

from .elements import Issue, walk
from .shapes import ReferenceInside, shape

Json = dict[str, Any]

_SHAPES: Final = 4096  # the patients of a clinic have a few dozen
_AS_IT_IS: Final = (b"", b"")
_ALONE: Final = (b'{"resourceType":"Bundle","type":"transaction","entry":[', b"]}")  # a Bundle around an entry


class _Verdict(Enum):
    """What is known of a shape: the models refuse it, only they accept it, or nothing in it is to be reported."""

    REFUSED = auto()
    ACCEPTED = auto()
    RIGHT = auto()


@dataclass(frozen=True)
class CheckedEntry:
    """Every fault that the models find in an entry, and every reference in it where there is nothing to report else.

    `references` None: what the models accept and R4 does not is to be found by `elements.walk`.
    """

    faults: list[Issue]
    references: list[ReferenceInside] | None = None


def of_frame(frame: Json) -> list[Issue]:
    """Every fault that the models find in a Bundle without its entries, and every null."""
    return _checked(frame, "Bundle", _AS_IT_IS).faults


def of_entry(entry: Any, position: int) -> CheckedEntry:
    """The same of the entry at this position.

    Nearly all entries are like one from before: what takes long is asked once for each shape.
    """
    checked = _checked(entry, "Bundle.entry", _ALONE)
    if not checked.faults:
        return checked
    place = f"Bundle.entry[{position}]"
    return CheckedEntry(
        [replace(one, expression=one.expression.replace("Bundle.entry[0]", place, 1)) for one in checked.faults]
    )


def _checked(element: Any, kind: str, around: tuple[bytes, bytes]) -> CheckedEntry:
    references: list[ReferenceInside] = []
    try:
        verdict = _verdict(orjson.dumps(shape(element, kind, references)), kind, around)
    # Extensions within extensions, some hundreds deep; halves of characters, and numbers of more than 64 bits.
    except (RecursionError, TypeError):
        verdict = _Verdict.REFUSED
    if verdict is not _Verdict.REFUSED:
        return CheckedEntry([], references if verdict is _Verdict.RIGHT else None)
    try:
        return CheckedEntry(_faults(json.dumps(element).encode(), around))
    except RecursionError:
        return CheckedEntry([Issue("structure", "Bundle", "something in it is nested too deeply")])


@lru_cache(_SHAPES)
def _verdict(element: bytes, kind: str, around: tuple[bytes, bytes]) -> _Verdict:
    if _faults(element, around):
        return _Verdict.REFUSED
    has_faults = any(isinstance(found, Issue) for found in walk(orjson.loads(element), kind, ""))
    return _Verdict.ACCEPTED if has_faults else _Verdict.RIGHT


def _faults(element: bytes, around: tuple[bytes, bytes]) -> list[Issue]:
    body = element.join(around)
    if found := list(nulls(json.loads(body), "Bundle")):  # the models take many, and say less well where others are
        return found
    try:
        Bundle.model_validate_json(body)
    except ValidationError as error:
        return [
            Issue("structure", _expression(fault["loc"]), fault["msg"]) for fault in error.errors(include_url=False)
        ]
    except (KeyError, TypeError):  # fhir.resources 8.3.0 looks up the model of a nested resource without a check
        return [Issue("structure", "Bundle", "a resource in it has a resourceType that FHIR does not have")]
    except AttributeError:  # as with what belongs to a value, such as _birthDate
        return [Issue("structure", "Bundle", "what begins with _ in it is not an object")]
    return []


def nulls(element: Any, path: str) -> Iterator[Issue]:
    """Each null in what JSON's reader made of an element, but those that FHIR has: in the list of a name and in that of
    its extensions, where the other one has something.
    """
    if element is None:
        yield Issue("structure", path, "null is not a value")
    elif isinstance(element, list):
        for position, item in enumerate(element):
            yield from nulls(item, f"{path}[{position}]")
    elif isinstance(element, dict):
        for name, value in element.items():
            if isinstance(value, list) and _other_name(name) in element:
                for position, item in enumerate(value):
                    if item is not None:
                        yield from nulls(item, f"{path}.{name}[{position}]")
            else:
                yield from nulls(value, f"{path}.{name}")


def _other_name(name: str) -> str:
    return name.removeprefix("_") if name.startswith("_") else f"_{name}"


def _expression(location: tuple[int | str, ...]) -> str:
    """FHIRPath of pydantic's location, in which `root` is the element itself."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location if step != "root")
    return "Bundle" + "".join(steps)
