"""Our definitions, read and searched: open to everyone, for a validator asks for them by their canonical addresses."""

from urllib.parse import urlencode

from flask import Response, request

from ...fhir_mappings.identifiers import Resource
from ...fhir_mappings.outcome import not_answered
from ...services.fhir.definitions import Definitions
from .addresses import base_url
from .callers import Callers
from .negotiation import content_type, parameters, strict
from .routes import LARGEST_REQUEST, Exchange, json_answer, refuse_operation, wrong_method


def read_definition(callers: Callers, definitions: Definitions, kind: str, definition_id: str) -> Response:
    """A definition of ours."""
    refuse_operation(definition_id)
    _require_method("GET", "HEAD")
    return json_answer(definitions.read(kind, definition_id), content_type(parameters()))


def definition_in_batch(definitions: Definitions, exchange: Exchange, kind: str, definition_id: str) -> Response:
    """The same as an entry of a batch."""
    return exchange.answer(definitions.read(kind, definition_id))


def search_definitions(callers: Callers, definitions: Definitions, kind: str) -> Response:
    """A page of a search for definitions, as a Bundle."""
    _require_method("GET", "HEAD")
    return _page(callers, definitions, kind, form=False)


def post_search_of_definitions(callers: Callers, definitions: Definitions, kind: str) -> Response:
    """The same, with parameters in a posted form."""
    request.max_content_length = LARGEST_REQUEST
    _require_method("POST")
    return _page(callers, definitions, kind, form=True)


def _require_method(*methods: str) -> None:
    if request.method not in methods:
        raise wrong_method(*methods)


def _page(callers: Callers, definitions: Definitions, kind: str, *, form: bool) -> Response:
    pairs = parameters(form=form)
    media_type = content_type(pairs)
    page = definitions.search(kind, pairs, strict=strict())
    base = base_url(callers.settings)
    address = f"{base}/{kind}"
    start = [pair for pair in pairs if pair[0] == "_cursor"]
    links = [{"relation": "self", "url": _with_query(address, [*page.used, *start])}]
    if page.following is not None:
        following = _with_query(address, [*page.used, ("_cursor", str(page.following))])
        links.append({"relation": "next", "url": following})
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": page.total, "link": links}
    entries = [
        {"fullUrl": f"{address}/{one['id']}", "resource": one, "search": {"mode": "match"}} for one in page.resources
    ]
    if page.unanswered:
        outcome = not_answered(page.unanswered)
        entries.append({"fullUrl": f"urn:uuid:{outcome['id']}", "resource": outcome, "search": {"mode": "outcome"}})
    if entries:
        bundle["entry"] = entries
    return json_answer(bundle, media_type)


def _with_query(address: str, pairs: list[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(pairs)}" if pairs else address
