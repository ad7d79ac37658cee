"""The interface as an OpenAPI description (3.1), derived from the lists that it uses.

https://spec.openapis.org/oas/v3.1.1.html. It names addresses, parameters and answers; FHIR says what a resource holds.
What a generator of requests also needs is with the tests that use one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from ..domain.scopes import CONFIRM, EVERY_KIND, KINDS, NAMED_ALONE
from .openapi_definitions import definition_paths
from .openapi_export import Exporting, export_paths
from .openapi_parts import (
    ERRORS,
    FHIR_JSON,
    FORM,
    HEADERS,
    KNOWN,
    OPEN,
    Described,
    fhir_answer,
    json_answer,
    operation,
    path_parameter,
    query_parameter,
    refusals,
    responses,
)
from .openapi_schemas import ID, TEXT, Schema, one_of, ref, schemas
from .openapi_search import paths_of
from .openapi_subscriptions import with_subscriptions
from .searchable import AnyKinds

_ABOUT = """\
The panels of a clinic as FHIR R4 resources. Where `Allow` names it, a GET may be a HEAD.
What the parameters of a search mean is said in https://hl7.org/fhir/R4/search.html. One that is repeated: all of them
fit. Unknown parameters are ignored and named in an entry of the Bundle (search mode `outcome`), or refused where
`Prefer: handling=strict` is sent. Of a next page only the link of the page before is good. {limits}"""


@dataclass(frozen=True)
class Interface:
    """What the interface knows of itself. `noted`: kinds of which every read leaves a record."""

    base: str
    token_url: str | None
    version: str
    formats: Sequence[str]
    kinds: AnyKinds
    definitions: Mapping[str, Sequence[str]]  # kinds and ids of our definitions
    summaries: Sequence[str]
    totals: Sequence[str]
    noted: Sequence[str]
    limits: str
    exporting: Exporting


def openapi(interface: Interface) -> Described:
    """All addresses with what can be sent to them, and every answer with its form."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Panels of a clinic (FHIR R4)",
            "version": interface.version,
            "description": _ABOUT.format(limits=interface.limits),
        },
        "servers": [{"url": interface.base}],
        "paths": {
            **_open_paths(interface),
            **_token_path(),
            **{path: item for kind in interface.kinds for path, item in _of_kind(kind, interface).items()},
            **export_paths(interface.exporting),
            **_confirm_path(),
            **_batch_path(),
            **with_subscriptions(_of_kind("Subscription", interface)),
            **{
                path: item
                for kind, ids in interface.definitions.items()
                for path, item in definition_paths(kind, ids, _format(interface)).items()
            },
        },
        "components": {
            "schemas": schemas([*interface.kinds, *interface.definitions]),
            "responses": refusals(),
            "securitySchemes": {"smart": _security(interface.token_url)},
        },
    }


def _open_paths(interface: Interface) -> Described:
    """What is open to everyone."""
    documents: dict[str, tuple[str, str, Schema]] = {
        "/.well-known/smart-configuration": ("smartConfiguration", "How to get a token.", ref("SmartConfiguration")),
        "/openapi.json": ("openapi", "This description.", {"type": "object", "required": ["openapi", "info", "paths"]}),
    }
    paths: Described = {
        path: {"get": {**operation(name, description), "responses": {"200": json_answer(description, schema)}}}
        for path, (name, description, schema) in documents.items()
    }
    paths["/metadata"] = {
        "get": {
            **operation("metadata", "The CapabilityStatement."),
            "parameters": [_format(interface)],
            "responses": responses(OPEN, {"200": fhir_answer("What this server supports.", "CapabilityStatement")}),
        }
    }
    return paths


