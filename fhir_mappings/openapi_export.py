"""Bulk export in the OpenAPI description: kick-off, status and files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from ..domain.scopes import KINDS
from .openapi_parts import (
    FHIR_JSON,
    KNOWN,
    Described,
    header_parameter,
    json_answer,
    operation,
    path_parameter,
    query_parameters,
    responses,
)
from .schemas import ID, Schema, one_of, ref

_KIND = f"(?:{'|'.join(KINDS)})"
_ELEMENT = rf"(?:{_KIND}[.])?[a-z][A-Za-z]*"
_WISHES = ("respond-async", "respond-async, handling=lenient")
_ASYNC = "With `handling=lenient` what is not known is left alone, and reported."
_SINCE = "What has changed since then. Not in the future."
_FORMAT = "Where `Accept: application/fhir+json` is not sent."
_CANCELLED = {"202": {"description": "It is cancelled, and its files are removed."}}
_MOMENT = (
    r"(?:1[0-9]{3}|20[01][0-9]|202[0-5])-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
)


@dataclass(frozen=True)
class Exporting:
    """What an export may be asked for: names of the form of files, and how many patients by name."""

    formats: Sequence[str]
    most_patients: int


def export_paths(exporting: Exporting) -> Described:
    """All addresses of bulk export."""
    asked: dict[str, tuple[Schema, str]] = {
        "_outputFormat": (one_of(exporting.formats), "The form of the files."),
        "_since": ({"type": "string", "pattern": f"^{_MOMENT}$"}, _SINCE),
        "_type": ({"type": "string", "pattern": f"^{_KIND}(?:,{_KIND})*$"}, "Which kinds."),
        "_elements": ({"type": "string", "pattern": f"^(?:{_ELEMENT}(?:,{_ELEMENT})*)?$"}, "Which elements."),
    }
    status = {
        "get": {
            **operation("exportStatus", "How far an export is, or its files.", ""),
            "parameters": [_export_id()],
            "responses": responses((*KNOWN, HTTPStatus.NOT_FOUND), {"200": _MANIFEST, "202": _GOING_ON}),
        },
        "delete": {
            **operation("cancelExport", "Cancel an export, or remove its files.", ""),
            "parameters": [_export_id()],
            "responses": responses((*KNOWN, HTTPStatus.NOT_FOUND), _CANCELLED),
        },
    }
    errors = (*KNOWN, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
    file = {
        **operation("exportFile", "A file: one resource on each line.", ""),
        "parameters": [_export_id(), path_parameter({"type": "string", "pattern": "^[A-Za-z-]+[.]ndjson$"}, "name")],
        "responses": responses(errors, {"200": _FILE}),
    }
    return {
        "/$export": _kick_off("export", "all panels", asked, {}),
        "/Group/{id}/$export": _kick_off("exportGroup", "one panel", asked, _patients(exporting.most_patients)),
        "/export/{id}": status,
        "/export/{id}/{name}": {"get": file},
    }


def _kick_off(name: str, what: str, asked: Mapping[str, tuple[Schema, str]], patients: Described) -> Described:
    group = [path_parameter({"type": "string", "pattern": f"^{ID}$"})] if patients else []
    prefer = header_parameter("Prefer", _ASYNC, required=True, schema=one_of(_WISHES))
    by_name = {name: schema for name, (schema, _) in asked.items()}
    errors = (*KNOWN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE) if group else KNOWN
    too_large = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    form = query_parameters({"_format": (one_of([FHIR_JSON, "json", ""]), _FORMAT)})
    content = {"schema": _body(by_name, patients)}
    return {
        "get": {
            **operation(name, f"Export {what}.", ""),
            "parameters": [*group, prefer, *form, *query_parameters(asked)],
            "responses": responses(errors, _ACCEPTED),
        },
        "post": {
            **operation(f"{name}ByParameters", f"Export {what}, as Parameters say.", ""),
            "parameters": [*group, prefer, *form],
            "requestBody": {"content": {FHIR_JSON: content, "application/json": content}},
            "responses": responses((*errors, *too_large), _ACCEPTED),
        },
    }


def _body(asked: Mapping[str, Schema], patients: Described) -> Schema:
    """A Parameters resource."""
    kinds = [
        _one(name, "valueInstant" if name == "_since" else "valueString", schema) for name, schema in asked.items()
    ]
    since = {"contains": {"properties": {"name": {"const": "_since"}}}, "minContains": 0, "maxContains": 1}
    parameter = {"type": "array", "items": {"oneOf": [*kinds, *([patients] if patients else [])]}, **since}
    return {
        "type": "object",
        "properties": {"resourceType": {"const": "Parameters"}, "parameter": parameter},
        "required": ["resourceType"],
    }


def _one(name: str, key: str, schema: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {"name": {"const": name}, key: schema},
        "required": ["name", key],
        "propertyNames": {"anyOf": [{"enum": ["name", key]}, {"not": {"pattern": "^value"}}]},
    }


def _patients(most: int) -> Schema:
    reference = {"type": "string", "pattern": "^Patient/[1-9][0-9]{0,17}$"}
    value: Schema = {"type": "object", "properties": {"reference": reference}, "required": ["reference"]}
    return {**_one("patient", "valueReference", value), "description": f"A member, {most} at most; none for all."}


def _export_id() -> Described:
    return path_parameter({"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$"})


def _text_header(**more: object) -> Described:
    return {"required": True, "schema": {"type": "string", **more}}


_ACCEPTED = {
    "202": {
        "description": "It has begun: its status is at this address.",
        "headers": {"Content-Location": _text_header(format="uri")},
    }
}
_GOING_ON = {
    "description": "It is not finished.",
    "headers": {"X-Progress": _text_header(), "Retry-After": {"required": True, "schema": {"type": "integer"}}},
}
_MANIFEST = json_answer("Its files.", ref("Manifest"), {"Expires": _text_header()})
_FILE = {
    "description": "The file, packed where the request takes gzip.",
    "content": {"application/fhir+ndjson": {"schema": {"type": "string"}}},
}
