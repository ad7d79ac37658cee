"""Practitioner, and PractitionerRole: the practitioner at one facility of the clinic."""

from typing import Protocol

from ..domain.texts import readable
from ..settings import Settings
from .identifiers import IdentifierType, Refer, Resource, human_name, identifier, profile, resource_id, role_id


class ProviderRow(Protocol):
    """A provider of a panel. `practitioner_id` is the PPHS Practitioner ID as the clinic has confirmed it."""

    @property
    def provider_id(self) -> str: ...
    @property
    def family_name(self) -> str | None: ...
    @property
    def given_name(self) -> str | None: ...
    @property
    def practitioner_id(self) -> str: ...
    @property
    def licence_id(self) -> str | None: ...
    @property
    def active(self) -> bool | None: ...  # None when the host no longer knows the provider


def practitioner(row: ProviderRow, settings: Settings) -> Resource:
    """The provider as a person."""
    resource: Resource = {
        "resourceType": "Practitioner",
        "id": resource_id(row.provider_id),
        "meta": profile("practitioner"),
        "identifier": [
            identifier(settings.uri_practitioner_id, row.practitioner_id, IdentifierType.PROVIDER_NUMBER),
        ],
        "active": bool(row.active),
    }
    licence = readable(row.licence_id)
    if licence:
        resource["identifier"].append(identifier(settings.uri_physician_licence, licence, IdentifierType.LICENCE))
    local = readable(row.provider_id)
    if local:
        resource["identifier"].append(identifier(settings.uri_provider, local))
    name = human_name(row.family_name, row.given_name)
    if name:
        resource["name"] = [name]
    return resource


def practitioner_role(row: ProviderRow, facility_id: str, settings: Settings, refer: Refer) -> Resource:
    """The provider at this facility: one resource for each pair, whatever panels they have in common."""
    return {
        "resourceType": "PractitionerRole",
        "id": role_id(row.provider_id, facility_id),
        "meta": profile("practitionerrole"),
        "identifier": [identifier(settings.uri_practitioner_role, f"{row.practitioner_id}-{facility_id}")],
        "active": bool(row.active),
        "practitioner": {"reference": refer(f"Practitioner/{resource_id(row.provider_id)}")},
        "organization": {"reference": refer("Organization/clinic")},
        "location": [{"reference": refer(f"Location/{facility_id}")}],
    }
