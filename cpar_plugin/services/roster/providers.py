"""The providers of the roster by name: those of a panel, and the users who did something."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, FromClause, Select, func, select

from ...domain.client_id import number_in
from ...domain.names import full_name
from ...hooks import Host
from ...store import tables

AUTOMATIC = "Automatic"


class ProviderOfPanel(NamedTuple):
    """A provider of a panel. What the host's roster no longer knows is None."""

    provider_id: str
    practitioner_id: str
    family_name: str | None
    given_name: str | None
    licence_id: str | None
    active: bool | None


def panel_label(number: str, provider_names: Iterable[str]) -> str:
    """What people call a panel: its number and its providers."""
    return f"{number} ({'; '.join(provider_names)})"


def provider_name(family_name: str | None, given_name: str | None, provider_id: str) -> str:
    """A provider as `Family, Given`; the host's id where it knows no name."""
    return full_name(family_name, given_name) or f"provider {provider_id}"


def actor_names(connection: Connection, host: Host, actor_ids: Collection[str]) -> dict[str, str]:
    """Who that is, for people to read: a provider, or a client of the FHIR interface; the id where no one has it.

    No statement for no one.
    """
    if not actor_ids:
        return {host.identity.system.actor_id: AUTOMATIC}
    provider = host.roster.providers().c
    rows = connection.execute(
        select(provider.provider_id, provider.given_name, provider.family_name).where(
            provider.provider_id.in_(set(actor_ids))
        )
    )
    names = {row.provider_id: person_name(*row) for row in rows}
    clients = {number_in(actor_id): actor_id for actor_id in actor_ids if number_in(actor_id)}
    if clients:
        client = tables.client.c
        rows = connection.execute(select(client.client_id, client.name).where(client.client_id.in_(map(int, clients))))
        names |= {clients[str(row.client_id)]: row.name for row in rows}
    return {**dict(zip(actor_ids, actor_ids, strict=True)), **names, host.identity.system.actor_id: AUTOMATIC}


def person_name(actor_id: str, given: str | None, family: str | None) -> str:
    """A person as `Family, Given`; the id where there is no name."""
    return full_name(family, given) or actor_id


def with_practitioner_ids(host: Host, table: FromClause) -> Select[Any]:
    """The fields of ProviderOfPanel for each row of `table`, which has a `provider_id` that is on a panel."""
    confirmed, provider = tables.practitioner, host.roster.providers()
    return select(
        table.c.provider_id,
        confirmed.c.practitioner_id,
        provider.c.family_name,
        provider.c.given_name,
        provider.c.licence_id,
        provider.c.active,
    ).select_from(
        table.join(confirmed, confirmed.c.provider_id == table.c.provider_id).outerjoin(
            provider, provider.c.provider_id == table.c.provider_id
        )
    )


def providers_of(connection: Connection, host: Host, panel_id: int) -> list[ProviderOfPanel]:
    """The providers of a panel in their order, also those that are no longer in the host's roster."""
    on_panel = tables.panel_provider
    query = with_practitioner_ids(host, on_panel).where(on_panel.c.panel_id == panel_id).order_by(on_panel.c.position)
    return [ProviderOfPanel(*row) for row in connection.execute(query)]


def every_provider(host: Host) -> FromClause:
    """Every provider of the host: provider_id, family_name, given_name, practitioner_id, active.

    The Practitioner ID is the one entered in a panel, else the host's as it is there, else NULL.
    """
    provider, entered = host.roster.providers(), tables.practitioner
    return (
        select(
            provider.c.provider_id,
            provider.c.family_name,
            provider.c.given_name,
            func.coalesce(entered.c.practitioner_id, provider.c.practitioner_id).label("practitioner_id"),
            provider.c.active,
        )
        .outerjoin_from(provider, entered, entered.c.provider_id == provider.c.provider_id)
        .subquery("every_provider")
    )
