"""How often someone may try to sign in: counted in the memory of this process."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from threading import Lock
from typing import NamedTuple

from .names import folded


class Attempt(NamedTuple):
    """One try to sign in. The same name in other letters is the same, as for OSCAR's database."""

    at: datetime
    user_name: str
    address: str


@dataclass(slots=True)
class Throttle:
    """At most `attempts` wrong passwords for one name from one address within `within`, five times that from an address
    for all names, and fifty times that altogether, which also bounds what is remembered.

    Wrong passwords from one address lock no one out at another. An address of IPv6 counts as its network of 64 bits,
    of which one machine may have every address.
    An attempt counts as wrong from its beginning, so that many at once get no further than one after the other.
    """

    attempts: int = 5
    within: timedelta = timedelta(minutes=1)
    _wrong: deque[Attempt] = field(default_factory=deque)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, user_name: str, address: str, now: datetime) -> Attempt | None:
        """An attempt that may be made now; None when there were too many."""
        attempt = Attempt(now, folded(user_name), _network(address))
        with self._lock:
            while self._wrong and self._wrong[0].at <= now - self.within:
                self._wrong.popleft()
            names = [failure.user_name for failure in self._wrong if failure.address == attempt.address]
            limit = self.attempts
            if names.count(attempt.user_name) >= limit or len(names) >= 5 * limit or len(self._wrong) >= 50 * limit:
                return None
            self._wrong.append(attempt)
            return attempt

    def passed(self, attempt: Attempt) -> None:
        """It was the right password after all."""
        with self._lock:
            if attempt in self._wrong:
                self._wrong.remove(attempt)


def _network(address: str) -> str:
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Network((ip.packed, 64), strict=False)) if isinstance(ip, IPv6Address) else address
