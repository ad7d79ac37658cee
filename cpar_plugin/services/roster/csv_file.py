"""A CSV file as a spreadsheet opens it: UTF-8 that Excel knows, one line for each row, no formulas, streamed."""

import csv
import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import TypeVar

from ...domain.texts import readable

_BYTE_ORDER_MARK = "\ufeff"  # by which Excel knows UTF-8
# What begins a formula, or the command of a program, in one spreadsheet or another; some read the wide forms as well.
_FORMULA = ("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠")
_AT_ONCE = 1000

Portion = TypeVar("Portion", str, bytes)

log = logging.getLogger(__name__)


class ExportInterrupted(Exception):
    """The file is not whole: the log says which kind of error ended it."""


def csv_file(rows: Iterable[tuple[object, ...]]) -> Iterator[bytes]:
    """The file, in portions. Raises ExportInterrupted, without patient data, where reading the rows fails."""
    return without_details(_encoded(rows))


def without_details(portions: Iterable[Portion]) -> Iterator[Portion]:
    """What is streamed of patients. Raises ExportInterrupted instead of any error, whose text may have their data."""
    try:
        yield from portions
    except Exception as error:
        # Half of the response is sent: it must end, but the log must not have the text of the error.
        log.error("an export of patients was interrupted: %s", type(error).__name__)
        raise ExportInterrupted from None


def _encoded(rows: Iterable[tuple[object, ...]]) -> Iterator[bytes]:
    yield _BYTE_ORDER_MARK.encode()
    written: list[str] = []
    writer = csv.writer(_Lines(written))
    for row in rows:
        writer.writerow([cell(value) for value in row])
        if len(written) >= _AT_ONCE:
            yield "".join(written).encode()
            written.clear()
    yield "".join(written).encode()


class _Lines:
    """What a CSV writer writes to: a list of lines."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def moment_cell(moment: datetime | None, zone: tzinfo) -> str | None:
    """A moment of the clinic's clock as a spreadsheet reads and sorts it: `2026-12-01 03:15`, as dates are."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M") if moment else None


def cell(value: object) -> str:
    """A value as a spreadsheet may read it: on one line, and never a formula."""
    text = "" if value is None else readable(str(value)) or ""
    return f"'{text}" if text.startswith(_FORMULA) else text
