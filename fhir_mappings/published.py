"""All that is defined here, by kind, and by which parameters it is searched."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain

from ..settings import Settings
from .definitions import code_systems, operation_definitions, search_parameters, value_sets
from .guide import implementation_guide
from .identifiers import Resource
from .searchable import AnyKinds
from .structures import structure_definitions
from .topic import topics

_R4 = "http://hl7.org/fhir/SearchParameter/"


@dataclass(frozen=True, slots=True)
class DefinitionParameter:
    """A search parameter of definitions. `definition`: R4's canonical URL."""

    type: str
    definition: str
    documentation: str


PARAMETERS: Mapping[str, DefinitionParameter] = {
    "_id": DefinitionParameter("token", f"{_R4}Resource-id", "The id."),
    "url": DefinitionParameter("uri", f"{_R4}conformance-url", "The whole canonical address; |version may follow."),
    "version": DefinitionParameter("token", f"{_R4}conformance-version", "The whole version."),
    "name": DefinitionParameter(
        "string",
        f"{_R4}conformance-name",
        "The beginning, without case and accents. Modifiers: :exact, :contains.",
    ),
}


def parameters_of(kind: str) -> dict[str, DefinitionParameter]:
    """Those of a kind: R4 has only one for a Basic, as which it has a topic."""
    return {name: one for name, one in PARAMETERS.items() if kind != "Basic" or name == "_id"}


def published(settings: Settings, kinds: AnyKinds) -> dict[str, list[Resource]]:
    """The definitions by their kinds. `kinds`: what is searched, perhaps by parameters of our own."""
    makers: dict[str, Callable[[Settings], list[Resource]]] = {
        "Basic": topics,
        "CodeSystem": code_systems,
        "OperationDefinition": operation_definitions,
        "SearchParameter": partial(search_parameters, kinds=kinds),
        "StructureDefinition": structure_definitions,
        "ValueSet": value_sets,
    }
    definitions = {kind: make(settings) for kind, make in makers.items()}
    guide = implementation_guide(settings, chain.from_iterable(definitions.values()))
    return {**definitions, "ImplementationGuide": [guide]}
