"""What the operations of the OpenAPI description have in common: parameters, and answers with their headers."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from .openapi_schemas import TEXT, Schema, ref

Described = dict[str, Any]

FHIR_JSON = "application/fhir+json"
FORM = "application/x-www-form-urlencoded"
ERRORS = {
    HTTPStatus.BAD_REQUEST: "The request cannot be understood.",
    HTTPStatus.UNAUTHORIZED: "No token, or one that has expired.",
    HTTPStatus.FORBIDDEN: "The scope is not sufficient, or the integration is turned off.",
    HTTPStatus.NOT_FOUND: "Nothing that this caller may read.",
    HTTPStatus.NOT_ACCEPTABLE: "Responses are only available as JSON.",
    HTTPStatus.GONE: "It existed, and no longer does.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "A search is posted as a form, the parameters of an operation as JSON.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A rule stands against it; nothing was changed.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests.",
    HTTPStatus.NOT_IMPLEMENTED: "FHIR has it, this server has not.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "An internal error.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Nothing can be read at the moment.",
}
_EXAMPLES = {
    "_lastUpdated": "ge2020-01-01",
    "_count": 10,
    "_sort": "-_lastUpdated",
    "_total": "accurate",
    "_since": "2026-11-10T10:00:00Z",
    "_type": "Group,Patient",
}
_RETRY = {"Retry-After": {"required": True, "description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
HEADERS: dict[HTTPStatus, Described] = {
    HTTPStatus.UNAUTHORIZED: {
        "WWW-Authenticate": {"required": True, "schema": {"type": "string", "pattern": "^Bearer "}}
    },
    HTTPStatus.TOO_MANY_REQUESTS: _RETRY,
    HTTPStatus.SERVICE_UNAVAILABLE: _RETRY,
}
ETAG: Described = {"ETag": {"required": True, "schema": {"type": "string", "pattern": '^W/"[1-9][0-9]*"$'}}}
VERSION: Described = {**ETAG, "Last-Modified": {"required": True, "schema": {"type": "string", "pattern": " GMT$"}}}
# What may be refused at an address that is open to everyone, and at one for known callers.
OPEN = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_ACCEPTABLE, HTTPStatus.INTERNAL_SERVER_ERROR)
KNOWN = (*OPEN, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)


def operation(name: str, description: str, *scopes: str) -> Described:
    """`scopes`: a token with these is needed. None: open to everyone; "": any token."""
    security = [{"smart": [scope for scope in scopes if scope]}] if scopes else []
    return {"operationId": name, "summary": description, "security": security}


def path_parameter(schema: Schema, name: str = "id") -> Described:
    """A part of the address."""
    return {"name": name, "in": "path", "required": True, "schema": schema}


def query_parameter(name: str, schema: Schema, description: str) -> Described:
    """A parameter in the address."""
    example = {"example": _EXAMPLES[name]} if name in _EXAMPLES else {}
    return {"name": name, "in": "query", "description": description, "schema": schema, **example}


def header_parameter(name: str, description: str, **attributes: object) -> Described:
    """A header of the request."""
    return {"name": name, "in": "header", "description": description, "schema": TEXT, **attributes}


def fhir_answer(description: str, schema: str, headers: Described | None = None) -> Described:
    """A resource, or a page of them, by the name of its schema."""
    content = {media_type: {"schema": ref(schema)} for media_type in (FHIR_JSON, "application/json")}
    return {"description": description, "content": content} | ({"headers": headers} if headers else {})


def json_answer(description: str, schema: Schema, headers: Described | None = None) -> Described:
    """What is JSON, and not FHIR."""
    return {"description": description, "content": {"application/json": {"schema": schema}}} | (
        {"headers": headers} if headers else {}
    )


def responses(errors: Sequence[HTTPStatus], answers: Described) -> Described:
    """The answers, and what may be refused."""
    return {
        **answers,
        **{str(status.value): {"$ref": f"#/components/responses/{_name(status)}"} for status in sorted(errors)},
    }


def refusals() -> Described:
    """What `responses` refers to."""
    return {_name(status): _refusal(status) for status in ERRORS}


def _refusal(status: HTTPStatus) -> Described:
    content = {FHIR_JSON: {"schema": ref("OperationOutcome")}}
    headers = {"headers": HEADERS[status]} if status in HEADERS else {}
    return {"description": ERRORS[status], "content": content, **headers}


def _name(status: HTTPStatus) -> str:
    return "".join(word.capitalize() for word in status.name.split("_"))
