"""Bulk export in the OpenAPI description: kick-off, status and files."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from .openapi_parts import (
    FHIR_JSON,
    KNOWN,
    Described,
    header_parameter,
    json_answer,
    operation,
    path_parameter,
    query_parameter,
    responses,
)
from .openapi_schemas import ID, INSTANT, NUMBER, TEXT, kinds_listed, one_of, ref

_ASYNC = "`respond-async`, also with `handling=lenient`: then what is not known is ignored, and reported."
_PARAMETERS = (
    "A Parameters resource: {names} as `valueString`, `_since` and `_until` as `valueInstant`, "
    "`allowPartialManifests` as `valueBoolean`"
)
_OF_OTHER_TYPES = ("_since", "_until", "allowPartialManifests")
_MEMBERS = "; and `patient`, a member as `valueReference`, {most} at most, none for all"


@dataclass(frozen=True)
class Exporting:
    """What an export may be asked for: names of the form of files, and how many patients by name."""

    formats: Sequence[str]
    most_patients: int
    posted_only: bool  # whether a kick-off is posted, never a GET


def export_paths(exporting: Exporting) -> Described:
    """All addresses of bulk export."""
    parameters = [
        query_parameter("_outputFormat", one_of(exporting.formats), "The format of the files."),
        query_parameter("_since", INSTANT, "What has changed since then. Not in the future."),
        query_parameter("_until", INSTANT, "What last changed before then."),
        query_parameter("_type", kinds_listed(), "Which kinds, separated by commas."),
        query_parameter("_typeFilter", TEXT, "A search that resources of its kind have to fit: Patient?active=true."),
        query_parameter("_elements", TEXT, "Which elements, separated by commas, also as Patient.birthDate."),
        query_parameter("organizeOutputBy", {"const": "Group"}, "A file for each Group in place of each kind."),
        query_parameter("allowPartialManifests", {"type": "boolean"}, "Whether the manifest may have several pages."),
    ]
    export_id = path_parameter(ID)
    errors = (*KNOWN, HTTPStatus.NOT_FOUND)
    status = {
        "get": {
            **operation("exportStatus", "The progress of an export, or its files.", ""),
            "parameters": [
                export_id,
                query_parameter("page", {"type": "integer", "minimum": 1, "maximum": 99_999_999}, "Of the manifest."),
            ],
            "responses": responses(errors, {"200": _MANIFEST, "202": _GOING_ON}),
        },
        "delete": {
            **operation("cancelExport", "Cancel an export, or remove its files.", ""),
            "parameters": [export_id],
            "responses": responses(errors, {"202": {"description": "It is canceled, and its files are removed."}}),
        },
    }
    file = {
        **operation("exportFile", "A file: one resource on each line.", ""),
        "parameters": [export_id, path_parameter({"type": "string", "pattern": "^[A-Za-z0-9-]+[.]ndjson$"}, "name")],
        "responses": responses((*errors, HTTPStatus.SERVICE_UNAVAILABLE), {"200": _FILE}),
    }
    members = _MEMBERS.format(most=exporting.most_patients)
    paths: Described = {
        "/$export": _kick_off("export", "all panels", parameters, KNOWN),
        "/Group/{id}/$export": _kick_off(
            "exportGroup", "one panel", parameters, (*errors, HTTPStatus.GONE), [path_parameter(ID)], members
        ),
        "/export/{id}": status,
        "/export/{id}/{name}": {"get": file},
        **_offered_paths(),
    }
    if exporting.posted_only:
        for path in ("/$export", "/Group/{id}/$export"):
            del paths[path]["get"]
    return paths


def _offered_paths() -> Described:
    """Submissions that a registry fetches (`$bulk-submit`), with the key that it was given."""
    common = [
        path_parameter(ID),
        path_parameter(one_of(["1", "2"]), "number"),
        header_parameter("X-Submission-Key", "The key of this submission.", required=True),
    ]
    name = path_parameter({"type": "string", "pattern": "^[A-Za-z]+[.]ndjson$"}, "name")
    errors = (HTTPStatus.NOT_FOUND, HTTPStatus.INTERNAL_SERVER_ERROR)
    manifest = json_answer("Its files.", ref("Manifest"))
    return {
        "/submitted/{id}/{number}": {
            "get": {
                **operation("submissionManifest", "The files of a submission, for the registry that it is offered to."),
                "parameters": common,
                "responses": responses(errors, {"200": manifest}),
            }
        },
        "/submitted/{id}/{number}/{name}": {
            "get": {
                **operation("submissionFile", "A file of a submission: one resource on each line."),
                "parameters": [*common, name],
                "responses": responses(errors, {"200": _FILE}),
            }
        },
    }


def _kick_off(
    name: str,
    subject: str,
    parameters: Sequence[Described],
    errors: Sequence[HTTPStatus],
    group: Sequence[Described] = (),
    note: str = "",
) -> Described:
    common = [
        *group,
        header_parameter("Prefer", _ASYNC, required=True),
        query_parameter("_format", one_of([FHIR_JSON, "json"]), "Where `Accept: application/fhir+json` is not sent."),
    ]
    names = ", ".join(f"`{parameter['name']}`" for parameter in parameters if parameter["name"] not in _OF_OTHER_TYPES)
    content = {"schema": ref("Parameters")}
    too_large = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    return {
        "get": {
            **operation(name, f"Export {subject}.", ""),
            "parameters": [*common, *parameters],
            "responses": responses(errors, _ACCEPTED),
        },
        "post": {
            **operation(f"{name}ByParameters", f"Export {subject}, as Parameters say.", ""),
            "parameters": common,
            "requestBody": {
                "description": f"{_PARAMETERS.format(names=names)}{note}.",
                "content": {FHIR_JSON: content, "application/json": content},
            },
            "responses": responses((*errors, *too_large), _ACCEPTED),
        },
    }


def _header(schema: Described) -> Described:
    return {"required": True, "schema": schema}


_ACCEPTED = {
    "202": {
        "description": "It has started: its status is at this URL.",
        "headers": {"Content-Location": _header({"type": "string", "format": "uri"})},
    }
}
_GOING_ON = {
    "description": "It is not finished.",
    "headers": {"X-Progress": _header(TEXT), "Retry-After": _header(NUMBER)},
}
_MANIFEST = json_answer("Its files.", ref("Manifest"), {"Expires": _header(TEXT)})
_FILE = {
    "description": "The file, packed where the request takes gzip.",
    "content": {"application/fhir+ndjson": {"schema": TEXT}},
}
