"""Reading and searching our definitions in the OpenAPI description: everyone may."""

from collections.abc import Sequence
from http import HTTPStatus

from .openapi_parts import (
    FORM,
    OPEN,
    Described,
    fhir_answer,
    header_parameter,
    operation,
    path_parameter,
    query_parameter,
    responses,
)
from .openapi_schemas import NUMBER, TEXT, one_of
from .published import parameters_of


def definition_paths(kind: str, ids: Sequence[str], format_: Described) -> Described:
    """All addresses of a kind of definitions. `ids`: of those that there are."""
    page = {"200": fhir_answer("A page of what was found.", "Bundle")}
    parameters = [
        *(query_parameter(name, TEXT, one.documentation) for name, one in parameters_of(kind).items()),
        query_parameter("_count", NUMBER, "Resources on a page. 0: the total alone."),
        format_,
    ]
    strict = header_parameter("Prefer", "`handling=strict`: what is not known is refused.")
    fields = {one["name"]: {**one["schema"], "description": one["description"]} for one in parameters}
    read = {
        **operation(f"read{kind}", f"A {kind} of ours."),
        "parameters": [path_parameter(one_of(ids)), format_],
        "responses": responses((*OPEN, HTTPStatus.NOT_FOUND), {"200": fhir_answer(f"The {kind}.", kind)}),
    }
    search = {
        **operation(f"search{kind}", f"Search each {kind} of ours."),
        "parameters": [*parameters, strict],
        "responses": responses(OPEN, page),
    }
    form = {"type": "object", "properties": fields, "additionalProperties": TEXT}
    posted = {
        **operation(f"search{kind}ByForm", f"Search each {kind} of ours."),
        "parameters": [strict],
        "requestBody": {"content": {FORM: {"schema": form}}},
        "responses": responses((*OPEN, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE), page),
    }
    return {
        f"/{kind}": {"get": search},
        f"/{kind}/_search": {"post": posted},
        f"/{kind}/{{id}}": {"get": read},
    }
