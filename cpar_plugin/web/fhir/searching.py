"""Searching: one page at a time, as a Bundle."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import unquote_plus, urlencode

import orjson
from flask import Response, request

from ...fhir_mappings.identifiers import Resource
from ...fhir_mappings.outcome import not_answered
from ...services.clients.read_log import Interaction, PatientRead
from ...services.clients.tokens import StatementWithValues
from ...services.fhir.search.by_identifier import statement_for
from ...services.fhir.search.criteria import kinds_passed
from ...services.fhir.search.page import Page, Position, Searching
from ...services.fhir.search.request import MOST_LINKS, Search, SearchContext, Shape, understand
from ...services.fhir.search.shape import is_included, shaped
from ...services.fhir.search.values import BadSearch
from ...services.fhir.versions import Versioned
from ...services.operations import clinic
from .callers import Callers, require
from .negotiation import strict
from .reading import OF_PATIENTS, ShownPatients, group_body, shown_in
from .routes import Exchange

_IDENTIFIER = re.compile(rb"(?:^|&)identifier=([^&]+)")
_INCLUDED = {"Group": "Patient", "PractitionerRole": "Practitioner", "Practitioner": "PractitionerRole"}


def patients_meant(callers: Callers, kind: str) -> StatementWithValues | None:
    """What a search by one identifier reads, which is the search that systems send most; None for others."""
    meant = _IDENTIFIER.search(request.query_string) if kind == "Patient" else None
    if meant is None:
        return None
    return statement_for(callers.host, callers.settings, unquote_plus(meant[1].decode("ascii", "replace")))


def search(exchange: Exchange, kind: str) -> Response:
    """The requested page of a search: its first, or the one of `_cursor`."""
    require(exchange.caller, kind, "search")
    pairs, position = exchange.pairs, Position(exchange.host.clock.now())
    cursor = next((value for name, value in pairs if name == "_cursor"), None)
    if cursor is not None:
        pairs, position = exchange.cursors.read(kind, cursor)
        restored_at = clinic.restored_at(exchange.connection)
        if restored_at and position.began <= restored_at:
            raise BadSearch("The clinic has restored a backup since this search began. Start it again.")
    query = understand(kind, pairs, _terms(exchange, position.began))
    for passed in {passed for criterion in query.criteria for passed in kinds_passed(criterion)}:
        require(exchange.caller, passed, "search")
    if query.includes:
        require(exchange.caller, _INCLUDED[kind], "read")
    searching = Searching(exchange.connection, exchange.host, exchange.settings, exchange.caller, exchange.along)
    page = searching.page(query, position)
    with_members = kind == "Group" and bool(page.matches) and is_included(kind, "member", query.shape)
    shown = ShownPatients()
    if kind in OF_PATIENTS:
        shown = shown_in(exchange, [*page.matches, *page.included], query.shape)
        patient_ids = shown.patient_ids
        if kind == "Group" and not is_included(kind, "member", query.shape) and not page.included:
            patient_ids = searching.members_meant(query, page)
        read_record = PatientRead(Interaction.SEARCH, kind, patient_ids=patient_ids)
        exchange.note(read_record, reads_on=with_members and shown.held is None)
    head = _head(exchange, query, page, cursor)
    if with_members:
        return exchange.chunks(_with_groups(exchange, query, page, head, shown), shown.held is None)
    entries = [
        *(_entry(exchange.base, versioned, "match", query.shape) for versioned in page.matches),
        *_alongside(exchange, query, page),
    ]
    return exchange.answer({**head, "entry": entries} if entries else head)


def _terms(exchange: Exchange, now: datetime) -> SearchContext:
    settings = exchange.settings
    return SearchContext(
        base=exchange.base,
        zone=exchange.host.clock.zone,
        now=now,
        usual_count=settings.fhir_page_size,
        largest_count=settings.fhir_largest_page if exchange.reads is None else settings.fhir_page_size,
        strict=strict(),
        links=MOST_LINKS,
    )


def _head(exchange: Exchange, query: Search, page: Page, cursor: str | None) -> Resource:
    address = f"{exchange.base}/{query.kind}"
    query_pairs = [("_cursor", cursor)] if cursor is not None else list(query.used)
    links = [{"relation": "self", "url": _with_query(address, query_pairs)}]
    if page.following:
        following = exchange.cursors.written(query.kind, query.used, page.following)
        links.append({"relation": "next", "url": _with_query(address, [("_cursor", following)])})
    head: Resource = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        head["total"] = page.total
    head["link"] = links
    return head


def _with_query(address: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(pairs)}" if pairs else address


def _entry(base: str, versioned: Versioned, mode: str, shape: Shape) -> Resource:
    return {
        "fullUrl": f"{base}/{versioned.kind}/{versioned.resource_id}",
        "resource": orjson.Fragment(shaped(versioned.kind, versioned.text, shape)),
        "search": {"mode": mode},
    }


def _alongside(exchange: Exchange, query: Search, page: Page) -> Iterator[Resource]:
    """What is included, and what was not answered. `_elements` is about what is searched for; `_summary` about all."""
    shape = Shape(query.shape.summary)
    for versioned in page.included:
        yield _entry(exchange.base, versioned, "include", shape)
    if query.unanswered:
        resource = not_answered(query.unanswered)
        yield {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource, "search": {"mode": "outcome"}}


def _with_groups(
    exchange: Exchange, query: Search, page: Page, head: Resource, shown: ShownPatients
) -> Iterator[bytes]:
    """The Bundle with whole Groups, each with its members, a chunk at a time."""
    yield orjson.dumps(head)[:-1] + b',"entry":['
    for position, group in enumerate(page.matches):
        address = orjson.dumps(f"{exchange.base}/Group/{group.resource_id}")
        yield (b"," if position else b"") + b'{"fullUrl":' + address + b',"search":{"mode":"match"},"resource":'
        yield from group_body(exchange, group, query.shape, shown)
        yield b"}"
    for entry in _alongside(exchange, query, page):
        yield b"," + orjson.dumps(entry)
    yield b"]}"
