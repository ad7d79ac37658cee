"""What a search parameter and a kind that is searched are, as the CapabilityStatement and OpenAPI announce them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from ..domain.exhaustive import exhaustive


class SearchType(StrEnum):
    """The type of a search parameter."""

    TOKEN = "token"  # noqa: S105
    STRING = "string"
    DATE = "date"
    REFERENCE = "reference"
    URI = "uri"


_MODIFIERS = exhaustive(
    __name__,
    SearchType,
    {
        SearchType.TOKEN: ("not", "missing"),
        SearchType.STRING: ("exact", "contains", "missing"),
        SearchType.DATE: ("missing",),
        SearchType.REFERENCE: ("identifier", "missing"),
        SearchType.URI: ("missing",),
    },
)


@dataclass(frozen=True, slots=True)
class Own:
    """The definition of a search parameter that R4 does not have. Its canonical URL is named by settings."""

    name: str  # such as CparGroupName
    description: str
    expression: str  # FHIRPath
    xpath: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of a kind. `definition`: R4's canonical URL, or what is our own."""

    name: str
    type: SearchType
    definition: str | Own
    targets: tuple[str, ...] = ()  # of a reference
    sorts: bool = False  # whether results may be sorted by it
    only: tuple[str, ...] | None = None  # its modifiers, where they are not those of its type

    @property
    def modifiers(self) -> tuple[str, ...]:
        """What may follow the name after a colon: for a reference also each kind that it may refer to."""
        if self.name.startswith("_"):
            return ()
        return (*(_MODIFIERS[self.type] if self.only is None else self.only), *self.targets)


P = TypeVar("P", bound=Parameter, covariant=True)


@dataclass(frozen=True, slots=True)
class Searchable(Generic[P]):
    """A kind of resources and how it is searched."""

    kind: str
    parameters: Mapping[str, P]
    summary: frozenset[str]  # the elements of `_summary=true` (those that R4 marks) besides id and meta
    mandatory: frozenset[str] = frozenset()  # that no result lacks
    includes: tuple[str, ...] = ()
    revincludes: tuple[str, ...] = ()
    has: tuple[str, ...] = ()  # by which references of other kinds it is searched: `_has:Group:member`

    @property
    def sorts(self) -> tuple[str, ...]:
        """By what results may be sorted."""
        return tuple(parameter.name for parameter in self.parameters.values() if parameter.sorts)


AnyKinds = Mapping[str, Searchable[Parameter]]


def chains(kinds: AnyKinds, parameter: Parameter) -> tuple[str, ...]:
    """By what a reference can be followed by one parameter: `member.identifier`."""
    return tuple(f"{parameter.name}.{name}" for target in parameter.targets for name in kinds[target].parameters)


def reverse_chains(kinds: AnyKinds, kind: str) -> tuple[str, ...]:
    """By what refers to a kind: `_has:Group:member:identifier`."""
    return tuple(
        f"_has:{reference}:{name}"
        for reference in kinds[kind].has
        for name in kinds[reference.partition(":")[0]].parameters
    )
