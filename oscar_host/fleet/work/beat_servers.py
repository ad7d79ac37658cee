"""What a beat knows of the database servers that it asks: one that does not answer holds up its own clinics alone."""

from dataclasses import dataclass
from threading import Lock
from typing import Final

from .known_servers import PAUSES

_SLOW_SECONDS: Final = 1.0


@dataclass(slots=True)
class _BeatServer:
    failures: int = 0
    retry_at: float = 0.0
    is_slow: bool = False
    clinics: int = 0  # of it that are being asked

    @property
    def is_doubtful(self) -> bool:
        return self.failures > 0 or self.is_slow


class BeatServers:
    """Any number of threads may ask, for clinics whose servers are named by any text. Moments are monotonic seconds."""

    def __init__(self, threads: int, longest_pause_seconds: float) -> None:
        """Half of the threads may ask servers that were slow, or did not answer: of the latter, one clinic of each."""
        self._most_doubtful: Final = max(1, threads // 2)
        self._longest = longest_pause_seconds
        self._lock = Lock()
        self._servers: dict[str, _BeatServer] = {}

    def may_ask(self, server: str, now: float) -> bool:
        """Whether a clinic of the server may be known."""
        with self._lock:
            known = self._servers.get(server)
            return known is None or self._may_ask(known, now)

    def begin(self, server: str, now: float) -> bool:
        """The same; where it may, it is being asked from now on, until `end` is called."""
        with self._lock:
            known = self._servers.setdefault(server, _BeatServer())
            if not self._may_ask(known, now):
                return False
            known.clinics += 1
            return True

    def end(self, server: str, now: float, seconds: float, *, is_away: bool) -> None:
        """It has answered within so many seconds, or not."""
        with self._lock:
            known = self._servers[server]
            known.clinics -= 1
            if not is_away:
                known.failures, known.is_slow = 0, seconds > _SLOW_SECONDS
            elif not known.failures or now >= known.retry_at:  # of clinics that waited at the same time one counts
                known.retry_at = now + min(self._longest, PAUSES[min(known.failures, len(PAUSES) - 1)])
                known.failures += 1
            if not known.is_doubtful and not known.clinics:
                del self._servers[server]

    def _may_ask(self, known: _BeatServer, now: float) -> bool:
        if known.failures and (now < known.retry_at or known.clinics):
            return False
        doubtful = sum(other.clinics for other in self._servers.values() if other.is_doubtful)
        return not known.is_doubtful or doubtful < self._most_doubtful
