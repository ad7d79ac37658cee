"""What the processes of one worker know of database servers: which did not answer lately, or slowly.

It is what this machine knows: one that is cut off from a server says nothing about others. It is kept in a file without
a name, which all processes of the worker have open, and locks on bytes of it end with the process that holds them.
"""

import fcntl
import hashlib
import os
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final

PAUSES: Final = (5.0, 10.0, 20.0, 40.0, 60.0)  # seconds, after so many failures in a row
_SLOW_SECONDS: Final = 1.0
_RECORD: Final = struct.Struct("<qddd")
_SERVERS: Final = 2**26  # places of records: nearly all of the file is a hole
_LAST_ANSWER: Final = struct.Struct("<d")
_FIRST_RECORD: Final = 4096  # before it, the moment of the last answer of any server, and places for doubtful ones


class Admission(Enum):
    """Whether work with a server may begin."""

    ADMITTED = "admitted"
    NO_PLACE = "no place"  # enough processes work with doubtful servers
    AWAY = "away"  # the pause after a failure is not over


@dataclass(frozen=True, slots=True)
class _KnownServer:
    """Moments are monotonic seconds, which all processes of a machine share."""

    failures: int = 0
    failed_at: float = 0.0  # first of these
    retry_at: float = 0.0
    contact_seconds: float = 0.0  # of the last answer

    @property
    def is_doubtful(self) -> bool:
        return self.failures > 0 or self.contact_seconds > _SLOW_SECONDS


class KnownServers:
    """Those of one worker with so many processes, made before they are forked. A server is any text that names it."""

    def __init__(self, processes: int, longest_pause_seconds: float) -> None:
        """Half of the processes, one at least, may work with servers that are doubtful."""
        self._longest = longest_pause_seconds
        self._doubtful = range(_LAST_ANSWER.size, _LAST_ANSWER.size + max(1, processes // 2))
        self._file, name = tempfile.mkstemp(prefix="cpar-worker-")
        Path(name).unlink()

    @contextmanager
    def admitted(self, server: str) -> Iterator[Admission]:
        """Work with the server in the block where it is admitted. One at a time in each process.

        One that did not answer is asked by one process at a time until it has.
        """
        known, place = self._read(server), _place(server)
        if known.failures and time.monotonic() < known.retry_at:
            yield Admission.AWAY
            return
        with ExitStack() as stack:
            if known.failures and not stack.enter_context(self._locked([place])):
                yield Admission.AWAY
            elif known.is_doubtful and not stack.enter_context(self._locked(self._doubtful)):
                yield Admission.NO_PLACE
            else:
                yield Admission.ADMITTED

    def note_answer(self, server: str, seconds: float) -> None:
        """It has answered the first question after so long."""
        known, now = self._read(server), _KnownServer(contact_seconds=seconds)
        if known.is_doubtful or now.is_doubtful:
            self._write(server, now)
        os.pwrite(self._file, _LAST_ANSWER.pack(time.monotonic()), 0)

    def note_failure(self, server: str) -> bool:
        """It has not answered. Returns whether that is news."""
        known, now = self._read(server), time.monotonic()
        if known.failures and now < known.retry_at:  # others have been waiting for it as well
            return False
        pause = min(self._longest, PAUSES[min(known.failures, len(PAUSES) - 1)])
        failed_at = known.failed_at if known.failures else now
        self._write(server, replace(known, failures=known.failures + 1, failed_at=failed_at, retry_at=now + pause))
        return not known.failures

    def others_answer(self, server: str) -> bool:
        """Whether any has answered since this one has not: otherwise it may be this machine that is cut off."""
        answered = os.pread(self._file, _LAST_ANSWER.size, 0)
        return bool(answered) and _LAST_ANSWER.unpack(answered)[0] > self._read(server).failed_at

    def _read(self, server: str) -> _KnownServer:
        stored = os.pread(self._file, _RECORD.size, _place(server))
        return _KnownServer(*_RECORD.unpack(stored)) if len(stored) == _RECORD.size else _KnownServer()

    def _write(self, server: str, known: _KnownServer) -> None:
        values = known.failures, known.failed_at, known.retry_at, known.contact_seconds
        os.pwrite(self._file, _RECORD.pack(*values), _place(server))

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


def _place(server: str) -> int:
    number = int.from_bytes(hashlib.sha256(server.encode()).digest()[:8]) % _SERVERS
    return _FIRST_RECORD + number * _RECORD.size
