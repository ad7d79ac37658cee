"""How many processes of one worker may work for one clinic: one whose database hangs takes some of them, never all.

A place is a lock on a byte of a file without a name: it ends with the process that holds it, however that ends.
"""

import fcntl
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_BYTES_EACH: Final = 256  # more than the places of any clinic


class ClinicPlaces:
    """Those of one worker with so many processes, made before they are forked. Where there is one, it does all."""

    def __init__(self, processes: int, panels_at_once: int) -> None:
        """Of a clinic at most `panels_at_once` panels, and one round of other jobs, are in hand at a time.

        One process at least is left to others: with two of them a clinic's jobs do not run while its panels do.
        """
        self._panels = range(min(panels_at_once, max(1, processes - 2)))
        self._jobs = range(len(self._panels), len(self._panels) + 1) if processes > 2 else self._panels
        self._file, name = tempfile.mkstemp(prefix="cpar-worker-")
        Path(name).unlink()

    @contextmanager
    def held(self, clinic: str, *, jobs: bool = False) -> Iterator[bool]:
        """Hold a place of the clinic while the block works. False where all are held. One at a time in each process."""
        begin = int.from_bytes(hashlib.sha256(clinic.encode()).digest()[:6]) * _BYTES_EACH
        for number in self._jobs if jobs else self._panels:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, begin + number)
            except OSError:
                continue
            try:
                yield True
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, begin + number)
            return
        yield False
