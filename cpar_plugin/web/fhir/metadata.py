"""What the interface is: the CapabilityStatement, open to everyone, and our definitions."""

from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from importlib import metadata as packages

from flask import Response, request

from ...domain.refusals import NotFound
from ...domain.scopes import KINDS
from ...fhir_mappings.capability import capability
from ...fhir_mappings.definitions import (
    code_systems,
    operation_definitions,
    search_parameters,
    value_sets,
)
from ...fhir_mappings.identifiers import Resource
from ...fhir_mappings.structures import structure_definitions
from ...fhir_mappings.topic import topics
from ...services.fhir.search.table import SEARCHABLE
from ...settings import Settings
from .addresses import base_url, token_url
from .callers import Callers
from .negotiation import FORMATS, content_type, parameters
from .refusals import refused
from .routes import Exchange, json_answer, wrong_method

_DEFINITIONS: dict[str, Callable[[Settings], list[Resource]]] = {
    "Basic": topics,
    "CodeSystem": code_systems,
    "OperationDefinition": operation_definitions,
    "SearchParameter": partial(search_parameters, kinds=SEARCHABLE),
    "StructureDefinition": structure_definitions,
    "ValueSet": value_sets,
}
DEFINITION_KINDS = tuple(_DEFINITIONS)


def metadata(callers: Callers, since: datetime) -> Response:
    """The CapabilityStatement. It says nothing of the clinic beyond its address: no one has to be known to read it.

    `since`: when this server began.
    """
    try:
        if request.method not in ("GET", "HEAD"):
            raise wrong_method("GET", "HEAD")
        statement = capability(
            callers.settings,
            SEARCHABLE,
            base=base_url(callers.settings),
            token_url=token_url(callers.settings),
            version=version(),
            since=since,
            formats=FORMATS,
            definitions=DEFINITION_KINDS,
            exported=KINDS,
        )
        return json_answer(statement, content_type(parameters()))
    except Exception as error:
        return refused(error)


def definition_ids(settings: Settings) -> dict[str, list[str]]:
    """Which definitions there are, by their kinds."""
    return {
        kind: [definition["id"] for definition in definitions(settings)] for kind, definitions in _DEFINITIONS.items()
    }


def read_definition(exchange: Exchange, kind: str, definition_id: str) -> Response:
    """A definition of ours."""
    for definition in _DEFINITIONS[kind](exchange.settings):
        if definition["id"] == definition_id:
            return exchange.answer(definition)
    raise NotFound("Definition not found.")


@cache
def version() -> str:
    """The version of this plugin."""
    return packages.version("oscar-cpar-plugin")
