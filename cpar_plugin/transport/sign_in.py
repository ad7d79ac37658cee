"""Access tokens by OAuth 2.0 client credentials (RFC 6749, sections 2.3.1 and 4.4)."""

import re
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import orjson

from ..settings import Settings
from .connection import NETWORK_ERRORS, failure_message, host_of
from .deadline import DeadlineError, seconds_left
from .outgoing import Session
from .reading import TooLongError, limited
from .values import DeliveryOutcome, DeliveryResult, not_sent

_ANSWER_BYTES = 64 * 1024
_SECONDS_WHEN_NOT_SAID = 60
_SECONDS_BEFORE_EXPIRY = 30
_TEMPORARY = {408, 425, 429}
_ERRORS = {
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope",
}  # fmt: skip


class SignInError(Exception):
    """There is no token. `answer` says why and what to do."""

    def __init__(self, answer: DeliveryResult) -> None:
        super().__init__(answer.message)
        self.answer = answer


class ClientCredentials:
    """Fetches a token and keeps it until shortly before it expires. May be shared between threads."""

    def __init__(self, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token = ""
        self._good_until = 0.0

    def token(self, session: Session, *, instead_of: str = "") -> str:
        """A token, another than `instead_of` (one that was not accepted), within the deadline. Raises SignInError."""
        try:
            acquired = self._lock.acquire(timeout=seconds_left())
        except DeadlineError:
            acquired = False
        if not acquired:
            raise SignInError(
                not_sent("Signing in to the registry failed. Another submission is already waiting for it.")
            )
        try:
            if self._token in ("", instead_of) or self._monotonic() >= self._good_until:
                self._fetch(session)
            return self._token
        finally:
            self._lock.release()

    def _fetch(self, session: Session) -> None:
        began = self._monotonic()
        try:
            status, body = self._ask(session)
        except NETWORK_ERRORS as error:
            message = failure_message(error, self._settings.registry_token_url, self._settings)
            raise SignInError(not_sent(f"Signing in to the registry failed. {message}")) from None
        if status != 200:
            raise SignInError(self._refusal(status, body))
        token = body.get("access_token")
        try:
            seconds = float(body.get("expires_in", _SECONDS_WHEN_NOT_SAID))
        except (TypeError, ValueError):
            seconds = _SECONDS_WHEN_NOT_SAID
        is_valid = isinstance(token, str) and re.fullmatch(r"[\x21-\x7e]+", token)
        if not is_valid or str(body.get("token_type")).lower() != "bearer":
            raise SignInError(not_sent(f"The sign-in response from {self._host} could not be understood.", status))
        self._token = str(token)
        self._good_until = began + seconds - min(_SECONDS_BEFORE_EXPIRY, seconds / 2)

    def _ask(self, session: Session) -> tuple[int, dict[str, Any]]:
        settings = self._settings
        form = {"grant_type": "client_credentials"}
        if settings.registry_scope:
            form["scope"] = settings.registry_scope
        with session.post(
            settings.registry_token_url,
            data=form,
            auth=(quote_plus(settings.registry_client_id), quote_plus(settings.registry_client_secret)),
            headers={"Accept": "application/json"},
            timeout=(settings.registry_connect_seconds, settings.registry_read_seconds),
            allow_redirects=False,
            stream=True,
        ) as response:
            chunks = limited(response, most=_ANSWER_BYTES)
            try:
                body = orjson.loads(b"".join(chunks))
            except (ValueError, TooLongError):
                body = None
            return response.status_code, body if isinstance(body, dict) else {}

    def _refusal(self, status: int, body: dict[str, Any]) -> DeliveryResult:
        code = body.get("error")
        reason = f"status {status}: {code}" if isinstance(code, str) and code in _ERRORS else f"status {status}"
        if 300 <= status < 400:
            message = f"{self._host} reports that its sign-in URL has changed ({reason}): correct registry_token_url."
        elif 400 <= status < 500 and status not in _TEMPORARY:
            message = (
                f"Signing in to the registry was refused ({reason}): check registry_client_id, registry_client_secret "
                "and registry_token_url."
            )
        else:
            return not_sent(f"Signing in to {self._host} is not possible at this time ({reason}).", status)
        return DeliveryResult(outcome=DeliveryOutcome.REFUSED, status=status, message=message)

    @property
    def _host(self) -> str:
        return host_of(self._settings.registry_token_url)
