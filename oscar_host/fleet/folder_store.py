"""Clinics in a folder of settings files, `NAME.ini`, each written and moved whole: no half is ever read."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from cpar_plugin.hooks import Refused

from ..plain_file import content
from . import draining
from .store import NO_TEXT, StoredClinic, StoredClinics, Unreadable, shown

_SUFFIX: Final = ".ini"
_REMOVED: Final = ".removed"  # not read, and there to be added again
FileMark = tuple[str, int, int, int]  # a file as it is on the disk: path, time, size, number; zeros where there is none


class FolderStore:
    """One folder, which other machines may have a copy of."""

    rest_seconds: float = 0

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet."""
        self._folder = folder
        self.place = f"the folder {folder}"

    def look(self) -> StoredClinics:
        """By the names in the folder; which of them have changed is seen by time, size and number of the file."""
        try:
            with os.scandir(self._folder) as entries:
                files = [entry.name for entry in entries]
        except OSError as error:
            raise Unreadable(f"clinics: the folder {self._folder} cannot be read ({error.strerror}).") from None
        names = sorted(file.removesuffix(_SUFFIX) for file in files if file.endswith(_SUFFIX))
        return StoredClinics(tuple(map(self._stored, names)), draining.marked(files, names))

    def origin(self, name: str) -> str:
        """The path of its file."""
        return str(self._file(name))

    def add(self, name: str, text: str) -> None:
        """Write its file, which only the user of the service can read."""
        with self._changed(), self._written(text) as file:
            try:
                os.link(file, self._file(name))
            except FileExistsError:
                raise Refused({"name": f"Someone else has just added {name}."}) from None

    def replace(self, name: str, text: str) -> None:
        """Write its file again; its owner and mode are those of a new one."""
        with self._changed(), self._written(text) as file:
            file.replace(self._file(name))

    def remove(self, name: str) -> str:
        """Its file remains, as NAME.removed."""
        kept = self._file(name).with_suffix(_REMOVED)
        with self._changed():
            self._file(name).replace(kept)
            draining.unmark(self._folder, name)
        return str(kept)

    def drain(self, name: str, *, end: bool = False) -> None:
        """By a file of its own in the folder."""
        with self._changed():
            (draining.unmark if end else draining.mark)(self._folder, name)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"

    def _stored(self, name: str) -> StoredClinic:
        file = self._file(name)
        return StoredClinic(shown(name), shown(str(file)), file_mark(file), partial(_text, file), file)

    @contextmanager
    def _changed(self) -> Iterator[None]:
        """What is done in the block lasts. Raises Refused where the folder cannot be written."""
        try:
            yield
            _sync(self._folder)
        except OSError as error:
            message = f"clinics: the folder {self._folder} cannot be changed ({error.strerror})."
            remedy = "Run this as a user who may write to it, on a disk that has room."
            raise Refused({"clinics": f"{message} {remedy}"}) from None

    @contextmanager
    def _written(self, text: str) -> Iterator[Path]:
        number, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".new")
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(number)
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)


def file_mark(path: Path) -> FileMark:
    """Another one as soon as the file has been written."""
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), status.st_mtime_ns, status.st_size, status.st_ino


def _text(file: Path) -> str:
    try:
        return content(file).decode("utf-8")
    except OSError as error:
        raise Refused({"settings": f"It cannot be read ({error.strerror})."}) from None
    except UnicodeDecodeError:
        raise Refused({"settings": NO_TEXT}) from None


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
