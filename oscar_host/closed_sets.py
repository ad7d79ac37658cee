"""Lists of patients that a Juno closes to single providers."""

from collections.abc import Set

from sqlalchemy import Connection, func, select

from cpar_plugin.host_kit.sql import exactly, letters

from .schema import Present, Tables

_CLOSES = "BLACKLIST"


def closed_to(connection: Connection, tables: Tables, present: Present, provider_id: str) -> Set[int]:
    """The patients on the lists that are closed to this provider; nobody where there are no such lists.

    As Juno reads them: names of lists are compared letter by letter, what is deleted or archived does not count.
    """
    listed, closed = tables.patient_set, tables.closed_set
    if not present.has(listed) or not present.has(closed):
        return frozenset()
    query = (
        select(listed.c.demographic_no)
        .join_from(closed, listed, exactly(closed.c.set_name) == exactly(listed.c.set_name))
        .where(
            letters(closed.c.provider_id) == provider_id,
            closed.c.set_type == _CLOSES,
            present.column(closed.c.deleted_at).is_(None),
            func.coalesce(listed.c.archive, "0") != "1",
            listed.c.demographic_no.is_not(None),
        )
    )
    return frozenset(connection.scalars(query))
