"""Requests of `$bulk-submit` to the registry: signed in, within the deadline, repeated where it asks us to wait."""

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests
from urllib3.util import parse_url

from ..settings import Settings
from .deadline import seconds_left
from .outgoing import Session
from .reading import limited
from .sign_in import ClientCredentials

FHIR_JSON = "application/fhir+json"
_LONGEST_BYTES = 16 * 1024 * 1024
_BUSY = (429, 503)
_TIMES = 4
_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


class ElsewhereError(Exception):
    """The registry names an address that is not its own: our token does not go there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whole."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The object in it; empty where there is none."""
        try:
            value = orjson.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class Calls:
    """`begun`: whether anything has left that the registry may act on."""

    def __init__(self, settings: Settings, session: Session, sign_in: ClientCredentials | None) -> None:
        self.begun = False
        self._settings = settings
        self._session = session
        self._sign_in = sign_in
        self._base = settings.registry_url.rstrip("/")

    def post(self, operation: str, parameters: list[dict[str, Any]], *, acts: bool = False) -> Answer:
        """Ask for an operation. Raises SignInError, and what the network raises (NETWORK_ERRORS)."""
        body = orjson.dumps({"resourceType": "Parameters", "parameter": parameters})
        headers = {"Content-Type": FHIR_JSON, "Accept": FHIR_JSON, "Prefer": "respond-async"}
        return self._patiently("POST", f"{self._base}/{operation}", headers, body, acts=acts)

    def get(self, url: str) -> Answer:
        """An address that the registry has named. Raises ElsewhereError where it is not the registry's."""
        ours, theirs = parse_url(self._base), parse_url(url)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise ElsewhereError
        return self._patiently("GET", url, {"Accept": "application/json, application/fhir+ndjson"}, None)

    def pause(self, answer: Answer, times: int) -> None:
        """Wait as long as the answer says, or a little longer each time. Raises DeadlineError."""
        wait = min(_wished(answer, _PAUSE * 2 ** min(times, 6)), _LONGEST_PAUSE)
        time.sleep(min(wait, seconds_left()))
        seconds_left()

    def _patiently(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, *, acts: bool = False
    ) -> Answer:
        answer = self._once(method, url, headers, body, acts=acts)
        for times in range(_TIMES):
            if answer.status not in _BUSY or "Retry-After" not in answer.headers:
                break
            self.pause(answer, times)
            answer = self._once(method, url, headers, body, acts=acts)
        return answer

    def _once(self, method: str, url: str, headers: dict[str, str], body: bytes | None, *, acts: bool) -> Answer:
        token = self._sign_in.token(self._session) if self._sign_in else ""
        self.begun = self.begun or acts
        answer = self._send(method, url, headers, body, token)
        if answer.status == requests.codes.unauthorized and self._sign_in:
            token = self._sign_in.token(self._session, instead_of=token)
            answer = self._send(method, url, headers, body, token)
        return answer

    def _send(self, method: str, url: str, headers: dict[str, str], body: bytes | None, token: str) -> Answer:
        with self._session.request(
            method,
            url,
            data=body,
            headers={**headers, **({"Authorization": f"Bearer {token}"} if token else {})},
            timeout=(self._settings.registry_connect_seconds, self._settings.registry_read_seconds),
            allow_redirects=False,
            stream=True,
        ) as response:
            return Answer(response.status_code, response.headers, b"".join(limited(response, most=_LONGEST_BYTES)))


def _wished(answer: Answer, otherwise: float) -> float:
    """The seconds of `Retry-After`, which may also be a date."""
    text = answer.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit() and len(text) < 6:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return otherwise
