"""What a resource holds for a search parameter: the values of the table, where there are few resources."""

from collections.abc import Callable, Iterator
from datetime import datetime

from ....fhir_mappings.identifiers import Resource
from ..versions import Versioned

Coding = tuple[str | None, str]


def resource_id(version: Versioned) -> Iterator[Coding]:
    """Its id, as a token."""
    yield None, version.resource_id


def last_updated(version: Versioned) -> Iterator[datetime]:
    """When it last changed."""
    yield version.last_updated


def identifiers(version: Versioned) -> Iterator[Coding]:
    """System and value of each identifier."""
    return ((identifier["system"], identifier["value"]) for identifier in version.resource.get("identifier", ()))


def active(version: Versioned) -> Iterator[Coding]:
    """Whether it is active, where that is said."""
    if "active" in version.resource:
        yield None, "true" if version.resource["active"] else "false"


def title(version: Versioned) -> Iterator[str]:
    """Its name, where that is a text."""
    if "name" in version.resource:
        yield version.resource["name"]


def references(element: str) -> Callable[[Versioned], Iterator[str]]:
    """The references in an element, one or a list."""

    def references_of(version: Versioned) -> Iterator[str]:
        value = version.resource.get(element, [])
        return (each["reference"] for each in (value if isinstance(value, list) else [value]))

    return references_of


def endpoint(version: Versioned) -> Iterator[str]:
    """Where a subscription's notifications are sent."""
    yield version.resource["channel"]["endpoint"]


def subscription_status(version: Versioned) -> Iterator[Coding]:
    """Of a subscription."""
    yield "http://hl7.org/fhir/subscription-status", version.resource["status"]


def criteria(version: Versioned) -> Iterator[str]:
    """The topic of a subscription."""
    yield version.resource["criteria"]


def family_names(version: Versioned) -> Iterator[str]:
    """Of a person."""
    return (name["family"] for name in _names(version.resource) if "family" in name)


def given_names(version: Versioned) -> Iterator[str]:
    """Of a person."""
    return (given_name for name in _names(version.resource) for given_name in name.get("given", ()))


def all_names(version: Versioned) -> Iterator[str]:
    """Of a person: family names and given names."""
    for name in _names(version.resource):
        if "family" in name:
            yield name["family"]
        yield from name.get("given", ())


def _names(resource: Resource) -> list[Resource]:
    names: list[Resource] = resource.get("name", [])
    return names
