"""How long a connection is kept for the next request of its client, and how the client gets to know that.

A client that may use its connection again saves the round trips of TCP and TLS. One that uses it just when the server
closes it has a request without an answer; so it is kept a little longer than announced.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ANNOUNCED_SECONDS: Final = 75
KEPT_SECONDS: Final = ANNOUNCED_SECONDS + 5


class AnnounceKeepAlive:
    """Around an application that gunicorn serves without a proxy before it: each answer says `Keep-Alive: timeout=75`.

    gunicorn drops this header where an application sends it, since it is about the connection; so it is added to
    gunicorn's own headers, where gunicorn keeps the connection. Another server gets no header.
    """

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer, and announce."""

        def begin(status: str, headers: list[tuple[str, str]], error: Any = None, /) -> Any:
            write = start_response(status, headers, error)
            answer = getattr(start_response, "__self__", None)  # gunicorn.http.wsgi.Response
            if answer is not None and hasattr(answer, "should_close") and not answer.should_close():
                answer.headers.append(("Keep-Alive", f"timeout={ANNOUNCED_SECONDS}"))
            return write

        return self._application(environ, begin)
