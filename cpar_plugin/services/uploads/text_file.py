"""Lists as text: letters in the usual encodings, columns separated by comma, semicolon, tab or bar.

No statistical guess at the letters: detectors tried on lists of French and Spanish names were wrong for most files of
more than a few rows. What is certain decides, else Windows-1252; a person who sees the names can choose another one.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from .limits import ONLY_THE_LIST, check_row, refused

ENCODINGS: Final = {
    "utf-8-sig": "UTF-8",
    "cp1252": "Windows-1252 (Western European)",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16, little-endian",
    "utf-16-be": "UTF-16, big-endian",
    "mac-roman": "Mac Roman",
    "cp850": "DOS (code page 850)",
}
_FALLBACK: Final = "cp1252"
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOK_BYTES: Final = 4096
_LOOK_LINES: Final = 40
_DELIMITERS: Final = ",;\t|"
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
_MOST_CONTROLS: Final = 0.02  # of the characters of a text
_ZEROS: Final = 0.3  # of the bytes at even or odd places: every other byte of Latin letters in UTF-16 is zero


def detected_encoding(data: bytes) -> str:
    """The key in ENCODINGS of what the bytes must be, else of Windows-1252."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    beginning = data[:_LOOK_BYTES]
    if beginning[1::2].count(0) > _ZEROS * len(beginning) / 2:
        return "utf-16-le"
    if beginning[0::2].count(0) > _ZEROS * len(beginning) / 2:
        return "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _FALLBACK
    return "utf-8-sig"


def rows(data: bytes, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty with its number, from 1. Raises Refused for what is no such text, or too large."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding=encoding, errors="replace", newline="")
    beginning = "".join(islice(text, _LOOK_LINES))
    if len(_CONTROLS.findall(beginning)) > _MOST_CONTROLS * len(beginning):
        raise refused(f"This file is neither a text nor a spreadsheet that can be read. {ONLY_THE_LIST}")
    declared = beginning[:5].removeprefix("\ufeff")
    delimiter = _delimiter(beginning)
    if declared.startswith("sep=") and len(declared) > len("sep="):  # a line for Excel alone
        delimiter = declared[len("sep=")]
    text.seek(0)
    try:
        for number, cells in enumerate(csv.reader(_without_zeros(text), delimiter=delimiter), 1):
            check_row(number, cells)
            if any(map(str.strip, cells)) and not (number == 1 and declared.startswith("sep=")):
                yield number, [cell.strip() for cell in cells]
    except csv.Error:
        raise refused(
            f"The columns of this file cannot be read: a quotation mark may be missing. {ONLY_THE_LIST}"
        ) from None


def _without_zeros(lines: Iterator[str]) -> Iterator[str]:
    return (line.replace("\0", "") for line in lines)


def _delimiter(beginning: str) -> str:
    """The one by which the most lines have the same number of columns, more than one; of these that of most columns."""

    def regular(delimiter: str) -> tuple[int, int]:
        try:
            widths = [
                len(row) for row in csv.reader(io.StringIO(beginning, newline=""), delimiter=delimiter) if len(row) > 1
            ]
        except csv.Error:
            return 0, 0
        usual = max(set(widths), key=lambda width: (widths.count(width), width), default=0)
        return widths.count(usual), usual

    return max(_DELIMITERS, key=regular)
