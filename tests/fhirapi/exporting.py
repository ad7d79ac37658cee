"""A system that exports in bulk: kick-off, waiting, and every file."""

from dataclasses import dataclass
from typing import Any

import orjson
from werkzeug.test import TestResponse

from ..waiting import wait_until
from .rest import BASE, Json, Reader

ASYNC = {"Accept": "application/fhir+json", "Prefer": "respond-async"}


@dataclass(frozen=True)
class Exported:
    """A finished export: its manifest, and what is in its files."""

    manifest: Json
    files: dict[str, list[Json]]

    def ids(self, kind: str) -> list[str]:
        """The ids of a kind in the output, as they stand there."""
        return [one["id"] for one in self.files.get(f"{kind}.ndjson", ())]

    def deleted(self) -> set[str]:
        """What was deleted: `Patient/7`."""
        bundles = [one for name, lines in self.files.items() if name.startswith("deleted-") for one in lines]
        return {entry["request"]["url"] for bundle in bundles for entry in bundle["entry"]}


def kick_off(reader: Reader, path: str = "/$export", query: Any = None, **headers: str) -> TestResponse:
    """Ask for an export."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return reader.send("GET", path, query_string=query, headers={**ASYNC, **named})


def accepted(answer: TestResponse) -> str:
    """The address of the status."""
    assert answer.status_code == 202, answer.text
    address = answer.headers["Content-Location"]
    assert address.startswith(f"{BASE}/export/")
    return address


def finished(reader: Reader, address: str) -> TestResponse:
    """The last answer of the status."""
    answers: list[TestResponse] = []

    def is_finished() -> bool:
        answers[:] = [reader.get(address)]
        return answers[0].status_code != 202

    wait_until(is_finished)  # with pauses: the work is done by a thread of this process
    return answers[0]


def export(reader: Reader, path: str = "/$export", query: Any = None, **headers: str) -> Exported:
    """Export, and fetch everything."""
    address = accepted(kick_off(reader, path, query, **headers))
    answer = fetched(reader, address)
    assert reader.send("DELETE", address).status_code == 202
    return answer


def fetched(reader: Reader, address: str) -> Exported:
    """Everything that an export has."""
    answer = finished(reader, address)
    assert answer.status_code == 200, answer.text
    manifest: Json = orjson.loads(answer.data)
    files = {}
    for section in ("output", "deleted", "error"):
        for file in manifest[section]:
            name = file["url"].rpartition("/")[2]
            files[name] = lines(reader.get(file["url"], Accept="application/fhir+ndjson"))
            assert len(files[name]) == file["count"]
            if "outputOrganizedBy" not in manifest or section != "output":
                assert {one["resourceType"] for one in files[name]} == {file["type"]}
    return Exported(manifest, files)


def lines(answer: TestResponse) -> list[Json]:
    """The resources of a file."""
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/fhir+ndjson"
    assert answer.data.endswith(b"\n")
    return [orjson.loads(line) for line in answer.data[:-1].split(b"\n")]
