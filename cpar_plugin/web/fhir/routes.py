"""How every address of the FHIR interface is served: who asks, in which form, and what a refusal looks like."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from http import HTTPMethod, HTTPStatus
from typing import Any

import orjson
from flask import Response, current_app, request
from sqlalchemy import Connection
from werkzeug.wrappers import Request

from ...fhir_mappings.outcome import IssueType
from ...hooks import Host
from ...services.clients.caller import Caller
from ...services.clients.read_log import PatientRead
from ...services.clients.tokens import NOTHING_ALONG, ReadAlong, StatementWithValues
from ...services.fhir.search.cursor import Cursors
from ...services.fhir.search.request import Pairs
from ...settings import Settings
from .addresses import base_url, own_url
from .callers import Callers
from .negotiation import content_type, parameters
from .refusals import Refusal, refused

LARGEST_REQUEST = 32 * 1024
_NO_ID = re.compile(r"\$[A-Za-z-]{2,}|_history")  # an operation on, or the history of, a kind
METHODS = (*HTTPMethod, "QUERY")  # all that there are: what this interface does not do is refused in FHIR


@dataclass(frozen=True)
class Exchange:
    """One request that may proceed: who sent it, and what is needed to answer it.

    All is read on one connection. `open` closes it when the view is done, or when a streamed answer has been sent.
    """

    callers: Callers
    caller: Caller
    pairs: Pairs
    content_type: str
    connection: Connection
    open: ExitStack
    request: Request  # of a batch: what one of its entries stands for
    along: ReadAlong = NOTHING_ALONG  # by the route's `along`
    reads: list[PatientRead] | None = None  # of a batch: what is to be recorded with other entries

    @property
    def host(self) -> Host:
        return self.callers.host

    @property
    def settings(self) -> Settings:
        return self.callers.settings

    @cached_property
    def base(self) -> str:
        """The address of the interface, without a slash at its end.

        For a person it is the one that was asked: to another the browser does not send the cookie.
        """
        return base_url(self.settings) if self.caller.client_id else own_url()

    @cached_property
    def cursors(self) -> Cursors:
        """What makes and reads the addresses of further pages."""
        return cursors_of_the_application()

    def note(self, read: PatientRead, *, reads_on: bool) -> None:
        """Leave a record of a read of patients, before they are given out. Raises Unavailable when none can be left.

        Unless it `reads_on`, as for an answer that is streamed, the connection then sees a later state of the data.
        """
        if self.reads is None:
            self.callers.note_all(self.caller, [read], None if reads_on else self.connection)
        else:
            self.reads.append(read)

    def answer(self, body: object, headers: dict[str, str] | None = None) -> Response:
        """A resource as the answer."""
        return json_answer(body, self.content_type, headers)

    def chunks(self, chunks: Iterator[bytes], reads_on: bool, headers: dict[str, str] | None = None) -> Response:
        """An answer in chunks, which is sent as it is read where it `reads_on`.

        Otherwise it is not put together either: to copy what is as long as a panel takes as long as a question.
        """
        if reads_on:
            return self.stream(chunks, headers)
        return Response(list(chunks), headers=headers, content_type=self.content_type)

    def stream(self, chunks: Iterator[bytes], headers: dict[str, str] | None = None) -> Response:
        """An answer that is read while it is sent. The connection is closed at its end, however it ends."""
        answer = Response(chunks, headers=headers, content_type=self.content_type)
        answer.call_on_close(self.open.pop_all().close)
        return answer


View = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class FhirRoute:
    """An address, and the view that answers it: it is called with the exchange and the parts of the address.

    `form` derives the form of the answer from the request's parameters and headers, or raises a Refusal. `posts_form`:
    the body of a POST is a form with further parameters. `along`: what is read in the statement that says who
    asks, of the callers and the parts of the address.
    """

    path: str
    view: View
    methods: tuple[str, ...] = ("GET", "HEAD")
    form: Callable[[Pairs], str] = content_type
    posts_form: bool = False
    largest: int = LARGEST_REQUEST  # bytes
    along: Callable[..., StatementWithValues | None] | None = None


def serve(callers: Callers, route: FhirRoute, **arguments: Any) -> Response:
    """Answer one request, for callers who are known. Every error becomes an OperationOutcome."""
    try:
        request.max_content_length = route.largest
        with ExitStack() as open_:
            connection = open_.enter_context(callers.host.database.engine.connect())
            statement = route.along(callers, **arguments) if route.along else None
            caller, rows = callers.caller_and_rows(connection, statement)
            refuse_operation(arguments.get("resource_id", ""))
            if request.method not in route.methods:
                raise wrong_method(*route.methods)
            pairs = parameters(form=route.posts_form)
            along = ReadAlong(statement, rows)
            exchange = Exchange(callers, caller, pairs, route.form(pairs), connection, open_, request, along)
            return route.view(exchange, **arguments)
    except Exception as error:
        return refused(error)


def json_answer(body: object, content_type: str, headers: dict[str, str] | None = None) -> Response:
    """A resource as the answer."""
    return Response(orjson.dumps(body), headers=headers, content_type=content_type)


def wrong_method(*allowed: str) -> Refusal:
    """What is not done at this address."""
    message = f"This URL supports only {', '.join(allowed)}."
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, IssueType.NOT_SUPPORTED, message, Allow=", ".join(allowed))


def refuse_operation(resource_id: str) -> None:
    """Raises Refusal for an operation on, or the history of, a kind: FHIR has them where an id could be."""
    if _NO_ID.fullmatch(resource_id):
        raise not_done()


def not_done() -> Refusal:
    """What FHIR has, but this server has not: its history, other operations."""
    message = (
        "This server only supports read, vread (of the current version), search, batches of these, $export, "
        "$confirm, and subscriptions."
    )
    return Refusal(HTTPStatus.NOT_IMPLEMENTED, IssueType.NOT_SUPPORTED, message)


def cursors_of_the_application() -> Cursors:
    """One for each application. Its secret is the same in all its processes, or no session would last either."""
    cursors: Cursors | None = current_app.extensions.get("cpar_fhir_cursors")
    if cursors is None:
        secret = current_app.secret_key
        if not secret:
            raise RuntimeError("the application has no secret key")
        cursors = current_app.extensions["cpar_fhir_cursors"] = Cursors(secret)
    return cursors
