"""Who is signed in, by OSCAR's own answer to the session cookie that the browser sends along."""

import hmac
import re
import time
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from cpar_plugin.hooks import Clock

from .answers import Answers, ProviderAnswer
from .rest import OscarRest, OscarUnavailable, SignedOut

ME = "providerService/provider/me"
_POLLS = timedelta(minutes=10)
_COOKIE_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,4096}")  # RFC 6265, section 4.1.1


class OscarSessions:
    """By cookie, which provider OSCAR says it belongs to. Each answer, a "no" as well, is kept for `seconds`.

    Kept under an HMAC of the cookie with `key`, never the cookie itself. Many requests with one cookie, to whichever
    process, make one question and share its answer. May be shared between threads.
    """

    def __init__(
        self, rest: OscarRest, clock: Clock, answers: Answers, *, cookie_names: list[str], key: bytes, seconds: float
    ) -> None:
        self._rest = rest
        self._clock = clock
        self._answers = answers
        self._names = cookie_names
        self._key = hmac.digest(key, b"names of OSCAR's sessions", "sha256")
        self._keep = timedelta(seconds=seconds)

    def cookie(self, cookies: Mapping[str, str]) -> str:
        """The header that OSCAR is sent of these cookies: those that it has set itself, '' when there is none."""
        pairs = ((name, cookies.get(name, "")) for name in self._names)
        return "; ".join(f"{name}={value}" for name, value in pairs if _COOKIE_VALUE.fullmatch(value))

    def provider_of(self, cookies: Mapping[str, str], *, polling: bool = False) -> str | None:
        """The provider id; None for no one, and without a question where there is no cookie of OSCAR's.

        A page that polls asks nothing: it uses the last answer for ten minutes, and then no one is signed in. Raises
        OscarUnavailable.
        """
        cookie = self.cookie(cookies)
        if not cookie:
            return None
        began = time.monotonic()
        with self._answers.of(hmac.digest(self._key, cookie.encode(), "sha256").hex()) as slot:
            now = self._clock.now()
            if slot.answer and timedelta(0) <= now - slot.answer.requested_at < (_POLLS if polling else self._keep):
                return slot.answer.provider_id
            if polling:
                return None
            if slot.failed_since(began):
                raise OscarUnavailable
            try:
                answer = ProviderAnswer(now, self._ask(cookie))
            except OscarUnavailable:
                slot.note_failure()
                raise
            slot.keep(answer)
            return answer.provider_id

    def _ask(self, cookie: str) -> str | None:
        try:
            return provider_in(self._rest.get(ME, cookie))
        except SignedOut:
            return None
        except OscarUnavailable as answer:
            if answer.status == HTTPStatus.NOT_FOUND:  # the newest Open-O's word for a session without a provider
                return None
            raise


def provider_in(answer: Any) -> str:
    """The provider id in OSCAR's answer about the signed-in provider. Raises OscarUnavailable where there is none.

    Older ones wrap the provider in an object of its own, or write its number without quotes.
    """
    value = answer
    while isinstance(value, dict) and "providerNo" not in value and len(value) == 1:
        [value] = value.values()
    number = value.get("providerNo") if isinstance(value, dict) else None
    if isinstance(number, int) and not isinstance(number, bool):
        number = str(number)
    if not isinstance(number, str) or not number.strip():
        raise OscarUnavailable
    return number
