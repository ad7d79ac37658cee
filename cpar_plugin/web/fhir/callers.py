"""Who sends a request to the FHIR interface: a client with a token, or a person signed in to the EMR."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from flask import Request, Response, request
from flask_wtf.csrf import validate_csrf
from sqlalchemy import Connection, Row
from wtforms.validators import ValidationError

from ...domain.rate_limit import network
from ...domain.refusals import NotFound
from ...hooks import Host
from ...services.clients.caller import EVERYTHING, Caller
from ...services.clients.jwks_url import PublishedKeys
from ...services.clients.limits import SharedLimit
from ...services.clients.read_log import Interaction, LogUnavailable, PatientRead
from ...services.clients.tokens import StatementWithValues, bearer
from ...services.operations import access
from ...settings import Settings
from .background import background
from .cors import note_caller

_CHALLENGE = 'Bearer realm="fhir"'
_NOT_LOGGED = "Nothing can be read at the moment because access cannot be logged."
_OFF = "The CPAR integration is turned off."


class TurnedAway(Exception):
    """A request that goes no further. Answered as OperationOutcome with `status`, `code` (IssueType) and headers."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"

    def __init__(self, message: str, **headers: str) -> None:
        super().__init__(message)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Unauthorized(TurnedAway):
    """Not signed in, or no longer."""

    status = HTTPStatus.UNAUTHORIZED
    code = "login"


class AccessDenied(TurnedAway):
    """The caller may not do this."""


class TooMany(TurnedAway):
    """The caller asks too often."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "throttled"


class Unavailable(TurnedAway):
    """The caller may, but not now."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "transient"


def turned_away(error: TurnedAway) -> Response:
    """The answer to a caller who is turned away."""
    issue = {"severity": "error", "code": error.code, "diagnostics": str(error)}
    body = orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
    headers = {"Cache-Control": "no-store", **error.headers}
    return Response(body, error.status, headers, content_type="application/fhir+json; charset=utf-8")


class Callers:
    """Identifies the caller. One for each application: it counts requests, and keeps keys that clients publish."""

    def __init__(self, host: Host, settings: Settings) -> None:
        self.host = host
        self.settings = settings
        self.published = PublishedKeys(settings)
        self.token_limit = SharedLimit(host, "tokens of")
        self._request_limit = SharedLimit(host, "requests of")
        self.background = background(host, settings)  # kept alive as long as the application
        self.reads, self.exports = self.background.reads, self.background.exports

    def caller(self, connection: Connection, http_request: Request = request) -> Caller:
        """Who sent this request. Raises Unauthorized, Forbidden or TooMany."""
        return self.caller_and_rows(connection, None, http_request)[0]

    def caller_and_rows(
        self, connection: Connection, along: StatementWithValues | None, http_request: Request = request
    ) -> tuple[Caller, Sequence[Row[Any]]]:
        """The same with what is asked along, where it is read together with who asks: else there are no rows.

        A client has one SQL statement looked up. A request with a token is the client's, also where a user is
        signed in. Requests of no one known count for their address alone, so that they keep no client from reading.
        """
        try:
            caller, rows = (
                self._client(connection, along, http_request)
                if "Authorization" in http_request.headers
                else (self._person(http_request), ())
            )
        except Unauthorized:
            self.count_unknown(http_request)
            raise
        note_caller(caller.client_id or "")
        self._count(caller.actor.actor_id)
        return caller, rows

    def count_unknown(self, http_request: Request = request) -> None:
        """Count a request of no one known for its address. Raises TooMany."""
        self._count(f"unknown {network(http_request.remote_addr or '')}")

    def _count(self, name: str) -> None:
        limits = {name: self.settings.fhir_requests_per_minute}
        if seconds := self._request_limit.seconds_to_wait(limits):
            raise TooMany("Too many requests in one minute. Wait, then try again.", Retry_After=str(seconds))

    def note(
        self,
        caller: Caller,
        interaction: Interaction,
        kind: str,
        resource_id: str = "",
        patients: int | None = None,
        *,
        patient_ids: Sequence[int] = (),
    ) -> None:
        """Leave a record of a read of these patients, or of so many. Raises Unavailable when none can be left."""
        address = request.remote_addr or ""
        try:
            self.reads.note(caller, interaction, kind, resource_id, patients, patient_ids=patient_ids, address=address)
        except LogUnavailable:
            raise Unavailable(_NOT_LOGGED, Retry_After="5") from None

    def note_all(self, caller: Caller, reads: Sequence[PatientRead], reader: Connection | None = None) -> None:
        """Leave records of several reads together. Raises Unavailable when none can be left.

        `reader`: the connection that has read them, if it reads nothing else.
        """
        try:
            self.reads.note_all(caller, reads, request.remote_addr or "", reader)
        except LogUnavailable:
            raise Unavailable(_NOT_LOGGED, Retry_After="5") from None

    def _client(
        self, connection: Connection, along: StatementWithValues | None, http_request: Request
    ) -> tuple[Caller, Sequence[Row[Any]]]:
        scheme, _, token = http_request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized("Send an access token: Authorization: Bearer ...", WWW_Authenticate=_CHALLENGE)
        caller, enabled, rows = bearer(connection, token.strip(), self.host.clock.now(), along)
        if caller is None:
            raise Unauthorized(
                "The access token is unknown or has expired. Request a new one from the token endpoint.",
                WWW_Authenticate=f'{_CHALLENGE}, error="invalid_token"',
            )
        if not enabled:
            raise AccessDenied(_OFF)
        return caller, rows

    def _person(self, http_request: Request) -> Caller:
        actor = self.host.identity.current()
        if actor is None:
            raise Unauthorized(
                "Sign in to the EMR, or send an access token: Authorization: Bearer ...", WWW_Authenticate=_CHALLENGE
            )
        try:
            access.require_management(self.host, actor)
            access.require_enabled(self.host)
            if http_request.method not in ("GET", "HEAD"):
                validate_csrf(http_request.headers.get("X-CSRFToken", ""))
        except access.Forbidden as forbidden:
            raise AccessDenied(str(forbidden)) from None
        except NotFound:
            raise AccessDenied(_OFF) from None
        except ValidationError:
            raise AccessDenied(
                "A request with the EMR's own cookie that is not a GET needs the header X-CSRFToken of a page of the "
                "EMR. Programs send an access token instead."
            ) from None
        return Caller(actor=actor, client_id=None, scopes=EVERYTHING, panels=None)


def require(caller: Caller, resource_type: str, interaction: str) -> None:
    """Raises Forbidden unless the caller's scopes allow `read`, `search` or `update` of this type."""
    if not caller.may(resource_type, interaction):
        scope = f"system/{resource_type}.{interaction[0]}"
        raise AccessDenied(
            f"The access token does not include the required scope {scope}.",
            WWW_Authenticate=f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"',
        )
