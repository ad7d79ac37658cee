"""To whom lines may be assigned: active people of the host, of whom it is asked whether they may manage panels."""

from sqlalchemy import Connection, select

from ...domain.refusals import Refused
from ...hooks import Actor, Host
from ..operations import access
from ..roster.providers import person_name
from .changes import LineAction, LineChange


def to_person(host: Host, owner_id: str) -> LineChange:
    """The change that makes lines someone's. Raises Refused (`assignee`) for one who may not manage panels."""
    if not owner_id:
        raise Refused({"assignee": "Select the person who gets the lines."})
    with host.database.engine.connect() as connection:
        name = people(connection, host).get(owner_id)
    if name is None or not host.identity.has(Actor(actor_id=owner_id, display_name=name), access.MANAGE):
        raise Refused({"assignee": f"{name or 'This person'} may not manage panels. Select someone else."})
    return LineChange(LineAction.ASSIGN, owner_id=owner_id)


def people(connection: Connection, host: Host) -> dict[str, str]:
    """To whom lines may be offered: name by id of the host's active people, by name, without the system.

    One statement.
    """
    provider = host.roster.providers().c
    query = select(provider.provider_id, provider.given_name, provider.family_name).where(
        provider.active, provider.provider_id != host.identity.system.actor_id
    )
    names = {row.provider_id: person_name(*row) for row in connection.execute(query)}
    return dict(sorted(names.items(), key=lambda item: (item[1].casefold(), item[0])))
