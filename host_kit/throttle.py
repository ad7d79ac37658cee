"""How often someone may try to sign in."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from cpar_plugin.domain.rate_limit import RateLimit, network

from .names import folded


class Attempt(NamedTuple):
    """One try to sign in. The same name in other letters is the same, as for OSCAR's database."""

    at: datetime
    user_name: str
    address: str

    @property
    def keys(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """What it counts for: the name at its address, the address, and all."""
        return (self.address, self.user_name), (self.address,), ()


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `attempts` wrong passwords in a minute for one name from one address, five times that from an address
    for all names, and fifty times that altogether, which also bounds what is remembered.

    Wrong passwords from one address lock no one out at another.
    An attempt counts as wrong from its beginning, so that many at once get no further than one after the other.
    """

    attempts: int = 5
    _wrong: RateLimit = field(default_factory=RateLimit)

    def begin(self, user_name: str, address: str, now: datetime) -> Attempt | None:
        """An attempt that may be made now; None when there were too many."""
        attempt = Attempt(now, folded(user_name), network(address))
        limits = dict(zip(attempt.keys, (self.attempts, 5 * self.attempts, 50 * self.attempts), strict=True))
        return None if self._wrong.seconds_to_wait(limits, now) else attempt

    def passed(self, attempt: Attempt) -> None:
        """It was the right password after all."""
        self._wrong.take_back(attempt.keys, attempt.at)
