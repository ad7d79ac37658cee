"""Subscriptions in the OpenAPI description: what else can be done at the addresses of the kind, and its operations."""

from http import HTTPStatus

from .openapi_parts import (
    FHIR_JSON,
    KNOWN,
    VERSION,
    Described,
    fhir_answer,
    operation,
    path_parameter,
    query_parameter,
    responses,
)
from .openapi_schemas import ID, TEXT, one_of, ref

_LOCATION: Described = {"Location": {"required": True, "schema": {"type": "string", "format": "uri"}}}
_WRITING = (
    *KNOWN,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_CONTENTS = ("empty", "id-only", "full-resource")


def with_subscriptions(paths: Described) -> Described:
    """The addresses of the kind, with what is done there besides reading."""
    one, every = paths["/Subscription/{id}"], paths["/Subscription"]
    identified = [path_parameter(ID)]
    absent = (HTTPStatus.NOT_FOUND,)
    stored = {**VERSION, **_LOCATION}
    return {
        **paths,
        "/Subscription": {
            **every,
            "post": {
                **operation("createSubscription", "Make a subscription.", "system/Subscription.c"),
                "requestBody": _body(),
                "responses": responses(_WRITING, {"201": fhir_answer("It is requested.", "Subscription", stored)}),
            },
        },
        "/Subscription/{id}": {
            **one,
            "put": {
                **operation("updateSubscription", "Replace or activate a subscription.", "system/Subscription.u"),
                "parameters": identified,
                "requestBody": _body(),
                "responses": responses(
                    (*_WRITING, *absent), {"200": fhir_answer("It is requested, or off.", "Subscription", stored)}
                ),
            },
            "delete": {
                **operation("deleteSubscription", "Remove a subscription with its events.", "system/Subscription.d"),
                "parameters": identified,
                "responses": responses((*KNOWN, *absent), {"204": {"description": "It is removed."}}),
            },
        },
        "/Subscription/$status": _also_posted(
            {
                **operation("subscriptionStatuses", "How far subscriptions are.", "system/Subscription.s"),
                "parameters": [
                    query_parameter("id", ID, "Only of this one. May be repeated."),
                    query_parameter("status", one_of(("requested", "active", "error", "off")), "Only of these."),
                ],
                "responses": responses(KNOWN, {"200": fhir_answer("A status for each, as Parameters.", "Bundle")}),
            }
        ),
        "/Subscription/{id}/$status": _also_posted(
            {
                **operation("subscriptionStatus", "How far a subscription is.", "system/Subscription.r"),
                "parameters": identified,
                "responses": responses((*KNOWN, *absent), {"200": fhir_answer("Its status, as Parameters.", "Bundle")}),
            }
        ),
        "/Subscription/{id}/$events": _also_posted(
            {
                **operation("subscriptionEvents", "Earlier events of a subscription.", "system/Subscription.r"),
                "parameters": [
                    *identified,
                    query_parameter("eventsSinceNumber", TEXT, "The first event."),
                    query_parameter("eventsUntilNumber", TEXT, "The last event."),
                    query_parameter("content", one_of(_CONTENTS), "How much of each."),
                ],
                "responses": responses(
                    (*KNOWN, *absent, HTTPStatus.SERVICE_UNAVAILABLE),
                    {"200": fhir_answer("A hundred events at most.", "Notification")},
                ),
            }
        ),
    }


def _also_posted(get: Described) -> Described:
    """An operation, whose parameters may also be posted as a Parameters resource."""
    in_path = [parameter for parameter in get["parameters"] if parameter["in"] == "path"]
    content = {FHIR_JSON: {"schema": ref("Parameters")}}
    post = {**get, "operationId": f"{get['operationId']}ByPost", "parameters": in_path}
    return {"get": get, "post": {**post, "requestBody": {"content": content}}}


def _body() -> Described:
    content = {"schema": ref("SubscriptionRequest")}
    return {"required": True, "content": dict.fromkeys((FHIR_JSON, "application/json"), content)}
