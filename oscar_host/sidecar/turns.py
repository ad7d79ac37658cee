"""How many threads of a process may wait for OSCAR at a time: one that hangs holds a few of them, and never all."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Final

AT_ONCE: Final = 3


class Turns:
    """While others have all places, someone waits only until the first of them has lasted `patience` seconds.

    OSCAR answers in some milliseconds: where it does not, no one queues up behind those who wait for it already. After
    a failed question one at a time finds out whether OSCAR is back. May be shared between threads.
    """

    def __init__(self, refusal: Callable[[], Exception], patience: float, at_once: int = AT_ONCE) -> None:
        self._refusal = refusal
        self._patience = patience
        self._at_once = at_once
        self._changed = Condition()
        self._begun: list[float] = []  # the moments of those that last, the oldest first
        self._last_failed = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """For as long as the block lasts. Raises `refusal` where there is no place."""
        with self._changed:
            now = time.monotonic()
            patience = self._begun[0] + self._patience - now if self._begun else 0
            if not self._changed.wait_for(self._has_room, max(0, patience)):
                raise self._refusal()
            began = time.monotonic()
            self._begun.append(began)
        try:
            yield
        finally:
            with self._changed:
                self._begun.remove(began)
                self._changed.notify_all()

    def note(self, *, failed: bool) -> None:
        """What came of a question."""
        self._last_failed = failed

    def _has_room(self) -> bool:
        return len(self._begun) < (1 if self._last_failed else self._at_once)
