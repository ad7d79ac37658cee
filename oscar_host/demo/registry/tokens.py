"""A token endpoint for OAuth 2.0 client credentials (RFC 6749, section 4.4), for one client."""

import hmac
import secrets
import threading
import time
from urllib.parse import unquote_plus

from flask import Blueprint, Request, Response, jsonify, request


class Tokens:
    """The tokens given out, in memory: a restart forgets them, as a real server may at any time."""

    def __init__(self, client_id: str, client_secret: str, seconds: float) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._seconds = seconds
        self._lock = threading.Lock()
        self._good_until: dict[str, float] = {}

    def give(self, client_id: str, client_secret: str) -> str | None:
        """A new token; None for another client."""
        same_client = hmac.compare_digest(client_id.encode(), self._client_id.encode())
        if not (hmac.compare_digest(client_secret.encode(), self._client_secret.encode()) and same_client):
            return None
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._good_until[token] = time.monotonic() + self._seconds
        return token

    def accept(self, request: Request) -> bool:
        """Whether the request carries a token that is good now."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        with self._lock:
            return scheme.lower() == "bearer" and self._good_until.get(token, 0) > time.monotonic()

    def blueprint(self) -> Blueprint:
        """POST /oauth/token with client_secret_basic."""
        pages = Blueprint("tokens", __name__)
        pages.add_url_rule("/oauth/token", "token", view_func=self._answer, methods=["POST"])
        return pages

    def _answer(self) -> Response:
        authorization = request.authorization
        if request.form.get("grant_type") != "client_credentials":
            return _error(400, "unsupported_grant_type")
        if authorization is None or authorization.type != "basic":
            return _error(401, "invalid_client")
        token = self.give(unquote_plus(authorization.username or ""), unquote_plus(authorization.password or ""))
        if token is None:
            return _error(401, "invalid_client")
        answer = jsonify(
            access_token=token,
            token_type="Bearer",  # noqa: S106
            expires_in=self._seconds,
            scope=request.form.get("scope", ""),
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _error(status: int, error: str) -> Response:
    answer = jsonify(error=error)
    answer.status_code = status
    answer.headers["Cache-Control"] = "no-store"
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="registry"'
    return answer
