"""What the fleet itself answers, where no clinic's application can."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import orjson
from markupsafe import escape

from cpar_plugin.fhir_mappings.outcome import IssueType, outcome
from cpar_plugin.host_kit.application import CONTENT_SECURITY_POLICY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_AGAIN_SECONDS: Final = 10
_TEXTS: Final = {
    HTTPStatus.NOT_FOUND: (
        IssueType.NOT_FOUND,
        "Page not found",
        "Check the address. It begins with the address of your clinic.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        IssueType.TRANSIENT,
        "These pages are not available",
        "Try again later. If it remains so, notify those who operate this service.",
    ),
}
_BUSY: Final = (IssueType.THROTTLED, "Too much is happening at a time", "Try again in a moment.")
_PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title></head>'
    "<body><main><h1>{title}</h1><p>{message}</p></main></body></html>"
)


def page(environ: "WSGIEnvironment", start_response: "StartResponse", status: HTTPStatus) -> Iterable[bytes]:
    """A plain page, or an OperationOutcome for a program. It says nothing of what is wrong."""
    return _answer(environ, start_response, status, *_TEXTS[status])


def busy(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """That there is no room at the moment."""
    return _answer(environ, start_response, HTTPStatus.SERVICE_UNAVAILABLE, *_BUSY)


def _answer(
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
    status: HTTPStatus,
    code: IssueType,
    title: str,
    say: str,
) -> Iterable[bytes]:
    if "/fhir/" in f"{environ.get('PATH_INFO', '')}/":
        body, kind = orjson.dumps(outcome(code, f"{title}. {say}")), "application/fhir+json"
    else:
        body, kind = _PAGE.format(title=escape(title), message=escape(say)).encode(), "text/html; charset=utf-8"
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("Retry-After", str(_AGAIN_SECONDS)))
    start_response(f"{status.value} {status.phrase}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
