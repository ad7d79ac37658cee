"""The files of exports, readable by us alone: a folder for each attempt, named by its claim, a file for each kind."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from ...domain.exhaustive import exhaustive

_BUFFER = 1024 * 1024


class Section(StrEnum):
    """The part of the manifest that lists a file."""

    OUTPUT = "output"
    DELETED = "deleted"
    ERROR = "error"


_NAMES = exhaustive(
    __name__,
    Section,
    {Section.OUTPUT: "{}.ndjson", Section.DELETED: "deleted-{}.ndjson", Section.ERROR: "error-{}.ndjson"},
)


@dataclass(slots=True)
class File:
    """A file: how many resources it has, each on a line, and how many patients they are about."""

    section: Section
    kind: str
    name: str
    resources: int = 0
    patients: int = 0
    bytes: int = 0


class Writer:
    """Writes one file. It is made with its first line: what would be empty is not there."""

    def __init__(self, folder: Path, section: Section, kind: str) -> None:
        self.file = File(section, kind, _NAMES[section].format(kind))
        self._path = folder / self.file.name
        self._open: BinaryIO | None = None

    def lines(self, lines: list[bytes], *, patients: int = 0) -> None:
        """Add resources, each as JSON without a newline in it; `patients`: how many they are about."""
        if lines:
            self._write((b"\n".join(lines), b"\n"))
            self.file.resources += len(lines)
            self.file.patients += patients

    def chunked(self, chunks: Iterable[bytes], *, patients: int = 0) -> None:
        """Add one resource that comes in chunks."""
        self._write(chunks)
        self._write((b"\n",))
        self.file.resources += 1
        self.file.patients += patients

    def _write(self, chunks: Iterable[bytes]) -> None:
        if self._open is None:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._open = os.fdopen(descriptor, "wb", buffering=_BUFFER)
        for chunk in chunks:
            self.file.bytes += self._open.write(chunk)

    def close(self) -> None:
        """Everything is in the file."""
        if self._open:
            self._open.close()


class Files:
    """The files of one attempt."""

    def __init__(self, folder: Path, claim: str) -> None:
        """Makes the folder. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder / claim
        self._folder.mkdir(mode=0o700)
        self.written: list[File] = []

    @contextmanager
    def writing(self, section: Section, kind: str) -> Iterator[Writer]:
        """A new file, complete at the end of the block."""
        writer = Writer(self._folder, section, kind)
        try:
            yield writer
        finally:
            writer.close()
        if writer.file.resources:
            self.written.append(writer.file)


def open_file(folder: Path, claim: str, file: File) -> BinaryIO | None:
    """A file to be read. None where it is not there, or not as it was written."""
    try:
        stream = (folder / claim / file.name).open("rb")
    except OSError:
        return None
    if os.fstat(stream.fileno()).st_size != file.bytes:
        stream.close()
        return None
    return stream


def folders(folder: Path) -> list[str]:
    """The claims that have a folder."""
    return [path.name for path in folder.iterdir() if _is_claim(path.name)] if folder.is_dir() else []


def remove_folder(folder: Path, claim: str) -> None:
    """Remove the files of an attempt, as far as they are there."""
    shutil.rmtree(folder / claim, ignore_errors=True)


def _is_claim(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
