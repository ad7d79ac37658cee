"""Organization (the clinic) and Location (a facility of it)."""

from typing import Protocol

from ..domain.texts import readable
from ..settings import Settings
from .identifiers import Refer, Resource, identifier, profile


class ClinicRow(Protocol):
    """The clinic as it is registered with the ministry."""

    @property
    def name(self) -> str: ...
    @property
    def site_id(self) -> str: ...


def organization(clinic: ClinicRow, settings: Settings) -> Resource:
    """The clinic."""
    return {
        "resourceType": "Organization",
        "id": "clinic",
        "meta": profile("organization"),
        "identifier": [identifier(settings.uri_site_id, clinic.site_id)],
        "active": True,
        "name": readable(clinic.name) or clinic.site_id,
    }


def location(facility_id: str, clinic: ClinicRow, settings: Settings, refer: Refer) -> Resource:
    """The facility with this Facility ID or WDFA key (six digits)."""
    return {
        "resourceType": "Location",
        "id": facility_id,
        "meta": profile("location"),
        "identifier": [identifier(settings.uri_facility_id, facility_id)],
        "status": "active",
        "name": readable(clinic.name) or facility_id,
        "mode": "instance",
        "managingOrganization": {"reference": refer("Organization/clinic")},
    }
