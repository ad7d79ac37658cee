"""OperationOutcome: how the FHIR interface says no."""

from enum import StrEnum

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
