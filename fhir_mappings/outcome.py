"""OperationOutcome: how the FHIR interface says no, and what it has not answered."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import NAMESPACE_OID, uuid5

from .identifiers import Resource


class IssueType(StrEnum):
    """What went wrong (FHIR's IssueType, those that occur here)."""

    INVALID = "invalid"
    STRUCTURE = "structure"
    VALUE = "value"
    TOO_LONG = "too-long"
    LOGIN = "login"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    DELETED = "deleted"
    NOT_SUPPORTED = "not-supported"
    BUSINESS_RULE = "business-rule"
    THROTTLED = "throttled"
    TRANSIENT = "transient"
    TIMEOUT = "timeout"
    EXCEPTION = "exception"


def outcome(code: IssueType, text: str) -> Resource:
    """One error in words that say what to do. Never patient data."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code.value, "diagnostics": text}],
    }


def not_answered(names: Sequence[str]) -> Resource:
    """What a search was asked and does not answer, by the names of its parameters: warnings, one for each."""
    texts = [f"{name} is not supported and was ignored: what it asks for is not in this answer." for name in names]
    return {
        "resourceType": "OperationOutcome",
        "id": str(uuid5(NAMESPACE_OID, "\n".join(texts))),
        "issue": [
            {"severity": "warning", "code": IssueType.NOT_SUPPORTED.value, "diagnostics": text} for text in texts
        ],
    }