def _token_path() -> Described:
    form = {
        "grant_type": {"const": "client_credentials"},
        "scope": {**TEXT, "examples": ["system/*.rs"]},
        "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
        "client_assertion": {**TEXT, "description": "A JSON Web Token that the client has signed."},
        "client_id": TEXT,
    }
    schema = {"type": "object", "properties": form, "required": list(form)[:-1]}
    no_store = {"Cache-Control": {"required": True, "schema": {"const": "no-store"}}}
    errors = {
        status: json_answer(description, ref("TokenError"), {**no_store, **HEADERS.get(status, {})})
        for status, description in (
            (HTTPStatus.BAD_REQUEST, "RFC 6749, section 5.2."),
            (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, ERRORS[HTTPStatus.REQUEST_ENTITY_TOO_LARGE]),
            (HTTPStatus.TOO_MANY_REQUESTS, ERRORS[HTTPStatus.TOO_MANY_REQUESTS]),
            (HTTPStatus.SERVICE_UNAVAILABLE, "The keys of this client are being fetched."),
        )
    }
    post = {
        **operation("token", "A token for a few minutes (SMART Backend Services)."),
        "requestBody": {"required": True, "content": {FORM: {"schema": schema}}},
        "responses": {
            "200": json_answer("A token.", ref("Token"), no_store),
            **{str(status.value): answer for status, answer in errors.items()},
        },
    }
    return {"/token": {"post": post}}


def _of_kind(kind: str, interface: Interface) -> Described:
    errors = (*KNOWN, HTTPStatus.SERVICE_UNAVAILABLE) if kind in interface.noted else KNOWN
    return paths_of(
        interface.kinds[kind],
        interface.kinds,
        summaries=interface.summaries,
        totals=interface.totals,
        format_=_format(interface),
        errors=errors,
    )


def _confirm_path() -> Described:
    content = {"schema": ref("Confirmation")}
    post = {
        **operation("confirm", "A member of a Group was asked, by a check-in program.", CONFIRM),
        "parameters": [path_parameter(ID)],
        "requestBody": {
            "required": True,
            "description": "Each parameter once. The same key again is answered as the first time.",
            "content": dict.fromkeys((FHIR_JSON, "application/json"), content),
        },
        "responses": responses(
            (
                *KNOWN,
                HTTPStatus.NOT_FOUND,
                HTTPStatus.GONE,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                HTTPStatus.UNPROCESSABLE_ENTITY,
                HTTPStatus.SERVICE_UNAVAILABLE,
            ),
            {"200": fhir_answer("What came of it.", "Parameters")},
        ),
    }
    return {"/Group/{id}/$confirm": {"post": post}}


def _batch_path() -> Described:
    entries = {
        "type": "array",
        "description": (
            "At most 1,000 (413 for more). Each with `request.method`, GET or HEAD, and `request.url`: others are "
            "refused alone."
        ),
        "examples": [[{"request": {"method": "GET", "url": "Patient/1"}}]],
    }
    schema = {
        "type": "object",
        "required": ["resourceType", "type"],
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"const": "batch"},
            "entry": entries,
        },
    }
    post = {
        **operation("batch", "Several reads and searches at once.", ""),
        "description": "Each entry is answered, refused, and recorded as if it had been sent alone, in the same order.",
        "requestBody": {
            "required": True,
            "content": {media_type: {"schema": schema} for media_type in (FHIR_JSON, "application/json")},
        },
        "responses": responses(
            (
                *KNOWN,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                HTTPStatus.NOT_IMPLEMENTED,
            ),
            {"200": fhir_answer("A Bundle of the type batch-response.", "Bundle")},
        ),
    }
    return {"/": {"post": post}}


def _security(token_url: str | None) -> Described:
    if token_url is None:  # no tokens are given yet
        return {"type": "http", "scheme": "bearer"}
    scopes = {
        f"system/{kind}.{letter}": f"{verb} {'everything' if kind == EVERY_KIND else kind}"
        for kind in (EVERY_KIND, *KINDS, *NAMED_ALONE)
        for letter, verb in (("r", "Read"), ("s", "Search"))
    }
    scopes |= {
        f"system/Subscription.{letter}": f"{verb} subscriptions"
        for letter, verb in (("c", "Make"), ("u", "Change"), ("d", "Remove"))
    }
    scopes |= {CONFIRM: "Confirm members of a Group"}
    return {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": token_url, "scopes": scopes}}}


def _format(interface: Interface) -> Described:
    return query_parameter("_format", one_of(interface.formats), "Takes precedence over Accept.")
