"""What nginx answers in our place, in our words: by the status, for people and for programs."""

from types import MappingProxyType
from typing import Final, NamedTuple

from cpar_plugin.fhir_mappings.outcome import IssueType


class Told(NamedTuple):
    """A title and what to do, for a page; for the FHIR interface the kind of issue with the same words."""

    code: IssueType
    title: str
    message: str


_AWAY: Final = Told(
    IssueType.TRANSIENT, "CPAR is not available", "CPAR is not available just now. Try again in a moment."
)

REFUSALS: Final = MappingProxyType(
    {
        400: Told(
            IssueType.INVALID,
            "Bad request",
            "The request could not be read. In an address, blanks and letters outside of ASCII are written as %-codes.",
        ),
        405: Told(IssueType.NOT_SUPPORTED, "Method not allowed", "This method is not supported here."),
        408: Told(IssueType.TIMEOUT, "Request timeout", "The request did not come to an end. Send it once more."),
        413: Told(IssueType.TOO_LONG, "Request too large", "The request is too large. Send less at once."),
        414: Told(
            IssueType.TOO_LONG,
            "Address too long",
            "The address is too long. Ask for less at once. A search can also be sent with POST, to _search.",
        ),
        431: Told(
            IssueType.TOO_LONG,
            "Headers too large",
            "The headers are too large. In a browser, delete the cookies of this site, then sign in again.",
        ),
        500: Told(
            IssueType.EXCEPTION,
            "Something went wrong",
            "This did not work, and it is our fault. Try again; if it stays so, tell whoever looks after the EMR.",
        ),
        501: Told(IssueType.NOT_SUPPORTED, "Not implemented", "This kind of request is not supported here."),
        502: _AWAY,
        503: _AWAY,
        504: Told(
            IssueType.TIMEOUT,
            "It took too long",
            "No answer came in time. What was asked for may have been done: look before you send it once more.",
        ),
        505: Told(IssueType.NOT_SUPPORTED, "HTTP version not supported", "Use HTTP/1.1 or HTTP/2."),
    }
)
