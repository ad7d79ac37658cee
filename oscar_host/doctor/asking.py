"""One request over HTTP, unchanged: not followed, not rewritten, with a deadline."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from ssl import SSLContext
from typing import Final
from urllib.parse import urlsplit

from cpar_plugin.transport.deadline import connected, within

_SECONDS: Final = 10
_MOST_BYTES: Final = 256 * 1024
FAILURES: Final = (OSError, HTTPException)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back: at most the first 256 KiB."""

    status: int
    headers: HTTPMessage
    text: str


class _Older(HTTPConnection):
    """HTTP/1.0, as nginx speaks it by default: a server then has to write whole addresses in redirects."""

    _http_vsn = 10
    _http_vsn_str = "HTTP/1.0"


class _OlderSecure(_Older, HTTPSConnection):
    pass


def ask(url: str, context: SSLContext, headers: Mapping[str, str] | None = None, *, older: bool = False) -> HttpAnswer:
    """GET the address, whose path and query are sent as they are. Raises one of FAILURES, after 10 seconds at most."""
    parts = urlsplit(url)
    kinds = (_Older, _OlderSecure) if older else (HTTPConnection, HTTPSConnection)
    secure = parts.scheme == "https"
    connection = kinds[1](parts.netloc, context=context) if secure else kinds[0](parts.netloc)
    with closing(connection), within(_SECONDS):
        connection.sock = connected(connection.host, connection.port)
        if secure:
            connection.sock = context.wrap_socket(connection.sock, server_hostname=connection.host)
        connection.request("GET", f"{parts.path}?{parts.query}".rstrip("?"), headers=dict(headers or {}))
        response = connection.getresponse()
        content = b""
        while len(content) < _MOST_BYTES and (chunk := response.read1(_MOST_BYTES)):
            content += chunk
        return HttpAnswer(response.status, response.headers, content.decode(errors="replace"))
