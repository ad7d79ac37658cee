"""What is alike in many resources: each with the values that are plainly right replaced by one like them.

Whether a resource is right depends on its shape alone, but for where its references lead: the models and `elements`
look at each element by itself, and nothing is replaced that they might not accept. What is doubtful stays as it is, and
so has a shape of its own.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

import orjson

from .elements import ELEMENTS, KEPT, LONGEST_KEPT, OFTEN_THE_SAME, broken_invariant

ReferenceInside = tuple[Any, tuple[str, ...]]  # what a reference says, and the resource types that it may point to

_LONGEST: Final = 1000
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_URN: Final = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BY_IDENTIFIER: Final = re.compile(r"([A-Z][A-Za-z]+\?identifier=)[A-Za-z0-9:/.%_-]+")


def shape(element: Any, kind: str, found: list[ReferenceInside], targets: tuple[str, ...] = ()) -> Any:
    """The shape of an element of this type, in the definitions of FHIR. The references in it are added to `found`.

    `targets`: what it may point to where it is a reference.
    """
    if not isinstance(element, dict):
        replace = _ALIKE.get(kind)
        return replace(element) if replace and type(element) is str else element
    if kind in OFTEN_THE_SAME and len(text := orjson.dumps(element)) <= LONGEST_KEPT:
        known, references = _known_shape(text, kind)
        found += references
        return known
    if kind == "Reference" and "reference" in element:
        found.append((element["reference"], targets))
    if kind == "Resource":
        kind = str(element.get("resourceType"))
    return _shape(element, kind, found)


@lru_cache(KEPT)
def _known_shape(text: bytes, kind: str) -> tuple[Any, list[ReferenceInside]]:
    found: list[ReferenceInside] = []
    return _shape(orjson.loads(text), kind, found), found


def _shape(element: dict[str, Any], kind: str, found: list[ReferenceInside]) -> Any:
    if kind == "Period" and broken_invariant(element, kind):  # the only invariant that depends on values
        return element
    rules = _RULES.get(kind, {})
    shapes: dict[str, Any] = {}
    for name, value in element.items():
        inner, targets, replace = rules.get(name, _UNKNOWN)
        if type(value) is str:  # most are: without a call of `shape` for each
            shapes[name] = replace(value) if replace else value
        elif isinstance(value, list):
            shapes[name] = _of_list(value, inner, targets, found, f"_{name}" in element)
        else:
            shapes[name] = shape(value, inner, found, targets)
    return shapes


def _of_list(
    values: list[Any], kind: str, targets: tuple[str, ...], found: list[ReferenceInside], has_extensions: bool
) -> list[Any]:
    items = [shape(item, kind, found, targets) for item in values]
    if has_extensions or len(items) < 2:  # those belong to a value by its place
        return items
    return list({orjson.dumps(item): item for item in items}.values())


def _text(text: str) -> str:
    return "x" if 0 < len(text) < _LONGEST and text.isprintable() and not text.isspace() else text


def _day(text: str) -> str:
    return "2000-02-29" if _DAY.fullmatch(text) and _is(date.fromisoformat, text) else text


def _moment(text: str) -> str:
    return "2000-02-29T12:00:00Z" if _MOMENT.fullmatch(text) and _is(datetime.fromisoformat, text) else text


def _uri(text: str) -> str:
    if _URN.fullmatch(text):
        return "urn:uuid:00000000-0000-4000-8000-000000000000"
    search = _BY_IDENTIFIER.fullmatch(text)
    return f"{search[1]}x" if search else text


def _is(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


_ALIKE: Final[Mapping[str, Callable[[str], str]]] = {
    "string": _text,
    "date": _day,
    "dateTime": _moment,
    "instant": _moment,
    "uri": _uri,
}
_RULES: Final = {
    kind: {
        name: (rule["type"], tuple(rule.get("targets", ())), _ALIKE.get(rule["type"])) for name, rule in rules.items()
    }
    for kind, rules in ELEMENTS.items()
}
_UNKNOWN: Final = ("", (), None)  # what is in it stays as it is
