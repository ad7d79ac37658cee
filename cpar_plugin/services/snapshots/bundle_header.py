"""What a submission contains besides its patients: the clinic, the panel's facilities and providers, and its Group."""

from dataclasses import dataclass
from itertools import product
from typing import Self

from sqlalchemy import Connection, select

from ...domain.refusals import NotFound
from ...fhir_mappings import bundle
from ...fhir_mappings.identifiers import Refer, Resource
from ...fhir_mappings.organization import location, organization
from ...fhir_mappings.panel_group import ListStatus, panel_group
from ...fhir_mappings.practitioner import practitioner, practitioner_role
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ..operations import clinic
from ..roster.providers import providers_of


@dataclass(frozen=True, slots=True)
class BundleHeader:
    """The entries before the patients, the Group's entry without members, and how resources refer to each other."""

    refer: Refer
    entries: list[Resource]
    group_entry: Resource
    general_practitioners: list[Resource]

    @classmethod
    def read(cls, connection: Connection, host: Host, settings: Settings, panel_id: int) -> Self:
        """Read it for a panel. Raises NotFound when there is no such panel, or no longer."""
        panel = connection.execute(
            select(tables.panel.c.panel_id, tables.panel.c.number).where(
                tables.panel.c.panel_id == panel_id, tables.panel.c.deleted_at.is_(None)
            )
        ).one_or_none()
        if panel is None:
            raise NotFound("This panel has been deleted: it will not be submitted.")
        facility = tables.panel_facility
        facilities = connection.scalars(
            select(facility.c.facility_id).where(facility.c.panel_id == panel_id).order_by(facility.c.position)
        ).all()
        providers = providers_of(connection, host, panel_id)
        site = clinic.load(connection)
        refer = bundle.urns(f"{settings.uri_site_id}|{site.site_id}")
        roles = [
            practitioner_role(provider, facility_id, settings, refer)
            for provider, facility_id in product(providers, facilities)
        ]
        role_ids = [role["id"] for role in roles]
        resources = [
            organization(site, settings),
            *(location(facility_id, site, settings, refer) for facility_id in facilities),
            *(practitioner(provider, settings) for provider in providers),
            *roles,
        ]
        group = panel_group(panel, role_ids, settings, refer, status=ListStatus.FINAL)
        return cls(
            refer=refer,
            entries=[bundle.entry(resource, refer) for resource in resources],
            group_entry=bundle.entry(group, refer),
            general_practitioners=[{"reference": refer(f"PractitionerRole/{role_id}")} for role_id in role_ids],
        )
