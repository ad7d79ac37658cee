"""How often a caller may ask: counted by the minute, in the memory of this process."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from threading import Lock

_WINDOW = timedelta(minutes=1)
_MOST_NAMES = 10_000  # whoever comes after that in one minute shares one count


class Window:
    """At most `limit` times a minute for each name. With several processes, each counts by itself."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: Counter[str] = Counter()
        self._began = datetime.min.replace(tzinfo=UTC)
        self._lock = Lock()

    def seconds_to_wait(self, name: str, now: datetime) -> int:
        """Count once for this name. 0 when it may go on, else the seconds until it may again."""
        with self._lock:
            if not self._began <= now < self._began + _WINDOW:
                self._began = now
                self._counts.clear()
            counted = name if name in self._counts or len(self._counts) < _MOST_NAMES else ""
            self._counts[counted] += 1
            if self._counts[counted] <= self._limit:
                return 0
            return max(1, -((now - self._began - _WINDOW) // timedelta(seconds=1)))
