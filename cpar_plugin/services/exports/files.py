"""The files of exports, readable by us alone: a folder for each attempt, named by its claim, files for each kind."""

import os
import shutil
import sys
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
    """Writes resources into one file, or into a further one whenever it has `most` of them.

    A file is made with its first line: what would be empty is not there.
    """

    def __init__(self, folder: Path, section: Section, kind: str, most: int, name: str) -> None:
        self.files: list[File] = []
        self._folder = folder
        self._section = section
        self._kind = kind
        self._most = most
        self._name = _NAMES[section].format(name)
        self._open: BinaryIO | None = None

    def lines(self, lines: list[bytes], *, patients: int = 0) -> None:
        """Add resources, each as JSON without a newline in it; `patients`: how many they are about."""
        while lines:
            file = self._file()
            room = self._most - file.resources
            part, lines = lines[:room], lines[room:]
            self._write(file, (b"\n".join(part), b"\n"))
            file.resources += len(part)
            of_part = min(patients, len(part)) if lines else patients
            file.patients += of_part
            patients -= of_part

    def chunked(self, chunks: Iterable[bytes], *, patients: int = 0) -> None:
        """Add one resource that comes in chunks."""
        file = self._file()
        self._write(file, chunks)
        self._write(file, (b"\n",))
        file.resources += 1
        file.patients += patients

    def _file(self) -> File:
        """The file that the next resource goes into."""
        if self.files and self.files[-1].resources < self._most:
            return self.files[-1]
        self.close()
        number = len(self.files) + 1
        name = self._name if number == 1 else self._name.replace(".", f"-{number}.")
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._open = os.fdopen(descriptor, "wb", buffering=_BUFFER)
        self.files.append(File(self._section, self._kind, name))
        return self.files[-1]

    def _write(self, file: File, chunks: Iterable[bytes]) -> None:
        assert self._open
        for chunk in chunks:
            file.bytes += self._open.write(chunk)

    def close(self) -> None:
        """Everything is in the file."""
        if self._open:
            self._open.close()
            self._open = None


class Files:
    """The files of one attempt."""

    def __init__(self, folder: Path, claim: str, most: int) -> None:
        """Makes the folder. `most`: resources in a file. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder / claim
        self._folder.mkdir(mode=0o700)
        self._most = most
        self.written: list[File] = []

    @contextmanager
    def writing(self, section: Section, kind: str) -> Iterator[Writer]:
        """New files for a kind, complete at the end of the block."""
        with self._writing(Writer(self._folder, section, kind, self._most, kind)) as writer:
            yield writer

    @contextmanager
    def writing_whole(self, kind: str, name: str) -> Iterator[Writer]:
        """One new file of the output, however long, complete at the end of the block."""
        with self._writing(Writer(self._folder, Section.OUTPUT, kind, sys.maxsize, name)) as writer:
            yield writer

    @contextmanager
    def _writing(self, writer: Writer) -> Iterator[Writer]:
        try:
            yield writer
        finally:
            writer.close()
        self.written += writer.files


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
