"""`$bulk-submit` at the registry: what is offered is fetched over HTTP, put together, and checked as other submissions.

After https://hl7.org/fhir/uv/bulkdata/4.0.0-202609-ballot/en/submit.html. What is under way is kept in memory: it is
offered again when the registry was restarted.
"""

import threading
import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import orjson
import requests

from .behaviour import Conduct
from .elements import Issue
from .store import Conflict, Store
from .transaction import AcceptedSubmission, Faulty, check

Json = dict[str, Any]
Key = tuple[str, str, str]
_SECONDS = 60
_SPACE = uuid.UUID("7e3e7e4c-3f63-4a3c-9f53-6d8dbe2b6f10")
_SOURCE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-sourceResource"
_ENTRY = "Bundle.entry["
_ENDED = ("completed", "stopped")


class RefusedRequest(Exception):
    """A request that is answered with an OperationOutcome."""

    def __init__(self, status: int, issue: Issue) -> None:
        super().__init__(issue.message)
        self.status = status
        self.issue = issue


@dataclass
class OfferedManifest:
    """A manifest that was submitted. `outcomes` are OperationOutcomes, None until it was read."""

    url: str
    headers: dict[str, str]
    outcomes: list[Json] | None = None
    body: bytes = b""
    submission: AcceptedSubmission | None = None


@dataclass
class BulkSubmission:
    """One submission by its submitter and id."""

    submission_id: str
    job: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "in-progress"
    manifests: dict[str, OfferedManifest] = field(default_factory=dict)
    done: bool = False


class BulkSubmissions:
    """All that were offered since the registry started."""

    def __init__(self, store: Store, conduct: Conduct) -> None:
        self._store = store
        self._conduct = conduct
        self._lock = threading.Lock()
        self._all: dict[Key, BulkSubmission] = {}

    def submit(self, parameters: Json) -> None:
        """`$bulk-submit`. Raises RefusedRequest."""
        key = _key(parameters)
        status = _value(parameters, "submissionStatus").get("code", "in-progress")
        url, replaced = _value(parameters, "manifestUrl"), _value(parameters, "replacesManifestUrl")
        if status not in ("in-progress", *_ENDED) or (url and not _value(parameters, "fhirBaseUrl")):
            raise RefusedRequest(400, Issue("invalid", "Parameters", "submissionStatus or fhirBaseUrl is not right"))
        with self._lock:
            submission = self._all.setdefault(key, BulkSubmission(key[2]))
            if submission.status in _ENDED:
                raise RefusedRequest(409, Issue("conflict", "Parameters", "this submission has ended"))
            if replaced and submission.manifests.pop(replaced, None) is None:
                raise RefusedRequest(422, Issue("not-found", "Parameters", "replacesManifestUrl was not submitted"))
            if url and url not in submission.manifests:
                manifest = submission.manifests[url] = OfferedManifest(url, _headers(parameters))
                threading.Thread(target=self._read, args=(submission, manifest), daemon=True).start()
            submission.status = status
            self._finish(submission)

    def job(self, parameters: Json) -> str:
        """`$bulk-submit-status`: the name of the job to poll. Raises RefusedRequest."""
        submission = self._all.get(_key(parameters))
        if submission is None:
            raise RefusedRequest(404, Issue("not-found", "Parameters", "no such submission"))
        return submission.job

    def status(self, job: str, address: str) -> tuple[bool, Json] | None:
        """Whether it is done, and the status manifest; None for no such job. `address`: of the job."""
        submission = next((one for one in self._all.values() if one.job == job), None)
        if submission is None:
            return None
        with self._lock:
            read = [one for one in submission.manifests.values() if one.outcomes is not None]
            outcome = [
                {"url": f"{address}/{number}.ndjson", "manifestUrl": manifest.url}
                for number, manifest in enumerate(read)
            ]
        manifest = {"submissionId": submission.submission_id, "requiresAccessToken": True, "outcome": outcome}
        return submission.done, manifest

    def outcomes(self, job: str, number: int) -> bytes | None:
        """A file of outcomes."""
        submission = next((one for one in self._all.values() if one.job == job), None)
        read = [one for one in submission.manifests.values() if one.outcomes is not None] if submission else []
        if number >= len(read):
            return None
        return b"".join(orjson.dumps(outcome) + b"\n" for outcome in read[number].outcomes or ())

    def forget(self) -> None:
        """Begin again."""
        with self._lock:
            self._all.clear()

    def _read(self, submission: BulkSubmission, manifest: OfferedManifest) -> None:
        outcomes: list[Json] = []
        resources: list[Json] = []
        try:
            resources = list(_fetched(manifest))
            manifest.body = _bundle(submission.submission_id, resources)
            manifest.submission = check([manifest.body])
            if self._conduct.as_json()["kind"] == "fault":
                patients = (place for place, one in enumerate(resources) if one["resourceType"] == "Patient")
                fault = "the registry has been told to find a fault"
                raise Faulty([Issue("business-rule", f"{_ENTRY}{place}]", fault) for place in patients])
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            outcomes.append(_outcome("error", "incomplete", f"the manifest could not be read: {type(error).__name__}"))
        except Faulty as faulty:
            manifest.submission = None
            outcomes += [_of_issue(issue, resources) for issue in faulty.issues]
        with self._lock:
            manifest.outcomes = outcomes or [_outcome("information", "informational", "read without a fault")]
            self._finish(submission)

    def _finish(self, submission: BulkSubmission) -> None:
        """Take what has been read without a fault, once nothing more is to come."""
        if submission.status == "stopped":
            submission.done = True
        if submission.done or submission.status != "completed":
            return
        manifests = list(submission.manifests.values())
        if any(manifest.outcomes is None for manifest in manifests):
            return
        for manifest in manifests:
            if manifest.submission:
                try:
                    zipped = zlib.compress(manifest.body, 1)
                    self._store.receive(manifest.submission, sha256(manifest.body).hexdigest(), zipped)
                except Conflict:
                    manifest.outcomes = [_outcome("error", "conflict", "another content was received before")]
        submission.done = True


