"""One question over HTTP, as it stands: not followed, not rewritten, with a deadline."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from ssl import SSLContext
from typing import Final
from urllib.parse import urlsplit

CONNECT_SECONDS: Final = 5
_SECONDS: Final = 10
_MOST_BYTES: Final = 256 * 1024
FAILURES: Final = (OSError, HTTPException)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: at most the first 256 KiB."""

    status: int
    headers: HTTPMessage
    text: str


class _Older(HTTPConnection):
    """HTTP/1.0, as nginx speaks it where nobody tells it otherwise: a server then has to write redirects whole."""

    _http_vsn = 10
    _http_vsn_str = "HTTP/1.0"


class _OlderSecure(_Older, HTTPSConnection):
    pass


def ask(url: str, context: SSLContext, headers: Mapping[str, str] | None = None, *, older: bool = False) -> Answer:
    """GET the address, whose path and query are sent as they are. Raises one of FAILURES, after 10 seconds at most."""
    parts = urlsplit(url)
    kinds = (_Older, _OlderSecure) if older else (HTTPConnection, HTTPSConnection)
    connection = (
        kinds[1](parts.netloc, timeout=CONNECT_SECONDS, context=context)
        if parts.scheme == "https"
        else kinds[0](parts.netloc, timeout=CONNECT_SECONDS)
    )
    until = time.monotonic() + _SECONDS
    try:
        connection.request("GET", f"{parts.path}?{parts.query}".rstrip("?"), headers=dict(headers or {}))
        response = connection.getresponse()
        content = b""
        while len(content) < _MOST_BYTES and (piece := response.read1(_MOST_BYTES)):
            content += piece
            if time.monotonic() > until:
                raise TimeoutError
        return Answer(response.status, response.headers, content.decode(errors="replace"))
    finally:
        connection.close()
