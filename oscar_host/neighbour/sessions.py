"""Who is signed in, told by OSCAR itself from the session cookie that the browser sends along."""

import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, NamedTuple

from cpar_plugin.hooks import Clock

from .rest import OscarRest, OscarUnavailable, SignedOut

ME = "providerService/provider/me"
_KEEP = timedelta(seconds=30)
_COOKIE_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,4096}")  # RFC 6265, section 4.1.1


class _Question(NamedTuple):
    asked_at: datetime
    answer: Future[str | None]


class OscarSessions:
    """By cookie, which provider OSCAR says it belongs to, kept for 30 seconds; that nobody is signed in is not kept.

    Kept under an HMAC of the cookie with a key that this process makes up, never the cookie itself. Many requests with
    one cookie make one question, and share its answer. May be shared between threads.
    """

    def __init__(self, rest: OscarRest, clock: Clock, cookie_names: list[str], most_kept: int = 10_000) -> None:
        self._rest = rest
        self._clock = clock
        self._names = cookie_names
        self._most_kept = most_kept
        self._key = secrets.token_bytes(32)
        self._lock = Lock()
        self._questions: OrderedDict[bytes, _Question] = OrderedDict()

    def cookie(self, cookies: Mapping[str, str]) -> str:
        """The header that OSCAR is sent of these cookies: those that it has set itself, '' when there is none."""
        own = ((name, cookies.get(name, "")) for name in self._names)
        return "; ".join(f"{name}={value}" for name, value in own if _COOKIE_VALUE.fullmatch(value))

    def provider_of(self, cookies: Mapping[str, str]) -> str | None:
        """The provider id; None for nobody, and without a question where there is no cookie of OSCAR's.

        Raises OscarUnavailable.
        """
        cookie = self.cookie(cookies)
        if not cookie:
            return None
        name = hmac.digest(self._key, cookie.encode(), "sha256")
        question, mine = self._question(name)
        if mine:
            try:
                question.answer.set_result(self._ask(cookie))
            except BaseException as error:
                question.answer.set_exception(error)
            if question.answer.exception() or not question.answer.result():
                self._forget(name, question)
        return question.answer.result()

    def _question(self, name: bytes) -> tuple[_Question, bool]:
        """The latest question about this cookie, and whether the caller has to ask it."""
        now = self._clock.now()
        with self._lock:
            found = self._questions.get(name)
            if found and timedelta(0) <= now - found.asked_at < _KEEP:
                return found, False
            asked = self._questions[name] = _Question(now, Future())
            self._questions.move_to_end(name)
            if len(self._questions) > self._most_kept:
                self._questions.popitem(last=False)
            return asked, True

    def _forget(self, name: bytes, question: _Question) -> None:
        with self._lock:
            if self._questions.get(name) is question:
                del self._questions[name]

    def _ask(self, cookie: str) -> str | None:
        try:
            return provider_in(self._rest.get(ME, cookie))
        except SignedOut:
            return None


def provider_in(answer: Any) -> str:
    """The provider id in what OSCAR tells of the signed-in provider. Raises OscarUnavailable where there is none.

    Older ones wrap the provider in an object of its own, or write its number without quotes.
    """
    found = answer
    while isinstance(found, dict) and "providerNo" not in found and len(found) == 1:
        [found] = found.values()
    number = found.get("providerNo") if isinstance(found, dict) else None
    if isinstance(number, int) and not isinstance(number, bool):
        number = str(number)
    if not isinstance(number, str) or not number.strip():
        raise OscarUnavailable
    return number
