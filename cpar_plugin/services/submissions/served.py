"""A submission as its recipient fetches it (`$bulk-submit`): files of one kind each, read from the stored snapshot.

The stored Bundle is not changed. Its resources get the ids that its references are made of, and references are
relative to our address, as in a bulk export. Memory does not grow with the panel.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import orjson
from sqlalchemy import Connection, select

from ...domain.refusals import NotFound
from ...domain.submission import SubmissionState
from ...domain.submission_key import is_good
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ...transport.json_members import members
from ..snapshots import build, storage
from ..snapshots.storage import Part

KINDS = ("Organization", "Location", "Practitioner", "PractitionerRole", "Patient", "Group")
_URN = re.compile(rb'"urn:uuid:([0-9a-f-]{36})"')
_LONGEST_URN = 64
_WRITTEN = 64 * 1024


@dataclass(frozen=True, slots=True)
class Offered:
    """A snapshot that its recipient may fetch now."""

    snapshot_id: str
    taken_at: datetime
    sha256: str


def snapshot_for(connection: Connection, settings: Settings, snapshot_id: str, key: str, now: datetime) -> Offered:
    """A snapshot that is under way, for who has its key. Raises NotFound for all others."""
    stored, submission = tables.snapshot, tables.submission
    row = connection.execute(
        select(stored.c.snapshot_id, stored.c.taken_at, stored.c.sha256)
        .join(submission, submission.c.snapshot_id == stored.c.snapshot_id)
        .where(
            stored.c.snapshot_id == snapshot_id,
            submission.c.state.in_((SubmissionState.SENDING, SubmissionState.WAITING)),
        )
    ).one_or_none()
    secret = settings.bulk_submit_secret
    if row is None or not secret or not is_good(secret, row.snapshot_id, row.taken_at, key, now):
        raise NotFound("No submission is offered here, or no longer.")
    return Offered(row.snapshot_id, row.taken_at, row.sha256)


def is_whole(host: Host, snapshot_id: str, digest: str) -> bool:
    """Whether the stored snapshot is what was stored."""
    measure = sha256()
    for chunk in build.body(host, snapshot_id):
        measure.update(chunk)
    return measure.hexdigest() == digest


def resources(host: Host, snapshot_id: str, kind: str) -> Iterator[bytes]:
    """The resources of a kind, as lines of NDJSON in chunks."""
    kinds: dict[str, str] = {}
    lines: list[bytes] = []
    size = 0
    for name, entry in members(_entries(host, snapshot_id)):
        if name != "entry":
            continue
        resource, key = entry["resource"], entry["fullUrl"].removeprefix("urn:uuid:")
        if resource["resourceType"] != "Patient":
            kinds[key] = resource["resourceType"]
        elif kind != "Patient":
            break  # the few that others refer to stand before all patients
        if resource["resourceType"] == kind:
            lines.append(_referring(orjson.dumps({**resource, "id": key}), kinds) + b"\n")
            size += len(lines[-1])
            if size > _WRITTEN:
                yield b"".join(lines)
                lines, size = [], 0
    if kind == "Group":
        yield from _group(host, snapshot_id, kinds)
    yield b"".join(lines)


def _entries(host: Host, snapshot_id: str) -> Iterator[bytes]:
    """The Bundle without its last entry, the Group, which may be long."""
    yield from storage.unzipped(storage.read(host, snapshot_id, Part.BODY))
    yield b"]}"


def _group(host: Host, snapshot_id: str, kinds: dict[str, str]) -> Iterator[bytes]:
    """The Group, which ends the Bundle: `,{"fullUrl":...,"request":...,"resource":{...}}]}`."""
    chunks = storage.unzipped(storage.read(host, snapshot_id, Part.GROUP))
    head, mark, rest = next(chunks, b"").partition(b'"resource":{')
    match = _URN.search(head)
    if not mark or match is None:
        raise ValueError("the stored Group is damaged")
    pending = b'{"id":"' + match[1] + b'",' + rest
    for chunk in chunks:
        pending += chunk
        # A reference, or the end of the entry, may be divided between two chunks.
        safe = len(pending) - _LONGEST_URN
        quote = pending.rfind(b",", 0, max(safe, 0))
        if quote > 0:
            yield _referring(pending[:quote], kinds)
            pending = pending[quote:]
    yield _referring(pending.removesuffix(b"}]}"), kinds) + b"\n"


def _referring(text: bytes, kinds: dict[str, str]) -> bytes:
    """Text with references such as `Patient/<id>`."""

    def reference(match: re.Match[bytes]) -> bytes:
        return b'"%s/%s"' % (kinds.get(match[1].decode(), "Patient").encode(), match[1])

    return _URN.sub(reference, text.replace(b"\n", b""))  # between members there may be line ends, never within texts
