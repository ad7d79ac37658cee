"""What can be searched: the one list that searching goes by and that the CapabilityStatement tells.

Search parameters are those of R4 (https://hl7.org/fhir/R4/searchparameter-registry.html), and two of our own for Group.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_R4 = "http://hl7.org/fhir/SearchParameter/"


class SearchType(StrEnum):
    """The type of a search parameter."""

    TOKEN = "token"  # noqa: S105
    STRING = "string"
    DATE = "date"
    REFERENCE = "reference"


_MODIFIERS = {
    SearchType.TOKEN: ("missing",),
    SearchType.STRING: ("exact", "contains", "missing"),
    SearchType.DATE: ("missing",),
    SearchType.REFERENCE: ("missing",),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of a kind. `definition` is the canonical URL; None for our own, which settings name."""

    name: str
    type: SearchType
    definition: str | None
    targets: tuple[str, ...] = ()  # of a reference

    @property
    def modifiers(self) -> tuple[str, ...]:
        """What may follow the name after a colon: for a reference also each kind that it may refer to."""
        return () if self.name.startswith("_") else (*_MODIFIERS[self.type], *self.targets)


@dataclass(frozen=True, slots=True)
class Searchable:
    """A kind of resources and how it is searched."""

    kind: str
    parameters: Mapping[str, Parameter]
    sorts: tuple[str, ...]  # by what results may be sorted
    summary: frozenset[str]  # the elements of `_summary=true` (those that R4 marks) beside id and meta
    mandatory: frozenset[str] = frozenset()  # that no result lacks
    includes: tuple[str, ...] = ()
    revincludes: tuple[str, ...] = ()


def _token(*names: str, of: str) -> list[Parameter]:
    return [Parameter(name, SearchType.TOKEN, f"{_R4}{of}-{name}") for name in names]


def _string(*names: str, of: str) -> list[Parameter]:
    return [Parameter(name, SearchType.STRING, f"{_R4}{of}-{name}") for name in names]


def _reference(name: str, of: str, *targets: str) -> Parameter:
    return Parameter(name, SearchType.REFERENCE, f"{_R4}{of}-{name}", targets)


_OF_ALL = (
    Parameter("_id", SearchType.TOKEN, f"{_R4}Resource-id"),
    Parameter("_lastUpdated", SearchType.DATE, f"{_R4}Resource-lastUpdated"),
)


def _parameters(*parameters: Parameter) -> dict[str, Parameter]:
    return {one.name: one for one in (*_OF_ALL, *parameters)}


_SORTS = ("_id", "_lastUpdated")
MEMBERS = "Group:member"
PRACTITIONER_OF_ROLE = "PractitionerRole:practitioner"

SEARCHABLE: Mapping[str, Searchable] = {
    one.kind: one
    for one in (
        Searchable(
            "Group",
            _parameters(
                *_token("identifier", "code", "type", "actual", "characteristic", "value", "exclude", of="Group"),
                _reference("member", "Group", "Patient"),
                _reference("managing-entity", "Group", "Organization"),
                Parameter("name", SearchType.STRING, None),
                Parameter("characteristic-reference", SearchType.REFERENCE, None, ("PractitionerRole",)),
            ),
            (*_SORTS, "identifier", "name"),
            frozenset({"identifier", "active", "type", "actual", "code", "name", "quantity", "managingEntity"}),
            frozenset({"type", "actual"}),
            includes=(MEMBERS,),
        ),
        Searchable(
            "Location",
            _parameters(*_token("identifier", of="Location"), *_string("name", of="Location")),
            (*_SORTS, "name"),
            frozenset({"identifier", "status", "name", "mode", "managingOrganization"}),
        ),
        Searchable(
            "Organization",
            _parameters(*_token("identifier", of="Organization"), *_string("name", of="Organization")),
            (*_SORTS, "name"),
            frozenset({"identifier", "active", "name"}),
            frozenset({"identifier"}),  # org-1: an organization has a name or an identifier
        ),
        Searchable(
            "Patient",
            _parameters(
                *_token("identifier", "active", of="Patient"),
                *_token("gender", of="individual"),
                *_string("family", "given", of="individual"),
                Parameter("birthdate", SearchType.DATE, f"{_R4}individual-birthdate"),
                _reference("general-practitioner", "Patient", "PractitionerRole"),
                _reference("organization", "Patient", "Organization"),
            ),
            (*_SORTS, "family", "given", "birthdate"),
            frozenset({"identifier", "active", "name", "gender", "birthDate", "managingOrganization", "link"}),
        ),
        Searchable(
            "Practitioner",
            _parameters(
                *_token("identifier", "active", of="Practitioner"),
                *_string("name", of="Practitioner"),
                *_string("family", "given", of="individual"),
            ),
            (*_SORTS, "family", "given"),
            frozenset({"identifier", "active", "name"}),
            revincludes=(PRACTITIONER_OF_ROLE,),
        ),
        Searchable(
            "PractitionerRole",
            _parameters(
                *_token("identifier", "active", of="PractitionerRole"),
                _reference("practitioner", "PractitionerRole", "Practitioner"),
                _reference("organization", "PractitionerRole", "Organization"),
                _reference("location", "PractitionerRole", "Location"),
            ),
            _SORTS,
            frozenset({"identifier", "active", "practitioner", "organization", "location"}),
            includes=(PRACTITIONER_OF_ROLE,),
        ),
    )
}
