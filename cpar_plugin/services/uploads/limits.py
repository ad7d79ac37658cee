"""How large an uploaded file may be, packed, unpacked, and in rows. What goes beyond is refused with what to do."""

from typing import Final

from ...domain.refusals import Refused

MEGABYTE: Final = 1024 * 1024
FILE_BYTES: Final = 10 * MEGABYTE
UNPACKED_BYTES: Final = 200 * MEGABYTE
PACKED_FILES: Final = 2000  # within a spreadsheet, which is a ZIP archive
ROWS: Final = 100_000
COLUMNS: Final = 300
CELL_CHARACTERS: Final = 2000
# Of the process that reads a spreadsheet. The reader keeps a sheet in memory, empty cells between others too.
READER_BYTES: Final = 1024 * MEGABYTE
READER_SECONDS: Final = 60

FIELD: Final = "file"
ONLY_THE_LIST: Final = "Copy the list alone into a new spreadsheet, save it as XLSX or CSV, and upload that."


def refused(message: str) -> Refused:
    """A refusal that is shown at the field with the file."""
    return Refused({FIELD: message})


def check_row(number: int, cells: list[str]) -> None:
    """Raises Refused for a row that is beyond the limits. `number` begins with 1."""
    if number > ROWS:
        raise refused(f"The list has more than {ROWS:,} rows: split it, and upload one part after the other.")
    if len(cells) > COLUMNS:
        raise refused(f"Row {number:,} has more than {COLUMNS} columns. {ONLY_THE_LIST}")
    if max(map(len, cells), default=0) > CELL_CHARACTERS:
        raise refused(f"Row {number:,} has a cell of more than {CELL_CHARACTERS:,} characters. {ONLY_THE_LIST}")
