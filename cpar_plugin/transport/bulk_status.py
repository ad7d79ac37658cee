"""What a registry says of a submission by `$bulk-submit`: its status manifest, and the outcomes that this lists."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from .bulk_calls import Calls
from .reading import OperationOutcome, operation_outcome

_SOURCE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-sourceResource"
_BAD = ("fatal", "error")
_PAGES = 100


@dataclass
class BulkStatus:
    """Outcomes so far. `heard`: whether there is one for the manifest; `whole`: how many errors name no resource."""

    heard: bool = False
    whole: int = 0
    resources: int = 0
    outcome: OperationOutcome = field(default_factory=OperationOutcome)


def read_status(calls: Calls, manifest: dict[str, Any], manifest_url: str) -> BulkStatus | None:
    """What the manifest says of ours; None where it cannot be understood. Raises what `Calls.get` raises."""
    status = BulkStatus()
    for _ in range(_PAGES):
        entries = [*_listed(manifest, "outcome"), *_listed(manifest, "error")]
        for url in dict.fromkeys(
            str(entry.get("url")) for entry in entries if entry.get("manifestUrl") == manifest_url
        ):
            status.heard = True
            answer = calls.get(url)
            if answer.status != 200 or not _count(answer.body, status):
                return None
        link = next((one for one in _listed(manifest, "link") if one.get("relation") == "next"), None)
        if link is None:
            return status
        manifest = calls.get(str(link.get("url"))).json
    return None


def _listed(manifest: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    items = manifest.get(name)
    return (item for item in (items if isinstance(items, list) else []) if isinstance(item, dict))


def _count(lines: bytes, status: BulkStatus) -> bool:
    """Whether each line is an OperationOutcome. Its errors are counted, and their words kept with the resource's id."""
    for line in filter(None, lines.split(b"\n")):
        try:
            resource = orjson.loads(line)
        except ValueError:
            return False
        if not isinstance(resource, dict) or resource.get("resourceType") != "OperationOutcome":
            return False
        severities = {issue.get("severity") for issue in _listed(resource, "issue")}
        if not severities.intersection(_BAD):
            continue
        sources = [
            str(extension.get("valueReference", {}).get("reference", "")) if isinstance(extension, dict) else ""
            for extension in _listed(resource, "extension")
            if extension.get("url") == _SOURCE
        ]
        if sources:
            status.resources += len(sources)
        else:
            status.whole += 1
        issue = operation_outcome(iter([line]))
        status.outcome.codes += [code for code in issue.codes if code not in status.outcome.codes]
        status.outcome.words += [": ".join([*sources[:1], *issue.words])] if issue.words else sources[:1]
    return True
