"""What the other side answers, read piece by piece: it may be long, broken, or nothing of the kind."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import requests

from .connection import NETWORK_ERRORS
from .json_members import members

_CHUNK_BYTES = 64 * 1024
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_DETAIL_CHARACTERS = 2000
_ISSUES = 20
# http://hl7.org/fhir/R4/valueset-issue-type.html. Only these words of the other side get into a message.
_ISSUE_CODES = {
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden",
    "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long",
    "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
    "exception", "timeout", "incomplete", "throttled", "informational",
}  # fmt: skip


class TooLongError(Exception):
    """The answer is longer than any that makes sense."""


def limited(response: requests.Response, *, most: int) -> Iterator[bytes]:
    """The answer's bytes as they come. Raises TooLongError beyond `most` bytes (unpacked)."""
    length = 0
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        length += len(chunk)
        if length > most:
            raise TooLongError
        yield chunk


@dataclass
class TransactionResponse:
    """What there is in an answer to a transaction."""

    is_response: bool = False
    bundle_id: str | None = None
    entries: int = 0
    accepted: int = 0  # entries with a status of 2xx

    def accepts(self, sent: int) -> bool:
        """Whether it says, without a doubt, that each of the entries sent was taken."""
        return self.is_response and self.entries == self.accepted == sent


def transaction_response(chunks: Iterator[bytes]) -> TransactionResponse | None:
    """What the answer says; None when it is not JSON or not complete. The memory does not grow with its entries."""
    result = TransactionResponse()
    single: dict[str, Any] = {}
    try:
        for name, value in members(chunks):
            if name == "entry":
                result.entries += 1
                result.accepted += _status(value)[:1] == "2"
            elif name in ("resourceType", "type", "id"):
                single[name] = value
    except ValueError:
        return None
    result.is_response = (single.get("resourceType"), single.get("type")) == ("Bundle", "transaction-response")
    bundle_id = single.get("id")
    result.bundle_id = bundle_id if isinstance(bundle_id, str) and _ID.fullmatch(bundle_id) else None
    return result


def _status(entry: Any) -> str:
    response = entry.get("response") if isinstance(entry, dict) else None
    status = response.get("status") if isinstance(response, dict) else None
    return status if isinstance(status, str) and status[:3].isdigit() else ""


@dataclass
class OperationOutcome:
    """What there is in a refusal: codes of the standard, and words that may name a patient."""

    codes: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def detail(self) -> str:
        """The words in one line, printable, shortened."""
        text = " ".join("; ".join(self.words).split())
        printable = "".join(character if character.isprintable() else "?" for character in text)
        return printable if len(printable) <= _DETAIL_CHARACTERS else printable[: _DETAIL_CHARACTERS - 1] + "…"


def operation_outcome(chunks: Iterator[bytes]) -> OperationOutcome:
    """Its first issues, or as many as can be read of what is there."""
    outcome = OperationOutcome()
    try:
        issues = (value for name, value in members(chunks) if name == "issue" and isinstance(value, dict))
        for issue in islice(issues, _ISSUES):
            code = issue.get("code")
            if isinstance(code, str) and code in _ISSUE_CODES and code not in outcome.codes:
                outcome.codes.append(code)
            outcome.words += _words(issue)
    except (ValueError, TooLongError, *NETWORK_ERRORS):
        pass  # a refusal stays one whatever its body is
    return outcome


def _words(issue: dict[str, Any]) -> Iterator[str]:
    details, expressions = issue.get("details"), issue.get("expression")
    texts = [issue.get("diagnostics"), details.get("text") if isinstance(details, dict) else None]
    for text in texts + (expressions if isinstance(expressions, list) else []):
        if isinstance(text, str):
            yield text[:_DETAIL_CHARACTERS]
