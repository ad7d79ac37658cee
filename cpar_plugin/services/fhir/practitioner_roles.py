"""Which PractitionerRoles a panel has."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, bindparam, select

from ...fhir_mappings.identifiers import Resource, role_id
from ...fhir_mappings.patient import as_text
from ...store import tables

T = TypeVar("T")
_PROVIDER, _FACILITY = tables.panel_provider, tables.panel_facility
_EVERY_ROLE = (
    select(_PROVIDER.c.panel_id, _PROVIDER.c.provider_id, _FACILITY.c.facility_id)
    .join_from(_PROVIDER, _FACILITY, _FACILITY.c.panel_id == _PROVIDER.c.panel_id)
    .order_by(_PROVIDER.c.panel_id, _PROVIDER.c.position, _FACILITY.c.position)
)
_ROLES_OF_SOME = _EVERY_ROLE.where(_PROVIDER.c.panel_id.in_(bindparam("panel_ids", expanding=True)))


def role_reference(provider_id: str, facility_id: str) -> Resource:
    """The reference to one PractitionerRole."""
    return {"reference": f"PractitionerRole/{role_id(provider_id, facility_id)}"}


def roles_of_panels(connection: Connection, panel_ids: set[int] | None = None) -> dict[int, str]:
    """References to the PractitionerRoles of each panel, as JSON, by panel; of all panels for None. One statement."""
    roles = _by_panel(connection, panel_ids, role_reference)
    return {panel_id: as_text(references) for panel_id, references in roles.items()}


def role_ids_of_panels(connection: Connection, panel_ids: set[int] | None = None) -> dict[int, list[str]]:
    """The ids of the PractitionerRoles of each panel, provider by provider. One statement."""
    return _by_panel(connection, panel_ids, role_id)


def _by_panel(
    connection: Connection, panel_ids: set[int] | None, create: Callable[[str, str], T]
) -> dict[int, list[T]]:
    if panel_ids is None:
        rows = connection.execute(_EVERY_ROLE)
    else:
        rows = connection.execute(_ROLES_OF_SOME, {"panel_ids": list(panel_ids)})
    roles: dict[int, list[T]] = {}
    for panel_id, provider_id, facility_id in rows:
        roles.setdefault(panel_id, []).append(create(provider_id, facility_id))
    return roles
