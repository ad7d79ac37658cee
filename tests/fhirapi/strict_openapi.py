"""The served description, with all that a generator of requests has to know of values and answers beside it.

That is of no use to anybody else: which days there are, that a parameter may be empty, what is ignored where it is not
known. And every answer is closed: an element that is not named in `answer_schemas` may not be sent.
"""

from collections.abc import Mapping
from typing import Any

from cpar_plugin.domain.scopes import KINDS
from cpar_plugin.fhir_mappings.openapi_parts import FHIR_JSON, FORM
from cpar_plugin.fhir_mappings.published import parameters_of
from cpar_plugin.services.exports.request import FORMATS, MOST_PATIENTS
from cpar_plugin.services.fhir.search.request import TOTALS, Summary
from cpar_plugin.services.fhir.search.table import SEARCHABLE
from cpar_plugin.web.fhir.negotiation import FORMATS as FORMS

from .answer_schemas import ELEMENTS, Schema, one_of, ref, schemas
from .search_values import definition_values, or_not_changed, search_values, shape_values

Json = dict[str, Any]

_KIND = f"(?:{'|'.join(KINDS)})"
_ELEMENT = rf"(?:{_KIND}[.])?[a-z][A-Za-z]*"
# Not in the future of the tests' clock, which stands in November 2026.
_MOMENT = (
    r"(?:1[0-9]{3}|20[01][0-9]|202[0-5])-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
)
_EXPORTED: dict[str, Schema] = {
    "_outputFormat": one_of(FORMATS),
    "_since": {"type": "string", "format": "date-time", "pattern": f"^{_MOMENT}$"},
    # Those that are filtered, and by which blocks are made, have to be among them.
    "_type": {"type": "string", "pattern": f"^Group,Patient(?:,{_KIND})*$"},
    "_until": {"type": "string", "format": "date-time", "pattern": r"^2026-(?:0[1-9]|1[0-2])-[01][1-9]T10:00:00Z$"},
    "_typeFilter": {"type": "string", "pattern": r"^(?:Patient\?active=(?:true|false)|Group\?identifier=[0-9]{1,4})$"},
    "_elements": {"type": "string", "pattern": f"^(?:{_ELEMENT}(?:,{_ELEMENT})*)?$"},
    "_format": one_of([FHIR_JSON, "json", ""]),
    "Prefer": one_of(["respond-async", "respond-async, handling=lenient"]),
}
_SCOPE = or_not_changed(f"system/(?:[*]|{'|'.join(KINDS)})[.](?:rs?|s|read)")


def strict(described: Json) -> Json:
    """The same description, changed in place.

    Without subscriptions: the server would call whatever addresses a generator makes up. See test_subscriptions. And
    without submissions under way, which are for who has the key: see test_bulk_submit.
    """
    paths = described["paths"]
    for path in [path for path in paths if path.startswith(("/Subscription", "/submitted"))]:
        del paths[path]
    definitions = [
        kind for kind in described["components"]["schemas"] if f"/{kind}/{{id}}" in paths and kind not in SEARCHABLE
    ]
    described["components"]["schemas"] = schemas(definitions)
    for kind, searchable in SEARCHABLE.items():
        if kind == "Subscription":
            continue
        shape = shape_values(tuple(Summary), [*ELEMENTS[kind][0], *ELEMENTS[kind][1]])
        values = {**search_values(searchable, TOTALS), **shape, "_format": one_of([*FORMS, ""])}
        for path, method in ((f"/{kind}", "get"), (f"/{kind}/_search", "post"), (f"/{kind}/{{id}}", "get")):
            _values(paths[path][method], values)
        for operation in (paths[f"/{kind}"]["get"], paths[f"/{kind}/_search"]["post"]):
            _answer(operation, ref(f"{kind}Page"), {"read": _first(kind)})
        _answer(paths[f"/{kind}/{{id}}"]["get"], ref(kind), {"again": _again(kind)})
    for kind in definitions:
        values = {**definition_values(tuple(parameters_of(kind))), "_format": one_of([*FORMS, ""])}
        for path, method in ((f"/{kind}", "get"), (f"/{kind}/_search", "post"), (f"/{kind}/{{id}}", "get")):
            _values(paths[path][method], values)
        for operation in (paths[f"/{kind}"]["get"], paths[f"/{kind}/_search"]["post"]):
            _answer(operation, ref(f"{kind}Page"), {})
    _values(paths["/metadata"]["get"], {"_format": one_of([*FORMS, ""])})
    _values(paths["/token"]["post"], {"scope": _SCOPE})
    for path, patients in (("/$export", False), ("/Group/{id}/$export", True)):
        for operation in paths[path].values():
            _values(operation, _EXPORTED)
        for content in paths[path]["post"]["requestBody"]["content"].values():
            content["schema"] = _parameters(patients)
    _answer(paths["/Group/{id}/$confirm"]["post"], ref("Confirmed"), {})
    return described


def _values(operation: Json, values: Mapping[str, Schema]) -> None:
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = values.get(parameter["name"], parameter["schema"])
    fields = operation.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema", {}).get("properties", {})
    for name in fields.keys() & values.keys():
        fields[name] = {key: field for key, field in fields[name].items() if key == "examples"} | values[name]


def _answer(operation: Json, schema: Schema, links: Json) -> None:
    answer = operation["responses"]["200"]
    answer["links"] = links
    for content in answer["content"].values():
        content["schema"] = schema


def _first(kind: str) -> Json:
    return {"operationId": f"read{kind}", "parameters": {"id": "$response.body#/entry/0/resource/id"}}


def _again(kind: str) -> Json:
    parameters = {"id": "$request.path.id", "If-None-Match": "$response.header.ETag"}
    return {"operationId": f"read{kind}", "parameters": parameters, "description": "304 if it has not changed."}


def _parameters(patients: bool) -> Schema:
    """A Parameters resource that says what is to be exported."""
    kinds = [
        _parameter(name, "valueInstant" if name == "_since" else "valueString", _EXPORTED[name])
        for name in ("_outputFormat", "_since", "_type", "_typeFilter", "_elements")
    ]
    reference = {"type": "string", "pattern": "^Patient/[1-9][0-9]{0,17}$"}
    member = {"type": "object", "properties": {"reference": reference}, "required": ["reference"]}
    named = {
        **_parameter("patient", "valueReference", member),
        "description": f"A member, {MOST_PATIENTS} at most; none for all.",
    }
    once = {"contains": {"properties": {"name": {"const": "_since"}}}, "minContains": 0, "maxContains": 1}
    parameter = {"type": "array", "items": {"oneOf": [*kinds, *([named] if patients else [])]}, **once}
    return {
        "type": "object",
        "properties": {"resourceType": {"const": "Parameters"}, "parameter": parameter},
        "required": ["resourceType"],
    }


def _parameter(name: str, key: str, schema: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"name": {"const": name}, key: schema},
        "required": ["name", key],
        "propertyNames": {"anyOf": [{"enum": ["name", key]}, {"not": {"pattern": "^value"}}]},
    }
