"""When the scheduler compares lines with records and panels: every hour. What compares them is imported then."""

from datetime import datetime, timedelta
from typing import Final

from ...hooks import Host
from ..operations import clinic, heartbeat

_EVERY: Final = timedelta(hours=1)


def compare_due(host: Host, now: datetime) -> None:
    """`comparing.compare_to_show` for the scheduler, every hour, whichever process was the last to do so."""
    with host.database.engine.connect() as connection:
        last = heartbeat.last(connection, heartbeat.REPORTS)
        if not clinic.load(connection).enabled or (last is not None and last <= now < last + _EVERY):
            return
    from .comparing import compare_to_show

    compare_to_show(host)
    heartbeat.beat(host, heartbeat.REPORTS)
