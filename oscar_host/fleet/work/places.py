"""How many processes of one worker may work for one clinic: one whose database hangs takes some of them, never all.

A place is a lock on a byte of a file without a name: it ends with the process that holds it, however that ends.
"""

import fcntl
import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from pathlib import Path
from typing import Final

_BYTES_EACH: Final = 256  # more than the places of any clinic


class PlaceHold(Enum):
    """Who has the place that was asked for."""

    OURS = "ours"
    OF_PANELS = "of panels"
    OF_JOBS = "of jobs"


class ClinicPlaces:
    """Those of one worker with so many processes, made before they are forked. Where there is one, it does all."""

    def __init__(self, processes: int, panels_at_once: int) -> None:
        """Of a clinic at most `panels_at_once` panels, and one round of other jobs, are in hand at a time.

        One process at least is left to others: with two of them a clinic's jobs do not run while its panels do.
        """
        self._panels = min(panels_at_once, max(1, processes - 2))
        self._are_apart = processes > 2
        self._file, name = tempfile.mkstemp(prefix="cpar-worker-")
        Path(name).unlink()

    @contextmanager
    def held(self, clinic: str, *, jobs: bool = False) -> Iterator[PlaceHold]:
        """Hold a place of the clinic while the block works, where one is free. One at a time in each process."""
        begin = int.from_bytes(hashlib.sha256(clinic.encode()).digest()[:6]) * _BYTES_EACH
        panels, of_jobs = range(begin, begin + self._panels), [begin + self._panels]
        with ExitStack() as stack:
            if jobs and not stack.enter_context(self._locked(of_jobs)):
                yield PlaceHold.OF_JOBS
            elif (jobs and self._are_apart) or stack.enter_context(self._locked(panels)):
                yield PlaceHold.OURS
            elif not jobs and not self._are_apart and not self._is_free(of_jobs):
                yield PlaceHold.OF_JOBS
            else:  # they may have been jobs that have ended since
                yield PlaceHold.OURS if stack.enter_context(self._locked(panels)) else PlaceHold.OF_PANELS

    def _is_free(self, places: Iterable[int]) -> bool:
        with self._locked(places) as locked:
            return locked

    @contextmanager
    def _locked(self, places: Iterable[int]) -> Iterator[bool]:
        for place in places:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except OSError:
                continue
            try:
                yield True
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)
            return
        yield False
