"""A process of its own that reads a spreadsheet: XLSX, XLSB, XLS or ODS from its input, rows as JSON to its output.

A small file can make the reader ask for more memory than there is, which ends the process that it runs in
(python-calamine 0.9.1). So it is not the server's, and it may not have much.
"""

import io
import resource
import signal
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

import orjson
import python_calamine

PROTECTED, UNREADABLE = 3, 4  # what the process ends with


def main(sheet: int, memory_bytes: int, seconds: int, written_bytes: int, most_rows: int) -> int:
    """Write the names of the visible sheets, then the rows of one of them, and one more than the most where it has."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # too long an output ends the process, too
    resource.setrlimit(resource.RLIMIT_FSIZE, (written_bytes, written_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        book = python_calamine.load_workbook(io.BytesIO(sys.stdin.buffer.read()))
        names = [
            one.name
            for one in book.sheets_metadata
            if one.visible is python_calamine.SheetVisibleEnum.Visible
            and one.typ is python_calamine.SheetTypeEnum.WorkSheet
        ]
        _write(names)
        if 0 <= sheet < len(names):
            for row in islice(_rows(book.get_sheet_by_name(names[sheet])), most_rows + 1):
                _write(row)
        sys.stdout.buffer.flush()
    except python_calamine.PasswordError:
        return PROTECTED
    except (python_calamine.CalamineError, MemoryError, OSError, ValueError):
        return UNREADABLE
    return 0


def _write(value: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))


def _rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows with their numbers, from 1. Cells that are merged with the one above them have its value too."""
    first_column = (sheet.start or (0, 0))[1]  # what is empty before it is left off, but not the rows above
    merged = {
        (row, first[1] - first_column): first[0]
        for first, last in sheet.merged_cell_ranges or ()
        if first[1] == last[1]
        for row in range(first[0], last[0] + 1)
    }
    values: dict[tuple[int, int], str] = {}
    for place, cells in enumerate(sheet.iter_rows()):
        texts = [_text(cell) for cell in cells]
        for column in range(len(texts)) if merged else ():
            first_row = merged.get((place, column))
            if first_row == place:
                values[place, column] = texts[column]
            elif first_row is not None:
                texts[column] = values.get((first_row, column), "")
        yield place + 1, texts


def _text(value: object) -> str:
    if type(value) is str:  # nearly all
        return value.strip()
    match value:
        case bool():
            return str(value).upper()
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ", "seconds")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value).strip()


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
