"""How often somebody may try to sign in: counted in the memory of this process."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
    """At most `attempts` wrong passwords for one name within `within`, five times that from one address, and fifty
    times that altogether, which also bounds what is remembered.

    An attempt counts as wrong from its beginning, so that many at once get no further than one after the other.
    """

    attempts: int = 5
    within: timedelta = timedelta(minutes=1)
    _wrong: deque[Attempt] = field(default_factory=deque)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, user_name: str, address: str, now: datetime) -> Attempt | None:
        """An attempt that may be made now; None when there were too many."""
        attempt = Attempt(now, folded(user_name), address)
        with self._lock:
            while self._wrong and self._wrong[0].at <= now - self.within:
                self._wrong.popleft()
            of_name = sum(wrong.user_name == attempt.user_name for wrong in self._wrong)
            of_address = sum(wrong.address == address for wrong in self._wrong)
            most = self.attempts
            if of_name >= most or of_address >= 5 * most or len(self._wrong) >= 50 * most:
                return None
            self._wrong.append(attempt)
            return attempt

    def passed(self, attempt: Attempt) -> None:
        """It was the right password after all."""
        with self._lock:
            if attempt in self._wrong:
                self._wrong.remove(attempt)
