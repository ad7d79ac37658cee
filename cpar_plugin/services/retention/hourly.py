"""When `cpar run-due` removes what has been kept for its time: every hour. What removes it is imported then."""

from datetime import datetime, timedelta
from typing import Final

from ...hooks import Host
from ...settings import Settings
from ..operations import heartbeat

_EVERY: Final = timedelta(hours=1)


def remove_due(host: Host, settings: Settings, now: datetime) -> None:
    """`retention.carry_out` every hour, whichever process was the last to do so."""
    with host.database.engine.connect() as connection:
        last = heartbeat.last(connection, heartbeat.RETENTION)
    if last is not None and last <= now < last + _EVERY:
        return
    from .retention import carry_out

    carry_out(host, settings, now)
    heartbeat.beat(host, heartbeat.RETENTION)
