"""What nginx answers in our place, in our words: by the status, for people and for programs."""

from types import MappingProxyType
from typing import Final, NamedTuple

from cpar_plugin.fhir_mappings.outcome import IssueType


class RefusalText(NamedTuple):
    """A title and what to do, for a page; for the FHIR interface the kind of issue with the same words."""

    code: IssueType
    title: str
    message: str


_AWAY: Final = RefusalText(
    IssueType.TRANSIENT, "CPAR is not available", "CPAR is currently not available. Try again in a moment."
)

REFUSALS: Final = MappingProxyType(
    {
        400: RefusalText(
            IssueType.INVALID,
            "Bad request",
            "The request could not be read. Percent-encode spaces and non-ASCII characters in the URL.",
        ),
        405: RefusalText(IssueType.NOT_SUPPORTED, "Method not allowed", "This method is not supported here."),
        408: RefusalText(IssueType.TIMEOUT, "Request timeout", "The request was not completed in time. Send it again."),
        413: RefusalText(IssueType.TOO_LONG, "Request too large", "The request is too large. Send less at a time."),
        414: RefusalText(
            IssueType.TOO_LONG,
            "URL too long",
            "The URL is too long. Request less at a time. A search can also be sent with POST to _search.",
        ),
        431: RefusalText(
            IssueType.TOO_LONG,
            "Headers too large",
            "The headers are too large. In a browser, delete this site's cookies, then sign in again.",
        ),
        500: RefusalText(
            IssueType.EXCEPTION,
            "Something went wrong",
            "Something went wrong on our side. Try again; if this persists, contact your EMR administrator.",
        ),
        501: RefusalText(IssueType.NOT_SUPPORTED, "Not implemented", "This kind of request is not supported here."),
        502: _AWAY,
        503: _AWAY,
        504: RefusalText(
            IssueType.TIMEOUT,
            "This took too long",
            "No response in time. Your request may have been completed: check before you send it again.",
        ),
        505: RefusalText(IssueType.NOT_SUPPORTED, "HTTP version not supported", "Use HTTP/1.1 or HTTP/2."),
    }
)
FLEET_REFUSALS: Final = MappingProxyType(
    {
        **REFUSALS,
        429: RefusalText(
            IssueType.THROTTLED, "Too many requests", "Too many requests came from this address. Try again in a moment."
        ),
    }
)
