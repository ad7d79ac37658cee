"""Searching the kinds of which there are few (clinic, facilities, providers), in memory."""

from collections.abc import Iterable, Iterator
from typing import Any

from ....fhir_mappings.identifiers import Resource
from ....store.folding import folded_text
from ..versions import Versioned
from .request import Criterion, Search
from .values import Period, Reference, Token, compared, text_matches


def found(search: Search, everything: Iterable[Versioned]) -> list[Versioned]:
    """What fits all criteria, in the order asked for; by id otherwise."""
    fitting = [one for one in everything if all(_fits(one, criterion) for criterion in search.criteria)]
    fitting.sort(key=lambda one: str(one.resource["id"]))
    for name, descending in reversed(search.sort):
        fitting.sort(key=lambda one: _sort_key(one, name), reverse=descending)
    return fitting


def _fits(one: Versioned, criterion: Criterion) -> bool:
    if criterion.missing is not None:
        return criterion.missing != any(True for _ in _held(one.resource, criterion.parameter.name))
    return any(_one_fits(one, criterion, value) for value in criterion.values)


def _one_fits(one: Versioned, criterion: Criterion, value: Any) -> bool:
    name = criterion.parameter.name
    if isinstance(value, Period):
        moment = one.last_updated
        return bool(compared(value.prefix, moment, value.first, value.last))
    if name == "_id":
        return bool(value.system is None and value.code == one.resource["id"])
    held = _held(one.resource, name)
    if isinstance(value, Token):
        return any(value.matches(system, code) for system, code in held)
    if isinstance(value, Reference):
        return any(value.matches(*reference.split("/", 1)) for reference in held)
    return any(text_matches(value, criterion.modifier, text) for text in held)


def _held(resource: Resource, name: str) -> Iterator[Any]:
    """What a resource holds for a parameter: pairs of system and code, references, or texts."""
    match name:
        case "identifier":
            yield from ((one["system"], one["value"]) for one in resource.get("identifier", ()))
        case "active":
            if "active" in resource:
                yield None, "true" if resource["active"] else "false"
        case "practitioner" | "organization" | "location":
            referred = resource.get(name, ())
            for one in referred if isinstance(referred, list) else [referred]:
                yield one["reference"]
        case "name" if isinstance(resource.get("name"), str):
            yield resource["name"]
        case "name" | "family" | "given":
            for human in resource.get("name", ()):
                if name != "given" and "family" in human:
                    yield human["family"]
                if name != "family":
                    yield from human.get("given", ())


def _sort_key(one: Versioned, name: str) -> Any:
    if name == "_id":
        return one.resource["id"]
    if name == "_lastUpdated":
        return one.last_updated
    return folded_text(next(_held(one.resource, name), ""))
