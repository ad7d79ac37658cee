"""Questions to OSCAR's REST interface, with the session cookie of the sender of the current request."""

import logging
from typing import Any

import orjson
import requests

from cpar_plugin.hooks import HostUnavailable
from cpar_plugin.transport.connection import NETWORK_ERRORS, host_of
from cpar_plugin.transport.deadline import within
from cpar_plugin.transport.outgoing import Session
from cpar_plugin.transport.reading import TooLongError, limited
from cpar_plugin.transport.trust import distrusted, trusting

from .settings import SidecarSettings
from .turns import Turns

log = logging.getLogger(__name__)

_ANSWER_BYTES = 8 * 1024 * 1024  # the rights of someone with thousands of rows for single patients
_SIGNED_OUT = (401, 403)


class OscarUnavailable(HostUnavailable):
    """OSCAR does not answer, or not as its REST interface does. No one comes in by it.

    Its text is for an operator: why its certificate was not accepted, where that was it. `status` is that of OSCAR's
    answer, None where there is none.
    """

    def __init__(self, message: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class SignedOut(Exception):
    """OSCAR has no session for this cookie, or one in which signing in is not finished."""


class OscarRest:
    """OSCAR's REST interface below `oscar_url`. May be shared between threads: no answer is kept between questions.

    An OSCAR that hangs is asked by few at a time, and after that by one: the others fail at once.

    Raises Refused where `oscar_ca_file` cannot be used.
    """

    def __init__(self, settings: SidecarSettings) -> None:
        self._url = settings.oscar_url
        self._base = f"{self._url}/ws/rs/"
        self._seconds, self._connect_seconds = settings.oscar_seconds, settings.oscar_connect_seconds
        self._turns = Turns(OscarUnavailable, settings.oscar_patience)
        self._context = trusting(settings.oscar_ca_file, "oscar_ca_file", strict=settings.strict_certificates)

    def get(self, path: str, cookie: str, **query: str) -> Any:
        """What OSCAR answers to `path` below `ws/rs/`, as JSON. `cookie` is the value of the header.

        It does not count as the person's own activity. Raises SignedOut and OscarUnavailable.
        """
        try:
            # A session for each question: what OSCAR sets in one answer gets into no other question.
            with (
                self._turns.one(),
                within(self._seconds),
                Session(self._context) as session,
                session.get(
                    self._base + path,
                    params={"autoRefresh": "true"} | query,
                    headers={"Cookie": cookie, "Accept": "application/json"},
                    timeout=(self._connect_seconds, None),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                self._turns.note(failed=False)
                return self._read(path, response)
        except (TooLongError, *NETWORK_ERRORS) as error:
            self._turns.note(failed=True)
            # Only its kind: its text may hold the address with a patient's number.
            why = distrusted(error, host_of(self._base))
            log.warning("OSCAR does not respond at %s: %s", path, why or type(error).__name__)
            raise OscarUnavailable(why or "") from None

    def status_of(self, page: str, cookie: str) -> int | None:
        """With which status OSCAR answers one of its pages to this session; None when it does not answer."""
        try:
            with (
                self._turns.one(),
                within(self._seconds),
                Session(self._context) as session,
                session.head(
                    f"{self._url}/{page}",
                    headers={"Cookie": cookie},
                    timeout=(self._connect_seconds, None),
                    allow_redirects=False,
                ) as response,
            ):
                self._turns.note(failed=False)
                return response.status_code
        except NETWORK_ERRORS as error:
            self._turns.note(failed=True)
            log.warning("OSCAR does not respond at %s: %s", page, type(error).__name__)
            return None
        except OscarUnavailable:
            return None

    def _read(self, path: str, response: requests.Response) -> Any:
        if response.is_redirect:
            log.warning("OSCAR redirects %s: treated as signed out. If it always does, correct oscar_url.", path)
            raise SignedOut
        if response.status_code in _SIGNED_OUT:
            raise SignedOut
        if response.status_code != 200:
            log.warning("OSCAR answers %s with status %s", path, response.status_code)
            raise OscarUnavailable(status=response.status_code)
        try:
            answer = orjson.loads(b"".join(limited(response, most=_ANSWER_BYTES)))
        except ValueError:
            # Often a page for signing in, with status 200.
            log.warning("OSCAR answers %s with something other than JSON", path)
            raise OscarUnavailable from None
        enveloped = isinstance(answer, dict) and {"body", "status"} <= answer.keys()  # as one branch of Juno does
        return answer["body"] if enveloped else answer