def _value(parameters: Json, name: str) -> Any:
    """The value of the parameter of this name; an empty object where there is none."""
    for parameter in parameters.get("parameter", []):
        if parameter.get("name") == name:
            return next((value for key, value in parameter.items() if key.startswith("value")), {})
    return {}


def _key(parameters: Json) -> Key:
    submitter, submission_id = _value(parameters, "submitter"), _value(parameters, "submissionId")
    if not (isinstance(submission_id, str) and submitter.get("value")):
        raise RefusedRequest(400, Issue("required", "Parameters", "submitter and submissionId are needed"))
    return str(submitter.get("system")), str(submitter["value"]), submission_id


def _headers(parameters: Json) -> dict[str, str]:
    parts: Callable[[Json], Json] = lambda one: {part["name"]: part["valueString"] for part in one["part"]}  # noqa: E731
    found = [parts(one) for one in parameters["parameter"] if one["name"] == "fileRequestHeader"]
    return {one["headerName"]: one["headerValue"] for one in found}


def _fetched(manifest: OfferedManifest) -> Iterator[Json]:
    """The resources of a manifest and of those that follow it. Raises RequestException, ValueError, KeyError."""
    url = manifest.url
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(manifest.headers)
        while url:
            answer = session.get(url, timeout=_SECONDS, allow_redirects=False)
            answer.raise_for_status()
            page = orjson.loads(answer.content)
            for file in page["output"]:
                lines = session.get(file["url"], timeout=_SECONDS, allow_redirects=False)
                lines.raise_for_status()
                for line in lines.content.splitlines():
                    resource = orjson.loads(line)
                    if resource["resourceType"] != file["type"]:
                        raise ValueError("a file holds another type")
                    yield resource
            url = next((link["url"] for link in page.get("link", []) if link["relation"] == "next"), "")


def _bundle(submission_id: str, resources: list[Json]) -> bytes:
    """The transaction that puts these resources: what the registry's own rules are written for."""
    urns = {f"{one['resourceType']}/{one['id']}": f"urn:uuid:{uuid.uuid5(_SPACE, one['id'])}" for one in resources}
    entries = []
    for resource in resources:
        kind, first = resource["resourceType"], resource["identifier"][0]
        token = quote("|".join(_escape(first[part]) for part in ("system", "value")), safe="")
        own = {name: value for name, value in resource.items() if name != "id"}
        entries.append(
            {
                "fullUrl": urns[f"{kind}/{resource['id']}"],
                "request": {"method": "PUT", "url": f"{kind}?identifier={token}"},
                "resource": _referring(own, urns),
            }
        )
    identifier = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{submission_id}"}
    bundle = {"resourceType": "Bundle", "identifier": identifier, "type": "transaction", "entry": entries}
    return orjson.dumps(bundle)


def _escape(text: str) -> str:
    for letter in "\\,|$":
        text = text.replace(letter, f"\\{letter}")
    return text


def _referring(value: Any, urns: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_referring(item, urns) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: urns.get(item, item) if name == "reference" and isinstance(item, str) else _referring(item, urns)
        for name, item in value.items()
    }


def _of_issue(issue: Issue, resources: list[Json]) -> Json:
    """An outcome of the resource that an issue is about, by its place in the Bundle."""
    outcome = _outcome("error", issue.code, f"{issue.expression} {issue.message}".strip())
    place = issue.expression.removeprefix(_ENTRY).partition("]")[0]
    if issue.expression.startswith(_ENTRY) and place.isdigit() and int(place) < len(resources):
        resource = resources[int(place)]
        reference = {"reference": f"{resource['resourceType']}/{resource['id']}"}
        outcome["extension"] = [{"url": _SOURCE, "valueReference": reference}]
    return outcome


def _outcome(severity: str, code: str, text: str) -> Json:
    issue = {"severity": severity, "code": code, "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
