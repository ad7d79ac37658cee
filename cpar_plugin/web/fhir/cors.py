"""Which web pages may read our answers in a browser (CORS): those that are registered with the client.

https://fetch.spec.whatwg.org/#http-cors-protocol
A program in a web page calls with its own token; a browser adds no cookie, as none is ever allowed here.
"""

from http import HTTPStatus

from flask import Response, g, request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ...services.clients.origins import clients_with

METHODS_OF_PAGES = ("GET", "HEAD", "POST", "PUT", "DELETE")
ALLOWED_HEADERS = ("Authorization", "Accept", "Prefer", "If-None-Match", "If-Modified-Since", "Content-Type")
EXPOSED_HEADERS = ("ETag", "Last-Modified", "Content-Location", "Retry-After", "X-Progress")
_REQUESTED_METHOD = "Access-Control-Request-Method"
KEPT_SECONDS = 600  # for so long a browser does not ask again


def note_caller(client_id: str) -> None:
    """Remember for this request which client has proved who it is; '' for a person."""
    g.cpar_fhir_client = client_id


def is_preflight() -> bool:
    """Whether a browser asks beforehand what a page of another origin may send."""
    return request.method == "OPTIONS" and "Origin" in request.headers and _REQUESTED_METHOD in request.headers


def preflight() -> Response:
    """What such a page may send. Only with the headers of `allow` it is allowed to."""
    headers = {
        "Access-Control-Allow-Methods": ", ".join(METHODS_OF_PAGES),
        "Access-Control-Allow-Headers": ", ".join(ALLOWED_HEADERS),
        "Access-Control-Max-Age": str(KEPT_SECONDS),
    }
    return Response(status=HTTPStatus.NO_CONTENT, headers=headers)


def is_registered(engine: Engine) -> bool:
    """Whether this request may come from the page that it comes from.

    While it is not known which client it is, the page of any will do: it has to read why it was refused.
    """
    try:
        with engine.connect() as connection:
            clients = clients_with(connection, request.headers["Origin"])
    except SQLAlchemyError:  # the answer says so already, or needs no database
        return False
    caller: str | None = g.get("cpar_fhir_client")
    return bool(clients) if caller is None else caller in clients


def allow(engine: Engine, response: Response) -> None:
    """Let the page that has asked read the answer, if it is registered."""
    response.vary.add("Origin")
    if "Origin" not in request.headers or not is_registered(engine):
        return
    response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
    response.headers["Access-Control-Expose-Headers"] = ", ".join(EXPOSED_HEADERS)
