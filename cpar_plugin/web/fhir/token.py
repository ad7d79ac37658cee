"""The token endpoint: a client proves who it is and gets a token for a few minutes (SMART Backend Services)."""

from datetime import timedelta
from typing import Any

import orjson
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    OAuth2Request,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7523.client import ASSERTION_TYPE
from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from ...domain.refusals import NotFound
from ...domain.scopes import granted
from ...services.clients import assertions, tokens
from ...services.clients.jwks_url import Busy
from ...services.clients.registry import Client
from ...services.operations import access
from .addresses import token_url
from .callers import Callers
from .routes import METHODS, wrong_method

LARGEST_REQUEST = 32 * 1024
_METHOD = "private_key_jwt"
_NO_ADDRESS = (
    "No tokens are given here: the operator has to set fhir_base_url, the address at which this interface is reached."
)


class _TooOften(OAuth2Error):  # type: ignore[misc]
    error = "temporarily_unavailable"
    description = "Too many tokens were asked for within a minute. Use a token until it expires."
    status_code = 429

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self._seconds = seconds

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("Retry-After", str(self._seconds))]


class _KeysBusy(OAuth2Error):  # type: ignore[misc]
    error = "temporarily_unavailable"
    description = "The keys of this client are being fetched. Ask again in a few seconds."
    status_code = 503

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("Retry-After", "2")]


class _TooLarge(InvalidRequestError):  # type: ignore[misc]
    description = "The request is too large."
    status_code = 413


class _TokenRequest(OAuth2Request):  # type: ignore[misc]
    """The form that was sent; never the query, which ends up in logs. Raises OAuth2Error."""

    def __init__(self, url: str) -> None:
        super().__init__("POST", url, headers=request.headers)
        request.max_content_length = LARGEST_REQUEST
        if request.mimetype != "application/x-www-form-urlencoded":
            raise InvalidRequestError("Send the parameters as application/x-www-form-urlencoded.")
        try:
            sent = request.form.to_dict(flat=False)
        except RequestEntityTooLarge:
            raise _TooLarge from None
        if any(len(values) > 1 for values in sent.values()):
            raise InvalidRequestError("A parameter was sent twice.")
        if "grant_type" not in sent:
            raise InvalidRequestError("grant_type is missing: send client_credentials.")
        self.payload = BasicOAuth2Payload({name: value for name, [value] in sent.items()})


class _Authenticated(ClientMixin):  # type: ignore[misc]
    """A client that has proved who it is, as Authlib asks about it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == _METHOD

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


class _BackendServices(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = (_METHOD,)

    def validate_requested_scope(self) -> None:
        """Decided with the token: what is given may be less than what is asked for."""


class _Server(AuthorizationServer):  # type: ignore[misc]
    def __init__(self, callers: Callers) -> None:
        super().__init__()
        self._callers = callers
        self.register_grant(_BackendServices)
        self.register_client_auth_method(_METHOD, self._by_assertion)
        self.register_token_generator("default", self._token)

    def create_oauth2_request(self, sent: _TokenRequest) -> _TokenRequest:
        return sent

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Response:
        return Response(orjson.dumps(body), status, headers)

    def send_signal(self, name: str, *arguments: Any, **named: Any) -> None:
        """Nobody listens."""

    def save_token(self, token: dict[str, Any], sent: _TokenRequest) -> None:
        """It was stored when it was made."""

    def _by_assertion(self, _: Any, sent: _TokenRequest) -> _Authenticated | None:
        form, host = sent.payload.data, self._callers.host
        if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
            return None
        try:
            access.require_enabled(host)
        except NotFound:
            raise UnauthorizedClientError("The CPAR integration is switched off.") from None
        try:
            proof = assertions.verify(host, self._callers.published, form["client_assertion"], sent.uri)
            if form.get("client_id", proof.client.client_id) != proof.client.client_id:
                raise assertions.NotAccepted("client_id is another than that of the assertion.")
            seconds = self._callers.tokens_of_client.seconds_to_wait(proof.client.client_id, host.clock.now())
            if seconds:
                raise _TooOften(seconds)
            assertions.use(host, proof)
        except assertions.NotAccepted as reason:
            raise InvalidClientError(str(reason)) from None
        except Busy:
            raise _KeysBusy from None
        return _Authenticated(proof.client)

    def _token(self, *, client: _Authenticated, scope: str | None, **_: Any) -> dict[str, Any]:
        scopes = granted(scope or "", client.client.scopes)
        if not scopes:
            raise InvalidScopeError("Nothing of what is asked for is registered for this client.")
        seconds = self._callers.settings.fhir_token_seconds
        try:
            token = tokens.issue(self._callers.host, client.client, scopes, timedelta(seconds=seconds))
        except tokens.Ended:
            raise InvalidClientError("The client was changed or revoked at this moment.") from None
        return {"access_token": token, "token_type": "bearer", "expires_in": seconds, "scope": scopes}


def token(callers: Callers) -> Response:
    """Answer a request for a token: RFC 6749, sections 4.4 and 5. Raises Refusal for any other method than POST."""
    if request.method != "POST":
        raise wrong_method("POST")
    server = _Server(callers)
    try:
        seconds = callers.tokens_of_address.seconds_to_wait(request.remote_addr or "", callers.host.clock.now())
        if seconds:
            raise _TooOften(seconds)
        url = token_url(callers.settings)
        if url is None:
            raise UnauthorizedClientError(_NO_ADDRESS)
        sent = _TokenRequest(url)
    except OAuth2Error as error:
        answer: Response = server.handle_error_response(None, error)
    else:
        answer = server.create_token_response(sent)
    return answer


ROUTES = (("/token", token, METHODS),)
