"""The removal of what has been kept for its time, and what is kept now."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from ...hooks import Host
from ...settings import Settings
from .kinds import RETENTION, RecordKind

log = logging.getLogger(__name__)

_LATE: Final = timedelta(days=1)  # the removal begins every hour, or once a night


@dataclass(frozen=True, slots=True)
class KeptRecords:
    """The records of one kind: since when the oldest is kept (None where there is none), and how long each is kept."""

    oldest: datetime | None
    keep: timedelta

    def overdue(self, now: datetime) -> bool:
        """Whether the oldest should have been removed a day ago."""
        return self.oldest is not None and self.oldest + self.keep + _LATE < now


def carry_out(host: Host, settings: Settings, now: datetime) -> None:
    """Remove every record whose time is over at `now`, in small portions. Any number of processes may do so at once.

    A kind that cannot be removed is logged, and the others are removed all the same.
    """
    for kind, rule in RETENTION.items():
        try:
            rule.remove(host, settings, now)
        except Exception as error:
            log.error("removal of %s: %s", kind.value, type(error).__name__)  # its text may hold patient data


def kept(connection: Connection, host: Host, settings: Settings) -> Mapping[RecordKind, KeptRecords]:
    """What is kept now, by kind. One statement for each, which reads the end of an index or a small table."""
    zone = host.clock.zone
    return {kind: KeptRecords(rule.oldest(connection, zone), rule.keep(settings)) for kind, rule in RETENTION.items()}
