"""Resources with `meta.versionId` and `meta.lastUpdated`: compared with how they stood when last looked at.

They are JSON from the mapping to the response; only what has to look into one parses it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

import orjson
from sqlalchemy import ColumnElement, Table, select, tuple_

from ...fhir_mappings.identifiers import Resource
from ...fhir_mappings.panel_group import instant
from ...hooks import Host
from ...store import versions as stored_versions

_DIGEST_BYTES = 16
_AT_ONCE = 500


@dataclass(frozen=True)
class Versioned:
    """A resource as it is served, as JSON. `last_updated` is in UTC, to the second."""

    kind: str
    resource_id: str
    text: bytes
    version: int
    last_updated: datetime

    @cached_property
    def resource(self) -> Resource:
        """The same, to look into."""
        resource: Resource = orjson.loads(self.text)
        return resource


class Stored(Protocol):
    """The columns of a version as the database has it; all None where the resource was never looked at."""

    @property
    def digest(self) -> bytes | None: ...
    @property
    def version(self) -> int | None: ...
    @property
    def last_updated(self) -> datetime | None: ...


class CurrentResource(NamedTuple):
    """A resource as it is now, as JSON; its key in the table of versions, and what that table says of it."""

    kind: str
    resource_id: str
    key: tuple[Any, ...]
    text: bytes
    stored: Stored | None


def digest(content: object) -> bytes:
    """The hash of a resource's content, without version."""
    return digest_of(orjson.dumps(content))


def digest_of(text: bytes) -> bytes:
    """The same of what is JSON already."""
    return blake2b(text, digest_size=_DIGEST_BYTES).digest()


def stamped(text: bytes, version: int, last_updated: datetime) -> bytes:
    """A resource with its version in `meta`, which all of ours have."""
    return text.replace(b'"meta":{', _stamp(version, last_updated), 1)


@lru_cache(4096)  # of many resources the same job has found the first version
def _stamp(version: int, last_updated: datetime) -> bytes:
    return f'"meta":{{"versionId":"{version}","lastUpdated":"{instant(last_updated)}",'.encode()


def versioned(host: Host, table: Table, entries: Sequence[CurrentResource]) -> list[Versioned]:
    """The resources with their versions, in the same order. Versions that are behind move on at once.

    Writes, in a transaction of its own, only where something has changed.
    """
    outdated = {}
    for entry in entries:
        content = digest_of(entry.text)
        if not entry.stored or entry.stored.digest != content:
            outdated[entry.key] = content
    updated = _move(host, table, outdated) if outdated else {}
    served = []
    for kind, resource_id, key, text, stored in entries:
        at = updated.get(key) or stored
        assert at is not None
        version, last_updated = at.version, at.last_updated
        assert version is not None
        assert last_updated is not None
        served.append(Versioned(kind, resource_id, stamped(text, version, last_updated), version, last_updated))
    return served


def _move(host: Host, table: Table, outdated: dict[tuple[Any, ...], bytes]) -> dict[tuple[Any, ...], Stored]:
    names = table.primary_key.columns.keys()
    now = host.clock.now()
    rows = [{**dict(zip(names, key, strict=True)), "digest": outdated[key]} for key in sorted(outdated)]
    updated: dict[tuple[Any, ...], Stored] = {}
    with host.database.session() as session:
        for place in range(0, len(rows), _AT_ONCE):
            batch = rows[place : place + _AT_ONCE]
            stored_versions.put(session, table, batch, now)
            keys = of_keys(table, [tuple(row[name] for name in names) for row in batch])
            for row in session.execute(select(table).where(keys)):
                updated[tuple(row._mapping[name] for name in names)] = row
    return updated


def of_keys(table: Table, keys: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
    """The rows of these keys."""
    columns = list(table.primary_key.columns)
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return tuple_(*columns).in_(keys)
