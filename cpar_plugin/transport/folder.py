"""A submission as a file in a folder, for another program or person to send."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .body import Body, DamagedError, damaged
from .values import DeliveryOutcome, DeliveryResult, Envelope, not_sent

_TAKEN_AT = "%Y%m%dT%H%M%SZ"
_FILE_NAME = re.compile(r".+-(?P<taken_at>\d{8}T\d{6}Z)-(?P<snapshot_id>[0-9a-f-]{36})\.json", re.ASCII)


class Folder:
    """Writes each snapshot to one file, readable only by the user it runs as. The same snapshot gives the same file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, envelope: Envelope) -> DeliveryResult:
        body = Body(envelope)
        try:
            self._write(body, file_name(envelope))
        except DamagedError:
            return damaged()
        except OSError as error:
            if body.failure is error:
                raise
            reason = error.strerror or type(error).__name__
            return not_sent(f"The submission could not be written to the folder {self._folder}: {reason}.")
        return DeliveryResult(outcome=DeliveryOutcome.WRITTEN, message=f"Written to the folder {self._folder}.")

    def _write(self, body: Body, name: str) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        # What an attempt that was killed has left behind holds patients too.
        for leftover in self._folder.glob(f".{name}.*.part"):
            leftover.unlink(missing_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=self._folder)  # mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(body)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._folder / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _fsync_folder(self._folder)


def file_name(envelope: Envelope) -> str:
    """`<panel number>-<taken at, UTC>-<snapshot id>.json`; what is unsafe in a file's name becomes `_`."""
    number = re.sub(r"[^A-Za-z0-9_-]", "_", envelope.panel_number)
    return f"{number}-{envelope.taken_at.astimezone(UTC):{_TAKEN_AT}}-{envelope.snapshot_id}.json"


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A submission in the folder."""

    name: str
    taken_at: datetime
    snapshot_id: str


def written(folder: Path) -> Iterator[WrittenFile]:
    """The submissions that are in a folder, by their names; none where there is no such folder."""
    with suppress(OSError):
        for path in folder.glob("*.json"):
            if match := _FILE_NAME.fullmatch(path.name):
                taken_at = datetime.strptime(match["taken_at"], _TAKEN_AT).replace(tzinfo=UTC)
                yield WrittenFile(path.name, taken_at, match["snapshot_id"])


def _fsync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the file system can: some network shares cannot."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
