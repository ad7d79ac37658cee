"""The providers who have no panel yet, and how many patients a panel of theirs would get."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from ...hooks import Host
from ...store import tables
from .listing import provider_choices


class ProviderWithoutPanel(NamedTuple):
    """An active provider on no live panel. `practitioner_id` is '' where it is not known; `patients` are active."""

    provider_id: str
    name: str
    practitioner_id: str
    patients: int


def providers_without_panel(connection: Connection, host: Host) -> list[ProviderWithoutPanel]:
    """Those with most patients first. Three statements, one of which reads the whole roster."""
    patient, panel, provider = host.roster.patients().c, tables.panel.c, tables.panel_provider.c
    live = select(provider.provider_id).join_from(tables.panel_provider, tables.panel)
    on_panels = set(connection.scalars(live.where(panel.live_number.is_not(None))))
    active = patient.status == host.roster.active_status
    counts = select(patient.mrp_id, func.count()).where(active, patient.mrp_id.is_not(None)).group_by(patient.mrp_id)
    patients = {row[0]: row[1] for row in connection.execute(counts)}
    providers = [
        ProviderWithoutPanel(
            choice.provider_id, choice.name, choice.practitioner_id, patients.get(choice.provider_id, 0)
        )
        for choice in provider_choices(connection, host)
        if choice.active and choice.provider_id not in on_panels
    ]
    return sorted(providers, key=lambda one: -one.patients)
