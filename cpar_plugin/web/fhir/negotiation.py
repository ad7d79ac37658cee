"""What a request asks for: its parameters, and the form of the answer."""

from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import parse_qsl

from flask import request
from werkzeug.http import parse_accept_header, parse_dict_header, parse_options_header

from ...fhir_mappings.outcome import IssueType
from ...services.fhir.search.request import MOST_PARAMETERS, Pairs, check_size
from .refusals import Refusal

FHIR_JSON = "application/fhir+json"
FORMATS = (FHIR_JSON, "json")  # as the CapabilityStatement names them
FORM = "application/x-www-form-urlencoded"
_CHARSET = "; charset=utf-8"
_JSON = ("json", "application/json", "text/json", FHIR_JSON, "application/fhir json")  # a plus is a space in a query
_ANY = ("*/*", "application/*")


def parameters(*, form: bool = False) -> Pairs:
    """The parameters in the address, and in a posted form. Raises Refusal for another body, BadSearch for too many."""
    texts = [request.query_string]
    if form:
        body = request.get_data()
        if body and request.mimetype != FORM:
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, IssueType.NOT_SUPPORTED, f"Send the search as {FORM}.")
        texts.append(body)
    return parameters_in(texts)


def parameters_in(texts: Sequence[bytes]) -> Pairs:
    """The parameters in queries and forms."""
    pairs: list[tuple[str, str]] = []
    for text in texts:
        if text.count(b"&") > 2 * MOST_PARAMETERS:
            raise Refusal(HTTPStatus.BAD_REQUEST, IssueType.TOO_LONG, "There are too many parameters.")
        try:
            pairs += parse_qsl(text.decode(), keep_blank_values=True, errors="strict")
        except UnicodeDecodeError:
            raise Refusal(HTTPStatus.BAD_REQUEST, IssueType.INVALID, "Send parameters in UTF-8.") from None
    check_size([pair for pair in pairs if pair[0] != "_cursor"])
    return pairs


def content_type(pairs: Pairs) -> str:
    """The form of the answer, after `_format` and Accept. Raises Refusal (406) for all but JSON."""
    requested = next((value for name, value in pairs if name == "_format"), None)
    media_type = _of_format(requested) if requested else _of_accept(request.headers.get("Accept", "*/*"))
    if media_type is None:
        raise Refusal(
            HTTPStatus.NOT_ACCEPTABLE,
            IssueType.NOT_SUPPORTED,
            f"Responses are only available as {FHIR_JSON} (FHIR 4.0).",
        )
    return media_type + _CHARSET


def strict() -> bool:
    """Whether unknown parameters are to be refused."""
    return preferences().get("handling") == "strict"


def preferences() -> dict[str, str]:
    """What `Prefer` asks for, in lower case, each with its value: `{"respond-async": "", "handling": "strict"}`.

    RFC 7240: names in any case, values quoted or not. Semicolons, which separate a preference from its own
    parameters there, are taken as commas: clients separate preferences by them.
    """
    header = ",".join(request.headers.getlist("Prefer")).replace(";", ",").lower()
    return {name: value or "" for name, value in parse_dict_header(header).items()}


def _of_format(media_type: str) -> str | None:
    return FHIR_JSON if media_type.partition(";")[0].strip().lower() in _JSON else None


@lru_cache(256)
def _of_accept(header: str) -> str | None:
    media_type, best_quality = None, 0.0
    for accepted, quality in parse_accept_header(header[:1000].lower()):
        name, options = parse_options_header(accepted)
        other_version = name == FHIR_JSON and options.get("fhirversion", "4.0") not in ("4.0", "4.0.1")
        if quality > best_quality and (name in _JSON or name in _ANY) and not other_version:
            media_type, best_quality = ("application/json" if name == "application/json" else FHIR_JSON), quality
    return media_type
