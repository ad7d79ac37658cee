"""Rows of a table that are kept for a time: the oldest of them, and their removal in small portions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Connection, Date, Table, bindparam, delete, func, select

from ...hooks import Host
from ...settings import Settings

_PORTION: Final = 500  # rows of a transaction: no one waits long for it


@dataclass(frozen=True, slots=True)
class TimedRows:
    """Rows of the table of `since`, a moment or a civil date, from which on each is kept for `keep`.

    `parts` are tables whose rows belong to such a row, by the columns of its key: they are removed with it.
    """

    since: Column[Any]
    keep: Callable[[Settings], timedelta]
    parts: tuple[Table, ...] = ()
    portion: int = field(default=_PORTION)

    def oldest(self, connection: Connection, zone: ZoneInfo) -> datetime | None:
        """Since when the oldest is kept; None where there is none."""
        earliest: datetime | date | None = connection.scalar(select(func.min(self.since)))
        return (
            earliest if earliest is None or isinstance(earliest, datetime) else datetime.combine(earliest, time(), zone)
        )

    def remove(self, host: Host, settings: Settings, now: datetime) -> int:
        """Remove those whose time is over at `now`; returns how many. Each portion is a transaction of its own.

        They are looked for without a lock and deleted by their keys, so that nothing else is locked.
        """
        table, moment = self.since.table, now - self.keep(settings)
        of_day = isinstance(self.since.type, Date)
        until = moment.astimezone(host.clock.zone).date() - timedelta(days=1) if of_day else moment
        keys = list(table.primary_key.columns)
        old = select(*(key.label(f"key_{key.name}") for key in keys)).where(self.since <= until)
        old = old.order_by(self.since).limit(self.portion)
        removed = 0
        while True:
            with host.database.engine.connect() as connection:
                expired = [dict(row) for row in connection.execute(old).mappings()]
            if expired:
                with host.database.session() as session:
                    for part in (*self.parts, table):
                        conditions = (part.c[key.name] == bindparam(f"key_{key.name}") for key in keys)
                        session.connection().execute(delete(part).where(*conditions), expired)
            removed += len(expired)
            if len(expired) < self.portion:
                return removed
