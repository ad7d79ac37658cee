"""The token endpoint: a client proves who it is and gets a token for a few minutes (SMART Backend Services).

RFC 6749, sections 4.4 (client credentials), 5.1 and 5.2 (answers); RFC 7523, section 2.2 (a client's assertion).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from ...domain.rate_limit import network
from ...domain.refusals import NotFound
from ...domain.scopes import granted
from ...services.clients import assertions, tokens
from ...services.clients.jwks_url import Busy
from ...services.clients.registry import Client
from ...services.operations import access
from .addresses import on_this_machine, token_url
from .callers import Callers
from .cors import note_caller
from .routes import METHODS, wrong_method

LARGEST_REQUEST = 32 * 1024
CLIENTS_OF_AN_ADDRESS = 10  # so many may ask for all of their tokens at once from one address
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
_NO_ADDRESS = (
    "Tokens are not available: the EMR administrator must set fhir_base_url, the public URL of this interface."
)


class _Refused(Exception):
    """An error of RFC 6749, section 5.2. `description`: plain ASCII without quotation marks and backslashes."""

    def __init__(self, error: str, description: str, status: int = 400, retry_after: int = 0) -> None:
        super().__init__(description)
        self.body = {"error": error, "error_description": description}
        self.status = status
        self.headers = _HEADERS | ({"Retry-After": str(retry_after)} if retry_after else {})


def token(callers: Callers) -> Response:
    """Answer a request for a token. Raises Refusal for any other method than POST."""
    if request.method != "POST":
        raise wrong_method("POST")
    try:
        return Response(orjson.dumps(_token(callers)), headers=_HEADERS)
    except _Refused as refused:
        return Response(orjson.dumps(refused.body), refused.status, refused.headers)


def _token(callers: Callers) -> dict[str, Any]:
    form = _form_or_refusal()
    assertion = form.get("client_assertion", "") if isinstance(form, dict) else ""
    _count_address(callers, assertions.claimed_client(assertion))
    url = token_url(callers.settings)
    if url is None:
        raise _Refused("unauthorized_client", _NO_ADDRESS)
    if not url.startswith("https:") and not on_this_machine(urlsplit(url).netloc):
        raise _Refused("insecure_transport", "Tokens are only issued over https.")
    if isinstance(form, _Refused):
        raise form
    if "grant_type" not in form:
        raise _Refused("invalid_request", "grant_type is missing: send client_credentials.")
    if form["grant_type"] != "client_credentials":
        raise _Refused("unsupported_grant_type", "The only grant_type here is client_credentials.")
    return _new_token(callers, _authenticated(callers, form, url), form.get("scope", ""))


def _count_address(callers: Callers, client_id: str) -> None:
    """Counts for the client that is named, at this address: a client's runs keep none of its neighbors from a token.

    What names no client counts as one more client. The address as a whole is bounded too, or names would be made up.
    """
    address, most = network(request.remote_addr or ""), callers.settings.fhir_tokens_per_minute
    _count(callers, {f"{client_id or 'unknown'} at {address}": most, address: CLIENTS_OF_AN_ADDRESS * most})


def _count(callers: Callers, limits: Mapping[str, int]) -> None:
    if seconds := callers.token_limit.seconds_to_wait(limits):
        description = "Too many tokens were requested in one minute. Use each token until it expires."
        raise _Refused("temporarily_unavailable", description, 429, seconds)


def _form_or_refusal() -> dict[str, str] | _Refused:
    """What cannot be understood counts as well, so it is refused later."""
    try:
        return _form()
    except _Refused as refused:
        return refused


def _form() -> dict[str, str]:
    """The form that was sent; never the query, which ends up in logs."""
    request.max_content_length = LARGEST_REQUEST
    if request.mimetype != "application/x-www-form-urlencoded":
        raise _Refused("invalid_request", "Send the parameters as application/x-www-form-urlencoded.")
    try:
        fields = request.form.to_dict(flat=False)
    except RequestEntityTooLarge:
        raise _Refused("invalid_request", "The request is too large.", 413) from None
    if any(len(values) > 1 for values in fields.values()):
        raise _Refused("invalid_request", "A parameter was sent twice.")
    return {name: value for name, [value] in fields.items()}


def _authenticated(callers: Callers, form: dict[str, str], url: str) -> Client:
    if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
        raise _Refused("invalid_client", f"Send a client_assertion with the client_assertion_type {ASSERTION_TYPE}.")
    try:
        access.require_enabled(callers.host)
        proof = assertions.verify(callers.host, callers.published, form["client_assertion"], url)
        note_caller(proof.client.client_id)
        if form.get("client_id", proof.client.client_id) != proof.client.client_id:
            raise assertions.NotAccepted("client_id does not match the assertion.")
        _count(callers, {proof.client.client_id: callers.settings.fhir_tokens_per_minute})
        assertions.use(callers.host, proof)
    except NotFound:
        raise _Refused("unauthorized_client", "The CPAR integration is turned off.") from None
    except assertions.NotAccepted as reason:
        raise _Refused("invalid_client", str(reason)) from None
    except Busy:
        description = "The keys of this client are being fetched. Try again in a few seconds."
        raise _Refused("temporarily_unavailable", description, 503, 2) from None
    return proof.client


def _new_token(callers: Callers, client: Client, requested: str) -> dict[str, Any]:
    scopes = granted(requested, client.scopes)
    if not scopes:
        raise _Refused("invalid_scope", "None of the requested scopes is registered for this client.")
    seconds = callers.settings.fhir_token_seconds
    try:
        access_token = tokens.issue(callers.host, client, scopes, timedelta(seconds=seconds))
    except tokens.Ended:
        raise _Refused("invalid_client", "The client was just changed or revoked.") from None
    return {"access_token": access_token, "token_type": "bearer", "expires_in": seconds, "scope": scopes}


ROUTES = (("/token", token, METHODS),)
