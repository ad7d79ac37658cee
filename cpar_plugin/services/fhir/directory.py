"""The clinic, its facilities and its providers: as many as the panels need, so that they may be held in memory."""

from collections.abc import Collection, Iterable

import orjson
from sqlalchemy import Connection, Select, select, true

from ...domain.refusals import NotFound
from ...fhir_mappings.identifiers import Resource, relative
from ...fhir_mappings.organization import location, organization
from ...fhir_mappings.practitioner import practitioner, practitioner_role
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ..clients.caller import Caller
from ..operations import clinic
from ..roster.providers import ProviderOfPanel, with_practitioner_ids
from .access import Gone
from .versions import CurrentResource, Versioned, versioned

KINDS = ("Organization", "Location", "Practitioner", "PractitionerRole")


class DirectorySource:
    """The resources of one of KINDS that a caller may read: those of their panels. At most four statements."""

    def __init__(self, host: Host, settings: Settings, caller: Caller, kind: str) -> None:
        self.kind = kind
        self._host = host
        self._settings = settings
        self._caller = caller

    def resources(self, connection: Connection) -> list[Resource]:
        """All of them in the order of their ids, without version."""
        by_id = {resource["id"]: resource for resource in self._resources(connection)}
        return [by_id[key] for key in sorted(by_id)]

    def everything(self, connection: Connection) -> list[Versioned]:
        """All of them in the order of their ids."""
        return self._versioned(connection, self.resources(connection))

    def read(self, connection: Connection, resource_id: str) -> Versioned:
        """One of them. Raises NotFound, and Gone for what was there before."""
        matches = [resource for resource in self.resources(connection) if resource["id"] == resource_id]
        if matches:
            return self._versioned(connection, matches)[0]
        version = tables.resource_version.c
        earlier = select(version.kind).where(version.kind == self.kind, version.resource_id == resource_id)
        if self._caller.panels is None and connection.scalar(earlier) is not None:
            raise Gone("This resource is no longer on a panel.")
        raise NotFound("Not found on a panel you can read.")

    def _versioned(self, connection: Connection, resources: list[Resource]) -> list[Versioned]:
        version = tables.resource_version
        stored = {
            row.resource_id: row for row in connection.execute(select(version).where(version.c.kind == self.kind))
        }
        entries = [
            CurrentResource(
                self.kind, resource_id, (self.kind, resource_id), orjson.dumps(resource), stored.get(resource_id)
            )
            for resource_id, resource in ((resource["id"], resource) for resource in resources)
        ]
        return versioned(self._host, version, entries)

    def _resources(self, connection: Connection) -> Iterable[Resource]:
        site, settings = clinic.load(connection), self._settings
        if not site.configured:
            return []
        match self.kind:
            case "Organization":
                return [organization(site, settings)]
            case "Location":
                facility = tables.panel_facility
                ids = connection.scalars(self._of_panels(select(facility.c.facility_id).distinct().join(tables.panel)))
                return [location(facility_id, site, settings, relative) for facility_id in ids]
            case "Practitioner":
                return [practitioner(provider, settings) for provider in self._providers(connection).values()]
        providers = self._providers(connection)
        return [
            practitioner_role(providers[provider_id], facility_id, settings, relative)
            for provider_id, facility_id in self._places(connection)
        ]

    def _of_panels(self, query: Select[str] | Select[str, str]) -> Select[str] | Select[str, str]:
        panel, panels = tables.panel.c, self._caller.panels
        return query.where(panel.deleted_at.is_(None), true() if panels is None else panel.panel_id.in_(panels))

    def _places(self, connection: Connection) -> Collection[tuple[str, str]]:
        """Which provider works at which facility, by the panels."""
        provider, facility = tables.panel_provider, tables.panel_facility
        query = (
            select(provider.c.provider_id, facility.c.facility_id)
            .distinct()
            .join_from(provider, facility, facility.c.panel_id == provider.c.panel_id)
            .join(tables.panel, tables.panel.c.panel_id == provider.c.panel_id)
        )
        return [(row[0], row[1]) for row in connection.execute(self._of_panels(query))]

    def _providers(self, connection: Connection) -> dict[str, ProviderOfPanel]:
        on_panels = select(tables.panel_provider.c.provider_id).distinct().join(tables.panel)
        provider_ids = self._of_panels(on_panels).subquery("on_panels")
        rows = connection.execute(with_practitioner_ids(self._host, provider_ids))
        return {row.provider_id: ProviderOfPanel(*row) for row in rows}
