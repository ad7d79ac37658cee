"""What OSCAR has answered lately, in a folder that all processes of this machine share: a small file for each cookie.

The holder of a file's lock may ask; the others wait for the answer. The lock ends with the process that holds it. A
folder that cannot be used costs questions, and nothing else.
"""

import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cpar_plugin.hooks import Refused

from .turns import Turns

log = logging.getLogger(__name__)

_LONGEST_SECONDS = 60 * 60  # a file that no one has written for so long is thrown away
_BETWEEN_CLEANINGS = 60  # seconds
_MOST_KEPT = 10_000
_MOST_BYTES = 4096
_NAMES = "?" * 64  # an HMAC's


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What OSCAR said when it was asked: whose the session is, None for no one's."""

    requested_at: datetime
    provider_id: str | None


class Slot:
    """The answer for one cookie, for the holder of its lock."""

    def __init__(self, file: int | None) -> None:
        """Without a file there is never an answer, and none is kept."""
        self._file = file
        self.answer, self._failed_at = self._read()

    def failed_since(self, began: float) -> bool:
        """Whether a question to OSCAR has failed since that moment of `time.monotonic`, while the caller waited."""
        return self._failed_at is not None and began <= self._failed_at <= time.monotonic()

    def keep(self, answer: ProviderAnswer) -> None:
        """For everyone who comes later."""
        self.answer = answer
        self._write(None)

    def note_failure(self) -> None:
        """For those who are waiting. Earlier answers remain."""
        self._write(time.monotonic())

    def _read(self) -> tuple[ProviderAnswer | None, float | None]:
        if self._file is None:
            return None, None
        try:
            values = json.loads(os.pread(self._file, _MOST_BYTES, 0))
            answer = (
                ProviderAnswer(datetime.fromisoformat(values["requested_at"]), values["provider_id"])
                if values["requested_at"]
                else None
            )
            return answer, values["failed_at"]
        except (OSError, ValueError, KeyError, TypeError):  # empty, or cut off when the disk was full
            return None, None

    def _write(self, failed_at: float | None) -> None:
        if self._file is None:
            return
        answer = self.answer
        values = {
            "requested_at": answer.requested_at.isoformat() if answer else None,
            "provider_id": answer.provider_id if answer else None,
            "failed_at": failed_at,
        }
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps(values).encode(), 0)
        except OSError as error:
            log.warning("What OSCAR answers cannot be kept (%s): it is asked again each time.", error.strerror)


class Answers:
    """The folder. May be shared between threads and processes."""

    def __init__(self, folder: Path, waiting: Turns, most_kept: int = _MOST_KEPT) -> None:
        """Makes the folder, for this user alone. Raises Refused where that is not possible.

        `waiting` bounds how many threads wait for someone else's question.
        """
        self._folder = folder
        self._waiting = waiting
        self._most_kept = most_kept
        self._cleaned_at = float("-inf")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Refused({"session_folder": f"{folder} cannot be made ({error.strerror})."}) from None

    @contextmanager
    def of(self, name: str) -> Iterator[Slot]:
        """The slot of this name, as soon as no one else holds it. Raises what `waiting` raises."""
        try:
            file = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            log.warning("%s cannot be used (%s): OSCAR is asked each time.", self._folder, error.strerror)
            yield Slot(None)
            return
        try:
            self._lock(file)
            if os.fstat(file).st_size == 0:
                self._clean()
            yield Slot(file)
        finally:
            os.close(file)

    def _lock(self, file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with self._waiting.one():
                fcntl.flock(file, fcntl.LOCK_EX)

    def _clean(self) -> None:
        """Throw old files away, and the oldest of too many. A lock that is held in the meantime is not affected."""
        if time.monotonic() - self._cleaned_at < _BETWEEN_CLEANINGS:
            return
        self._cleaned_at = time.monotonic()
        with suppress(OSError):
            latest_first = sorted(((file.stat().st_mtime, file) for file in self._folder.glob(_NAMES)), reverse=True)
            for index, (written_at, file) in enumerate(latest_first):
                if index >= self._most_kept or time.time() - written_at > _LONGEST_SECONDS:
                    file.unlink(missing_ok=True)
