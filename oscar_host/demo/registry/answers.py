"""The registry's answers in FHIR."""

import uuid
from collections.abc import Sequence

import orjson

from .elements import Issue
from .store import Receipt

FHIR_JSON = "application/fhir+json"
_MOST_ISSUES = 20


def transaction_response(keys: Sequence[str], receipt: Receipt) -> bytes:
    """A Bundle with one entry for each sent: 201 where the resource is new, 200 where it was known."""
    entries = []
    for key, previous in zip(keys, receipt.versions, strict=True):
        kind = key.partition("?")[0]
        version = max(previous, 1)
        entries.append(
            {
                "response": {
                    "status": "200 OK" if previous else "201 Created",
                    "location": f"{kind}/{uuid.uuid5(uuid.NAMESPACE_URL, key)}/_history/{version}",
                    "etag": f'W/"{version}"',
                    "lastModified": receipt.at,
                }
            }
        )
    return orjson.dumps(
        {"resourceType": "Bundle", "id": receipt.receipt, "type": "transaction-response", "entry": entries}
    )


def operation_outcome(issues: Sequence[Issue]) -> bytes:
    """An OperationOutcome with the first issues, each with the expression at fault, and how many more there are."""
    details = [_issue(issue) for issue in issues[:_MOST_ISSUES]]
    if len(issues) > _MOST_ISSUES:
        details.append(_issue(Issue("processing", "", f"and {len(issues) - _MOST_ISSUES} more")))
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": details})


def _issue(issue: Issue) -> dict[str, object]:
    detail: dict[str, object] = {"severity": "error", "code": issue.code, "diagnostics": issue.message}
    return detail | {"expression": [issue.expression]} if issue.expression else detail
