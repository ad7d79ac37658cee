"""What a resource holds for a search parameter: the values of the table, where there are few resources."""

from collections.abc import Callable, Iterator
from datetime import datetime

from ....fhir_mappings.identifiers import Resource
from ..versions import Versioned

Coding = tuple[str | None, str]


def resource_id(one: Versioned) -> Iterator[Coding]:
    """Its id, as a token."""
    yield None, one.resource["id"]


def last_updated(one: Versioned) -> Iterator[datetime]:
    """When it last changed."""
    yield one.last_updated


def identifiers(one: Versioned) -> Iterator[Coding]:
    """System and value of each identifier."""
    return ((held["system"], held["value"]) for held in one.resource.get("identifier", ()))


def active(one: Versioned) -> Iterator[Coding]:
    """Whether it is active, where that is said."""
    if "active" in one.resource:
        yield None, "true" if one.resource["active"] else "false"


def title(one: Versioned) -> Iterator[str]:
    """Its name, where that is a text."""
    if "name" in one.resource:
        yield one.resource["name"]


def references(element: str) -> Callable[[Versioned], Iterator[str]]:
    """The references in an element, one or a list."""

    def held(one: Versioned) -> Iterator[str]:
        found = one.resource.get(element, [])
        return (each["reference"] for each in (found if isinstance(found, list) else [found]))

    return held


def family_names(one: Versioned) -> Iterator[str]:
    """Of a person."""
    return (name["family"] for name in _names(one.resource) if "family" in name)


def given_names(one: Versioned) -> Iterator[str]:
    """Of a person."""
    return (given for name in _names(one.resource) for given in name.get("given", ()))


def all_names(one: Versioned) -> Iterator[str]:
    """Of a person: family names and given names."""
    for name in _names(one.resource):
        if "family" in name:
            yield name["family"]
        yield from name.get("given", ())


def _names(resource: Resource) -> list[Resource]:
    found: list[Resource] = resource.get("name", [])
    return found
