"""Which provider has seen patients last, where the host can say."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from ...hooks import Host
from ...store.tables import member


def last_providers(
    connection: Connection, host: Host, patient_ids: Collection[int], now: datetime
) -> Mapping[int, str]:
    """The provider_id of the last visit of those of these members who had one. At most one statement."""
    if host.visits is None or not patient_ids:
        return {}
    provider_id = host.visits.last_provider(member.c.patient_id, now)
    rows = connection.execute(select(member.c.patient_id, provider_id).where(member.c.patient_id.in_(patient_ids)))
    return {patient_id: seen_by for patient_id, seen_by in rows if seen_by}
