"""Lists of patients that a Juno closes to single providers."""

from collections.abc import Set

from sqlalchemy import Connection, func, select

from cpar_plugin.host_kit.sql import exactly, letters

from .present import Present
from .schema import Tables

_CLOSES = "BLACKLIST"


def closed_to(connection: Connection, tables: Tables, present: Present, provider_id: str) -> Set[int]:
    """The patients on the lists that are closed to this provider; no one where there are no such lists.

    As Juno reads them: names of lists are compared letter by letter, what is deleted or archived does not count.
    """
    patient_set, closed_set = tables.patient_set, tables.closed_set
    if not present.has(patient_set) or not present.has(closed_set):
        return frozenset()
    query = (
        select(patient_set.c.demographic_no)
        .join_from(closed_set, patient_set, exactly(closed_set.c.set_name) == exactly(patient_set.c.set_name))
        .where(
            letters(closed_set.c.provider_id) == provider_id,
            closed_set.c.set_type == _CLOSES,
            present.column(closed_set.c.deleted_at).is_(None),
            func.coalesce(patient_set.c.archive, "0") != "1",
            patient_set.c.demographic_no.is_not(None),
        )
    )
    return frozenset(connection.scalars(query))
