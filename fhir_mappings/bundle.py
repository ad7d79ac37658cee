"""The transaction Bundle of a submission: its frame, its entries, and how they refer to each other."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from ..settings import Settings
from .identifiers import Refer, Resource
from .panel_group import instant
from .patient import PatientRow, Statuses, patient_members

_NODE_DIGITS = 12


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
    first = resource["identifier"][0]
    return {
        "fullUrl": refer(f"{kind}/{resource.pop('id')}"),
        "request": {"method": "PUT", "url": _by_identifier(kind, first["system"], first["value"])},
        "resource": resource,
    }


def patient_entries(
    settings: Settings, refer: Refer, *, statuses: Statuses
) -> Callable[[PatientRow, str], tuple[str, str]]:
    """The same for patients, of which there may be very many: the `fullUrl` of a row, and the entry as JSON."""
    patient = patient_members(settings, refer, statuses=statuses)

    def written(row: PatientRow, general_practitioners: str) -> tuple[str, str]:
        system, value, members = patient(row, general_practitioners)
        full_url, url = refer(f"Patient/{row.patient_id}"), _by_identifier("Patient", system, value)
        return full_url, (
            f'{{"fullUrl":"{full_url}","request":{{"method":"PUT","url":"{url}"}},'
            f'"resource":{{"resourceType":"Patient",{members}}}}}'
        )

    return written


def urns(site: str) -> Refer:
    """References within a transaction: the same `urn:uuid:` for `Patient/1` of this site in every submission.

    A number is kept readable in a UUID of version 8 (RFC 9562), whose first part is the site's and the type's: that
    costs little for each of a hundred thousand patients, and compresses well. Other ids have a UUID of version 5.
    """
    namespace = uuid5(NAMESPACE_URL, site)

    @cache
    def first_part(kind: str) -> str:
        digits = uuid5(namespace, kind).hex
        return f"urn:uuid:{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-{digits[16:20]}-"

    def refer(reference: str) -> str:
        kind, _, key = reference.partition("/")
        if len(key) <= _NODE_DIGITS and key.isascii() and key.isdigit() and key[0] != "0":
            return first_part(kind) + key.zfill(_NODE_DIGITS)
        return f"urn:uuid:{uuid5(namespace, reference)}"

    return refer


def _by_identifier(kind: str, system: str, value: str) -> str:
    plain = value.isascii() and value.isalnum()
    return f"{_search(kind, system)}%7C{value if plain else _escaped(value)}"


@cache
def _search(kind: str, system: str) -> str:
    return f"{kind}?identifier={_escaped(system, safe=':/')}"


def _escaped(text: str, safe: str = "") -> str:
    """As a search parameter: FHIR's separators behind a backslash (R4, "Escaping Search Parameters"), then a URL's."""
    return quote(re.sub(r"([\\,|$])", r"\\\1", text), safe=safe)
