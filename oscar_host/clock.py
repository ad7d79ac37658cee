"""The clocks of a host: the system's, and one that stands still. Without a zone they tell Alberta time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from . import zone_rules


class SystemClock:
    """The time of the machine, in the clinic's zone."""

    def __init__(self, zone: ZoneInfo | None = None) -> None:
        self.zone = zone or zone_rules.zone()

    def now(self) -> datetime:
        """The current moment, aware."""
        return datetime.now(UTC).astimezone(self.zone)


class FixedClock:
    """A clock that stands still until it is moved. A time without a zone is read as the clinic's."""

    def __init__(self, now: datetime, zone: ZoneInfo | None = None) -> None:
        self.zone = zone or zone_rules.zone()
        self.move_to(now)

    def now(self) -> datetime:
        """The moment that the clock was last moved to, aware."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Let it be `moment`."""
        self._now = moment.astimezone(self.zone) if moment.tzinfo else moment.replace(tzinfo=self.zone)
