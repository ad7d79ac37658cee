"""Reading and searching one kind of resources in the OpenAPI description."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus

from .capability import HOW
from .openapi_parts import (
    ETAG,
    FORM,
    VERSION,
    Described,
    fhir_answer,
    header_parameter,
    operation,
    path_parameter,
    query_parameter,
    responses,
)
from .openapi_schemas import ID, NUMBER, TEXT, one_of
from .searchable import AnyKinds, Parameter, Searchable, chains, reverse_chains

_STRICT = "`handling=strict`: what is not known is refused. Otherwise it is ignored, and named in the Bundle."
_SEE = "What was read before, as it was said then: 304 where it has not changed."
_MODIFIED = {
    "not": "None of these, or no value.",
    "identifier": "The identifier of what it refers to.",
    "missing": "`true`: the element is missing. `false`: it is there.",
    "exact": "Exact match.",
    "contains": "Anywhere, without case and accents.",
}


def paths_of(
    searchable: Searchable[Parameter],
    kinds: AnyKinds,
    *,
    summaries: Sequence[str],
    totals: Sequence[str],
    format_: Described,
    errors: Sequence[HTTPStatus],
) -> Described:
    """All addresses of a kind. `errors`: what may be refused at each of them."""
    kind = searchable.kind
    shape = [
        query_parameter("_summary", one_of(summaries), "How much of each resource. Not together with `_elements`."),
        query_parameter("_elements", TEXT, "The requested elements, separated by commas."),
    ]
    parameters = [*_search_parameters(searchable, totals), *shape, format_]
    strict = header_parameter("Prefer", _STRICT)
    page = fhir_answer("A page of what was found.", "Bundle")
    read = {
        **operation(f"read{kind}", f"One {kind}.", f"system/{kind}.r"),
        "parameters": [
            path_parameter(ID),
            *shape,
            format_,
            header_parameter("If-None-Match", 'Perhaps W/"1796083200123". ' + _SEE),
            header_parameter("If-Modified-Since", _SEE),
        ],
        "responses": responses(
            (*errors, HTTPStatus.NOT_FOUND, HTTPStatus.GONE),
            {
                "200": fhir_answer(f"The {kind}.", kind, VERSION),
                "304": {"description": "It has not changed.", "headers": ETAG},
            },
        ),
    }
    of_version = {
        **read,
        **operation(f"vread{kind}", f"One {kind}, if this is its current version.", f"system/{kind}.r"),
        "parameters": [path_parameter(ID), path_parameter(ID, "version"), *read["parameters"][1:]],
    }
    also = _also(searchable, kinds)
    search = {
        **operation(f"search{kind}", f"Search each {kind}.", f"system/{kind}.s"),
        **also,
        "parameters": [*parameters, strict],
        "responses": responses(errors, {"200": page}),
    }
    fields = {
        parameter["name"]: {**parameter["schema"], "description": parameter["description"]}
        | ({"examples": [parameter["example"]]} if "example" in parameter else {})
        for parameter in parameters
    }
    form = {"type": "object", "properties": fields, "additionalProperties": TEXT}
    posted = {
        **operation(f"search{kind}ByForm", f"Search each {kind}, without words in the address.", f"system/{kind}.s"),
        **also,
        "parameters": [strict],
        "requestBody": {"content": {FORM: {"schema": form}}},
        "responses": responses(
            (*errors, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE), {"200": page}
        ),
    }
    return {
        f"/{kind}": {"get": search},
        f"/{kind}/_search": {"post": posted},
        f"/{kind}/{{id}}": {"get": read},
        f"/{kind}/{{id}}/_history/{{version}}": {"get": of_version},
    }


def _also(searchable: Searchable[Parameter], kinds: AnyKinds) -> Described:
    """Which chains there are besides the parameters, of one reference each."""
    names = [name for parameter in searchable.parameters.values() for name in chains(kinds, parameter)]
    names += reverse_chains(kinds, searchable.kind)
    text = (
        "Also by what it refers to, or what refers to it, by up to three references (and the scope to search each kind)"
    )
    return {"description": f"{text}: {', '.join(f'`{name}`' for name in names)}."} if names else {}


def _search_parameters(searchable: Searchable[Parameter], totals: Sequence[str]) -> Iterator[Described]:
    """What is about what is found, each modifier as a parameter of its own (`family:exact`)."""
    for parameter in searchable.parameters.values():
        yield _text_parameter(parameter.name, HOW[parameter.type])
        for modifier in parameter.modifiers:
            yield _text_parameter(f"{parameter.name}:{modifier}", _MODIFIED.get(modifier, f"The id of a {modifier}."))
    yield query_parameter("_count", NUMBER, "Resources on a page. 0: the total alone.")
    yield query_parameter(
        "_total", one_of(totals), "`accurate`: with the total, of many patients with a name too. `none`: without it."
    )
    yield _text_parameter(
        "_sort", f"By {', '.join(searchable.sorts)}, separated by commas. After a minus: the last first."
    )
    for name, includes in (("_include", searchable.includes), ("_revinclude", searchable.revincludes)):
        if includes:
            yield query_parameter(name, one_of([*includes, "*"]), "What else to include on the page.")


def _text_parameter(name: str, description: str) -> Described:
    return query_parameter(name, TEXT, description)
