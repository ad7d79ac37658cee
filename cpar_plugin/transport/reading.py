"""What the other side answers, read piece by piece: it may be long, broken, or nothing of the kind."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import ijson  # type: ignore[import-untyped]
import requests

_CHUNK_BYTES = 64 * 1024
_DETAIL_CHARACTERS = 2000
_ISSUES = 20
_DEPTH = 40
_NOT_JSON = (ijson.JSONError, ValueError, ArithmeticError)  # the last two: numbers that no machine has
# http://hl7.org/fhir/R4/valueset-issue-type.html. Only these words of the other side get into a message.
_ISSUE_CODES = {
    "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden",
    "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long",
    "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
    "exception", "timeout", "incomplete", "throttled", "informational",
}  # fmt: skip


class TooLongError(Exception):
    """The answer is longer, or takes longer, than any that makes sense."""


def limited(response: requests.Response, *, most: int, seconds: float) -> Iterator[bytes]:
    """The answer's bytes as they come. Raises TooLongError beyond `most` bytes (unpacked) or `seconds`."""
    deadline = time.monotonic() + seconds
    length = 0
    # read1 returns what is there: against an answer that drips, a whole chunk would wait past every deadline.
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        length += len(chunk)
        if length > most or time.monotonic() > deadline:
            raise TooLongError
        yield chunk


@dataclass
class TransactionResponse:
    """What there is in an answer to a transaction."""

    is_one: bool = False
    bundle_id: str | None = None
    entries: int = 0
    accepted: int = 0  # entries with a status of 2xx

    def accepts(self, sent: int) -> bool:
        """Whether it says, without a doubt, that each of the entries sent was taken."""
        return self.is_one and self.entries == self.accepted == sent


def transaction_response(chunks: Iterator[bytes]) -> TransactionResponse | None:
    """What the answer says; None when it is not JSON or not complete. The memory does not grow with its entries."""
    found = TransactionResponse()
    resource_type = bundle_type = None
    try:
        for path, value in _walk(chunks):
            if value is None:
                found.entries += path == "entry.item"
            elif path == "entry.item.response.status":
                found.accepted += value[:1] == "2" and value[:3].isdigit()
            elif path == "resourceType":
                resource_type = value
            elif path == "type":
                bundle_type = value
            elif path == "id":
                found.bundle_id = value[:64]
    except _NOT_JSON:
        return None
    found.is_one = (resource_type, bundle_type) == ("Bundle", "transaction-response")
    return found


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
    found = OperationOutcome()
    issues = 0
    try:
        for path, value in _walk(chunks):
            if value is None:
                issues += path == "issue.item"
                if issues > _ISSUES:
                    break
            elif path == "issue.item.code" and value in _ISSUE_CODES and value not in found.codes:
                found.codes.append(value)
            elif path in ("issue.item.diagnostics", "issue.item.details.text", "issue.item.expression.item"):
                found.words.append(value[:_DETAIL_CHARACTERS])
    except (*_NOT_JSON, TooLongError):
        pass  # a refusal stays one whatever its body is
    return found


def _walk(chunks: Iterator[bytes]) -> Iterator[tuple[str, str | None]]:
    """Each text with its path (`entry.item.response.status`), and each object's beginning with None."""
    path: list[str] = []
    for event, value in ijson.basic_parse(ijson.from_iter(chunks)):
        if event == "map_key":
            path[-1] = value
        elif event == "string":
            yield ".".join(path), value
        elif event == "start_map":
            yield ".".join(path), None
            path.append("")
        elif event == "start_array":
            path.append("item")
        elif event in ("end_map", "end_array"):
            path.pop()
        if len(path) > _DEPTH:
            raise ijson.JSONError("nested too deeply")
