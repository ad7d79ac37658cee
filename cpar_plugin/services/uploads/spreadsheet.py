"""Spreadsheets: what is packed in them is measured, then another process reads them (see `spreadsheet_child`)."""

import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Final

from . import limits, spreadsheet_child
from .limits import ONLY_THE_LIST, check_row, refused

ZIP: Final = b"PK\x03\x04"
OLE: Final = b"\xd0\xcf\x11\xe0"
_NAMES_ONLY: Final = -1
_NOT_READABLE = f"This spreadsheet cannot be read. {ONLY_THE_LIST}"
_TOO_MUCH = f"This spreadsheet needs too much memory or time to be read. {ONLY_THE_LIST}"
_PROTECTED = "This spreadsheet is protected by a password. Save a copy without the password, and upload that."


def check_packed(data: bytes) -> None:
    """Raises Refused for an archive that says that it is too large unpacked, before any of it is unpacked."""
    if not data.startswith(ZIP):
        return
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, UnicodeError):
        raise refused(_NOT_READABLE) from None
    if len(entries) > limits.PACKED_FILES or sum(entry.file_size for entry in entries) > limits.UNPACKED_BYTES:
        raise refused(_TOO_MUCH)


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


def sheet_names(data: bytes) -> list[str]:
    """The names of the sheets that a person sees. Raises Refused for what cannot be read."""
    with _reader(data, _NAMES_ONLY) as lines:
        return list(json.loads(next(lines)))


def rows(data: bytes, sheet: int) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty of a sheet, which is one of `sheet_names` by its place. Raises Refused."""
    with _reader(data, sheet) as lines:
        next(lines)
        for line in lines:
            number, cells = json.loads(line)
            check_row(number, cells)
            if any(cells):
                yield number, cells


@contextmanager
def _reader(data: bytes, sheet: int) -> Iterator[Iterator[str]]:
    """The lines that the process writes. It is ended when no more of them are read."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        process = _started(file, sheet)
        try:
            assert process.stdout
            yield _lines(process, process.stdout)
        finally:
            process.kill()
            process.communicate()


def _started(file: IO[bytes], sheet: int) -> subprocess.Popen[str]:
    limit = (str(limits.READER_BYTES), str(limits.READER_SECONDS))
    command = [sys.executable, "-m", spreadsheet_child.__name__, str(sheet), *limit]
    # What it says when it fails may hold names of patients.
    return subprocess.Popen(  # noqa: S603  this program itself
        command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
    )


def _lines(process: "subprocess.Popen[str]", output: IO[str]) -> Iterator[str]:
    yield from output
    match process.wait():
        case 0:
            return
        case spreadsheet_child.PROTECTED:
            raise refused(_PROTECTED)
        case spreadsheet_child.UNREADABLE:
            raise refused(_NOT_READABLE)
        case _:  # ended for what it asked for
            raise refused(_TOO_MUCH)
