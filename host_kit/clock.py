"""The clocks of a host: the system's, and a fixed one. They return moments in UTC; the zone is Alberta's unless
another is given.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from cpar_plugin.hooks import Clock

from . import zone_rules


def today(clock: Clock) -> date:
    """The day that it is in the clinic."""
    return clock.now().astimezone(clock.zone).date()


class SystemClock:
    """The time of the machine."""

    def __init__(self, zone: ZoneInfo | None = None) -> None:
        self.zone = zone or zone_rules.zone()

    def now(self) -> datetime:
        """The current moment, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that is fixed until it is moved. A time without a zone is read as the clinic's."""

    def __init__(self, now: datetime, zone: ZoneInfo | None = None) -> None:
        self.zone = zone or zone_rules.zone()
        self.move_to(now)

    def now(self) -> datetime:
        """The moment that the clock was last moved to, in UTC."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Let it be `moment`."""
        self._now = (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC)
