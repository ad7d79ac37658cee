"""The transaction Bundle of a submission: its frame, its entries, and how they refer to each other."""

from datetime import datetime
from hashlib import sha1
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from .identifiers import Refer, Resource
from .panel_group import instant

_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def bundle(snapshot_id: str, taken_at: datetime) -> Resource:
    """The Bundle without its entries. The identifier stays the same however often the same snapshot is sent."""
    return {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{snapshot_id}"},
        "type": "transaction",
        "timestamp": instant(taken_at),
    }


def entry(resource: Resource, refer: Refer) -> Resource:
    """Put the resource by its first identifier: created the first time, updated afterwards, never there twice.

    Takes the `id` off the resource: it is the clinic's, and the registry gives its own.
    """
    kind = resource["resourceType"]
    known_as = resource["identifier"][0]
    search = quote(f"{known_as['system']}|{known_as['value']}", safe=":/")
    return {
        "fullUrl": refer(f"{kind}/{resource.pop('id')}"),
        "request": {"method": "PUT", "url": f"{kind}?identifier={search}"},
        "resource": resource,
    }


def urns(site: str) -> Refer:
    """References within a transaction: `urn:uuid:` of the UUID (version 5) that `Patient/1` has at this site."""
    namespace: Any = sha1(uuid5(NAMESPACE_URL, site).bytes, usedforsecurity=False)

    def refer(reference: str) -> str:
        # What uuid.uuid5 does, at a quarter of its cost: a panel has up to a hundred thousand members.
        digest = namespace.copy()
        digest.update(reference.encode())
        text = digest.hexdigest()
        return f"urn:uuid:{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"

    return refer
