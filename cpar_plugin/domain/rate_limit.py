"""How often something may be done in a minute: counted in the memory of this process."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from threading import Lock
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
_WINDOW = timedelta(minutes=1)
_MOST_KEYS = 10_000  # all further ones in the same minute share one count
_OTHERS = object()


def network(address: str) -> str:
    """What an address counts as: one of IPv6 as its network of 64 bits, of which one machine may have every address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Network((ip.packed, 64), strict=False)) if isinstance(ip, IPv6Address) else address


class RateLimit:
    """Counts by key; a minute begins with the first request. With several processes, each counts separately."""

    def __init__(self) -> None:
        self._counts: Counter[Hashable] = Counter()
        self._began = datetime.min.replace(tzinfo=UTC)
        self._lock = Lock()

    def seconds_to_wait(self, limits: Mapping[Key, int], now: datetime) -> int:
        """Count once for each of these keys and return 0, if all are below their limits.

        Else nothing is counted: the seconds until they may go on again, 1 at least.
        """
        with self._lock:
            if not self._began <= now < self._began + _WINDOW:
                self._began = now
                self._counts.clear()
            counted = {self._counted(key): limit for key, limit in limits.items()}
            if any(self._counts[key] >= limit for key, limit in counted.items()):
                return max(1, -((now - self._began - _WINDOW) // timedelta(seconds=1)))
            self._counts.update(counted.keys())
            return 0

    def take_back(self, keys: Iterable[Key], counted_at: datetime) -> None:
        """What was counted for these keys at that moment does not count after all."""
        with self._lock:
            if counted_at >= self._began:
                self._counts.subtract({self._counted(key) for key in keys})

    def _counted(self, key: Hashable) -> Hashable:
        return key if key in self._counts or len(self._counts) < _MOST_KEYS else _OTHERS
