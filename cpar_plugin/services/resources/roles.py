"""Which PractitionerRoles a panel has."""

from sqlalchemy import Connection, select

from ...fhir_mappings.identifiers import Resource, role_id
from ...store import tables


def roles_of_panels(connection: Connection, panel_ids: set[int] | None = None) -> dict[int, list[Resource]]:
    """References to the PractitionerRoles of each panel, by panel; of all panels for None. One statement."""
    return {
        panel_id: [{"reference": f"PractitionerRole/{one}"} for one in role_ids]
        for panel_id, role_ids in role_ids_of_panels(connection, panel_ids).items()
    }


def role_ids_of_panels(connection: Connection, panel_ids: set[int] | None = None) -> dict[int, list[str]]:
    """The ids of the PractitionerRoles of each panel, provider by provider. One statement."""
    provider, facility = tables.panel_provider, tables.panel_facility
    query = (
        select(provider.c.panel_id, provider.c.provider_id, facility.c.facility_id)
        .join_from(provider, facility, facility.c.panel_id == provider.c.panel_id)
        .order_by(provider.c.panel_id, provider.c.position, facility.c.position)
    )
    if panel_ids is not None:
        query = query.where(provider.c.panel_id.in_(panel_ids))
    found: dict[int, list[str]] = {}
    for panel_id, provider_id, facility_id in connection.execute(query):
        found.setdefault(panel_id, []).append(role_id(provider_id, facility_id))
    return found
