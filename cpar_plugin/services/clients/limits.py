"""How often a client, or an address, may do something in a minute, over all processes of the clinic."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from ...hooks import Host
from ...store import counts

_WINDOW = timedelta(minutes=1)
_PORTIONS = 50  # of a limit: so much may be done before the other processes get to know of it
_MOST_NAMES = 10_000  # all further ones in the same minute share one count
_OTHERS = "others"


@dataclass(slots=True)
class _Count:
    """Of one name in this minute: what all processes have done as far as this one knows, and its own part since."""

    known: int = 0
    unreported: int = 0

    @property
    def total(self) -> int:
        return self.known + self.unreported

    def take(self, portion: int) -> int:
        """Count one more; returns how many are to be reported now, 0 while they are fewer than `portion`."""
        self.unreported += 1
        if self.unreported < portion:
            return 0
        part, self.unreported = self.unreported, 0
        self.known += part
        return part


class SharedLimit:
    """Counts by name in minutes of the clock.

    Each process counts in its memory, so that a request costs no statement. After a fiftieth of a limit it adds its
    part to the count in the database, which all processes share, and learns of theirs. So each process beyond the first
    lets a fiftieth of a limit pass too much at most, and nothing of a limit below 100.
    """

    def __init__(self, host: Host, kind: str) -> None:
        self._host = host
        self._kind = kind
        self._counts: dict[str, _Count] = {}
        self._began = datetime.min.replace(tzinfo=UTC)
        self._lock = Lock()

    def seconds_to_wait(self, limits: Mapping[str, int]) -> int:
        """Count once for each of these names and return 0, if all are below their limits.

        Else nothing is counted: the seconds until they may go on again, 1 at least.
        """
        now = self._host.clock.now()
        with self._lock:
            if not self._began <= now < self._began + _WINDOW:
                self._began = now.replace(second=0, microsecond=0)
                self._counts.clear()
            until = self._began + _WINDOW
            wait = max(1, -((now - until) // timedelta(seconds=1)))
            counted = {self._counted(name): limit for name, limit in limits.items()}
            counts = {name: self._counts.setdefault(name, _Count()) for name in counted}
            if any(count.total >= counted[name] for name, count in counts.items()):
                return wait
            due = {name: count.take(counted[name] // _PORTIONS) for name, count in counts.items()}
        totals = {name: self._reported(name, part, until) for name, part in due.items() if part}
        return wait if any(total > counted[name] for name, total in totals.items()) else 0

    def _counted(self, name: str) -> str:
        return name if name in self._counts or len(self._counts) < _MOST_NAMES else _OTHERS

    def _reported(self, name: str, part: int, until: datetime) -> int:
        """What all processes together have done, this part included."""
        with self._host.database.session() as session:
            total = counts.add(session, f"{self._kind} {name}", part, until)
        with self._lock:
            count = self._counts.get(name)
            if count and until == self._began + _WINDOW:
                count.known = max(count.known, total)
        return total
