"""A batch of reads: a Bundle of GETs, posted to the interface's own address, answered one by one in one answer.

Each is authorized, and recorded as a read, as if it had been sent alone: https://hl7.org/fhir/R4/http.html#transaction.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from typing import Any

import orjson
from flask import Response, request, stream_with_context
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date
from werkzeug.routing import Map, Rule
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from ...fhir_mappings.outcome import IssueType
from ...fhir_mappings.panel_group import instant
from ...services.clients.read_log import PatientRead
from .callers import Unavailable
from .negotiation import FHIR_JSON, parameters_in
from .refusals import Refusal, refused
from .routes import Exchange, FhirRoute

MOST_ENTRIES = 1000
LARGEST_BATCH = 1024 * 1024  # bytes
_AT_ONCE = 50  # answered, and recorded together, before they are sent
_READING = ("GET", "HEAD")


class Batched:
    """The view of batches. `routes` lead to what can be read in one."""

    __name__ = "batch"

    def __init__(self, routes: Map) -> None:
        self._routes = routes

    def __call__(self, exchange: Exchange) -> Response:
        """Answers in the order of the requests. Raises Refusal for what is no batch."""
        entries = _entries()
        return exchange.stream(stream_with_context(self._answers(exchange, entries)))

    def _answers(self, exchange: Exchange, entries: Sequence[Any]) -> Iterator[bytes]:
        yield b'{"resourceType":"Bundle","type":"batch-response"'
        before, waiting = b',"entry":[', iter(entries)
        while some := list(islice(waiting, _AT_ONCE)):
            for answer in self._answered(exchange, some):
                yield before
                yield from _as_entry(*answer)
                before = b","
        yield b"]}" if entries else b"}"

    def _answered(self, exchange: Exchange, entries: Sequence[Any]) -> list[tuple[Response, bool]]:
        """Each with whether its body is sent. Nothing is read that cannot be recorded."""
        answers = list[tuple[Response, bool]]()
        reads = list[PatientRead]()
        noted = list[int]()
        for place, entry in enumerate(entries):
            before = len(reads)
            answers.append(self._answer(exchange, entry, reads))
            if len(reads) > before:
                noted.append(place)
        try:
            exchange.callers.note_all(exchange.caller, reads)
        except Unavailable as unavailable:
            for place in noted:
                answers[place] = refused(unavailable), True
        return answers

    def _answer(self, exchange: Exchange, entry: Any, reads: list[PatientRead]) -> tuple[Response, bool]:
        try:
            sent = _request(entry, exchange.base)
            route, arguments = self._matched(sent)
            pairs = parameters_in([sent.query_string])
            own = replace(
                exchange, pairs=pairs, content_type=route.form(pairs), request=sent, reads=reads, open=ExitStack()
            )
            return route.view(own, **arguments), sent.method == "GET"
        except Exception as error:
            return refused(error), True

    def _matched(self, sent: Request) -> tuple[FhirRoute, dict[str, Any]]:
        try:
            return self._routes.bind("batch").match(sent.path, "GET")  # type: ignore[return-value]
        except HTTPException:
            message = "A batch can read, vread (the current version), and search: unknown URL or resource type."
            raise Refusal(HTTPStatus.NOT_FOUND, IssueType.NOT_FOUND, message) from None


def batched(routes: Sequence[tuple[FhirRoute, dict[str, str]]]) -> Batched:
    """What answers batches of these."""
    rules = (Rule(route.path, endpoint=route, defaults=arguments) for route, arguments in routes)
    return Batched(Map(list(rules), strict_slashes=False, merge_slashes=False))


def _entries() -> list[Any]:
    if request.mimetype not in (FHIR_JSON, "application/json"):
        message = f"Post a batch as a Bundle, {FHIR_JSON}."
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, IssueType.NOT_SUPPORTED, message)
    try:
        bundle = orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        raise Refusal(HTTPStatus.BAD_REQUEST, IssueType.STRUCTURE, "The body is not JSON in UTF-8.") from None
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise Refusal(HTTPStatus.BAD_REQUEST, IssueType.STRUCTURE, "Post a Bundle of the type batch.")
    if bundle.get("type") == "transaction":
        message = "This server does not support transactions. Send the reads as a Bundle of the type batch."
        raise Refusal(HTTPStatus.NOT_IMPLEMENTED, IssueType.NOT_SUPPORTED, message)
    entries = bundle.get("entry", [])
    if bundle.get("type") != "batch" or not isinstance(entries, list):
        raise Refusal(HTTPStatus.BAD_REQUEST, IssueType.VALUE, "Post a Bundle of the type batch.")
    if len(entries) > MOST_ENTRIES:
        message = f"A batch can have at most {MOST_ENTRIES} entries. Send several."
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, IssueType.TOO_LONG, message)
    return entries


def _request(entry: Any, base: str) -> Request:
    """The request that an entry stands for. Raises Refusal for what is none, or would write."""
    sent = entry.get("request") if isinstance(entry, dict) else None
    method, url = (sent.get("method"), sent.get("url")) if isinstance(sent, dict) else (None, None)
    if not isinstance(sent, dict) or not isinstance(method, str) or not isinstance(url, str):
        raise Refusal(HTTPStatus.BAD_REQUEST, IssueType.STRUCTURE, "Give each entry request.method and request.url.")
    if method not in _READING:
        message = "A batch only reads here: send GET. Nothing was changed."
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, IssueType.NOT_SUPPORTED, message)
    path, _, query = url.removeprefix(base).lstrip("/").partition("?")
    try:
        headers = Headers()
        if "ifNoneMatch" in sent:
            headers["If-None-Match"] = str(sent["ifNoneMatch"])
        elif "ifModifiedSince" in sent:
            headers["If-Modified-Since"] = http_date(datetime.fromisoformat(str(sent["ifModifiedSince"])))
        return Request(EnvironBuilder(f"/{path}", method=method, query_string=query, headers=headers).get_environ())
    except ValueError:
        raise Refusal(HTTPStatus.BAD_REQUEST, IssueType.VALUE, "An entry's request cannot be understood.") from None


def _as_entry(answer: Response, has_body: bool) -> Iterator[bytes]:
    """An entry of the answer, a chunk at a time: the resource, or why there is none."""
    try:
        response: dict[str, Any] = {"status": answer.status}
        if etag := answer.headers.get("ETag"):
            response["etag"] = etag
        if answer.last_modified:
            response["lastModified"] = instant(answer.last_modified.astimezone(UTC))
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            response["outcome"] = orjson.Fragment(answer.get_data())
        elif has_body and answer.status_code == HTTPStatus.OK:
            yield b'{"resource":'
            yield from answer.iter_encoded()
            yield b',"response":' + orjson.dumps(response) + b"}"
            return
        yield orjson.dumps({"response": response})
    finally:
        answer.close()
