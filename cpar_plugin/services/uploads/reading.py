"""An uploaded file as rows of texts, whatever its format. Formulas are not computed: their stored value counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final

from ...domain.list_cells import SerialsFrom
from . import limits, spreadsheet, text_file
from .limits import MEGABYTE, refused
from .spreadsheet import ReadSheet

LOOK_ROWS: Final = 60
_PICTURE: Final = "This is a picture. Ask for the list as a spreadsheet or as CSV, and upload that."
_UNFIT: Final = (
    (b"%PDF", "This is a PDF. Ask for the list as a spreadsheet or as CSV, and upload that."),
    (b"\x1f\x8b", "This file is compressed. Unpack it, and upload the list that is in it."),
    (b"{\\rtf", spreadsheet.DOCUMENT),
    *((beginning, _PICTURE) for beginning in (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")),
)
_WEB_PAGE: Final = (
    "This file is a web page or XML, whatever its name says. Open it in a spreadsheet program, save it as XLSX, and "
    "upload that."
)
# The second of these begins SpreadsheetML 2003, which reporting portals call `.xls`.
_MARKUP: Final = (b"<!doctype html", b"<?xml", b"<html", b"<table", b"<meta", b"<head")

Row = tuple[int, list[str]]  # its number in the file, from 1, and its cells


@dataclass(frozen=True)
class ListFile:
    """An uploaded file. Raises Refused at the field `file` for what is no list that can be read."""

    data: bytes

    def __post_init__(self) -> None:
        if not self.data.strip(b"\0 \t\r\n"):
            raise refused("Select a file that is not empty.")
        if len(self.data) > limits.FILE_BYTES:
            raise refused(f"The file is larger than {limits.FILE_BYTES // MEGABYTE} MB. {limits.ONLY_THE_LIST}")
        for beginning, message in _UNFIT:
            if self.data.startswith(beginning):
                raise refused(message)
        if self.data[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP):
            raise refused(_WEB_PAGE)
        spreadsheet.check_packed(self.data)

    @property
    def is_text(self) -> bool:
        """Whether it is a text such as CSV, and not a spreadsheet."""
        return not self.data.startswith((spreadsheet.ZIP, spreadsheet.OLE))

    @cached_property
    def sheets(self) -> list[str]:
        """The names of its sheets, none of a text. Raises Refused for a spreadsheet without any that can be seen."""
        if self.is_text:
            return []
        names = self._sheet(0).names
        if not names:
            raise refused(f"This spreadsheet has no sheet that can be seen. {limits.ONLY_THE_LIST}")
        return names

    @cached_property
    def detected_encoding(self) -> str:
        """Of a text, a key of text_file.ENCODINGS; '' for a spreadsheet."""
        return text_file.detected_encoding(self.data) if self.is_text else ""

    @property
    def serials_from(self) -> SerialsFrom:
        """From which year its days are counted, as far as it says so."""
        return SerialsFrom.MAC if spreadsheet.counts_from_1904(self.data) else SerialsFrom.WINDOWS

    def rows(self, *, sheet: int = 0, encoding: str = "") -> Iterator[Row]:
        """The rows that are not empty of a sheet, or of the text in this encoding. Raises Refused beyond the limits."""
        if self.is_text:
            return text_file.rows(self.data, encoding or self.detected_encoding)
        return self._sheet(sheet).rows()

    def _sheet(self, place: int) -> ReadSheet:
        """Read once, however often it is looked at."""
        if place not in self._read:
            self._read[place] = spreadsheet.read(self.data, place)
        return self._read[place]

    @cached_property
    def _read(self) -> dict[int, ReadSheet]:
        return {}

    def first_rows(self, *, sheet: int = 0, encoding: str = "", count: int = LOOK_ROWS) -> list[Row]:
        """The first of them, without reading on."""
        rows = self.rows(sheet=sheet, encoding=encoding)
        try:
            return list(islice(rows, count))
        finally:
            close = getattr(rows, "close", None)
            if close:
                close()
