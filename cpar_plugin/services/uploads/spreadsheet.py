"""Spreadsheets: what is packed in them is measured, then another process reads them (see `spreadsheet_child`)."""

import os
import subprocess
import sys
import tempfile
import weakref
import zipfile
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import IO, Final

import orjson

from . import limits, spreadsheet_child
from .limits import ONLY_THE_LIST, check_row, refused

ZIP: Final = b"PK\x03\x04"
OLE: Final = b"\xd0\xcf\x11\xe0"
DOCUMENT: Final = "This is a document, not a spreadsheet. Copy the list into a spreadsheet, and upload that."
_ARCHIVE = "This file is an archive, not a spreadsheet. Unpack it, and upload the list that is in it."
_OF_DOCUMENTS = ("word/", "ppt/", "visio/")
_OF_SPREADSHEETS = ("[Content_Types].xml", "xl/", "content.xml")
_NOT_READABLE = f"This spreadsheet cannot be read. {ONLY_THE_LIST}"
_TOO_MUCH = f"This spreadsheet needs too much memory or time to be read. {ONLY_THE_LIST}"
_PROTECTED = "This spreadsheet is protected by a password. Save a copy without the password, and upload that."


def check_packed(data: bytes) -> None:
    """Raises Refused for an archive that is no spreadsheet, or says that it is too large, before any is unpacked."""
    if not data.startswith(ZIP):
        return
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, UnicodeError):
        raise refused(_NOT_READABLE) from None
    if len(entries) > limits.PACKED_FILES or sum(entry.file_size for entry in entries) > limits.UNPACKED_BYTES:
        raise refused(_TOO_MUCH)
    names = [entry.filename for entry in entries]
    if any(name.startswith(_OF_DOCUMENTS) for name in names):
        raise refused(DOCUMENT)
    if not any(name.startswith(_OF_SPREADSHEETS) for name in names):
        raise refused(_ARCHIVE)


def counts_from_1904(data: bytes) -> bool:
    """Whether the workbook says that its days are counted from 1904, as those of old Macs are."""
    if not data.startswith(ZIP):
        return False
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive, archive.open("xl/workbook.xml") as part:
            beginning = part.read(64 * 1024)
    except (KeyError, zipfile.BadZipFile, ValueError, NotImplementedError, OSError, RuntimeError):
        return False
    return b'date1904="1"' in beginning or b'date1904="true"' in beginning


class ReadSheet:
    """A sheet as it was read, in a file without a name on disk that is gone with this object."""

    def __init__(self, output: IO[bytes]) -> None:
        self._output = output
        weakref.finalize(self, output.close)

    @property
    def names(self) -> list[str]:
        """Of all sheets that a person sees."""
        return list(orjson.loads(next(self._lines())))

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that is not empty. Raises Refused beyond the limits."""
        for line in islice(self._lines(), 1, None):
            number, cells = orjson.loads(line)
            check_row(number, cells)
            if any(cells):
                yield number, cells

    def _lines(self) -> Iterator[bytes]:
        """From the first on, wherever others are in it."""
        position, rest = 0, b""
        while portion := os.pread(self._output.fileno(), limits.MEGABYTE, position):
            position += len(portion)
            *lines, rest = (rest + portion).split(b"\n")
            yield from lines


def read(data: bytes, sheet: int) -> ReadSheet:
    """Read a sheet, of those that a person sees by its place. Raises Refused for what cannot be read."""
    ceilings = (limits.READER_BYTES, limits.READER_SECONDS, limits.UNPACKED_BYTES, limits.ROWS)
    command = [sys.executable, "-m", spreadsheet_child.__name__, *map(str, (sheet, *ceilings))]
    output = tempfile.TemporaryFile()  # noqa: SIM115  closed by what is returned
    result = ReadSheet(output)
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        # What it says when it fails may hold names of patients.
        ended = subprocess.run(command, stdin=file, stdout=output, stderr=subprocess.DEVNULL, check=False)  # noqa: S603  this program itself
    match ended.returncode:
        case 0:
            return result
        case spreadsheet_child.PROTECTED:
            raise refused(_PROTECTED)
        case spreadsheet_child.UNREADABLE:
            raise refused(_NOT_READABLE)
        case _:  # ended for what it asked for
            raise refused(_TOO_MUCH)
