"""A list in any order, whatever its length: it is sorted by a database of its own, whose file vanishes with it."""

import sqlite3
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

_CACHE: Final = "PRAGMA cache_size = -2000"  # KiB: the rest is in the file
_AT_ONCE: Final = 2500


class SnapshotSort(StrEnum):
    """What a submission's list is sorted by."""

    NAME = "name"
    RECORD = "record"
    BORN = "born"


class ListEntry(NamedTuple):
    """A patient of a list, and the places at which snapshots have them: -1 where one does not.

    `sent` is what was sent, as the snapshot has it: the entry and the member, each on a line; empty in other lists.
    """

    patient_id: int
    before: int = -1
    now: int = -1
    sent: bytes = b""


class SortedList:
    """Entries, each with the text by which it is sorted."""

    def __init__(self, *, descending: bool) -> None:
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.execute(_CACHE)
        self._database.execute("CREATE TABLE entry (sort_key, patient_id, before, now, sent)")
        self._order = "sort_key DESC, patient_id DESC" if descending else "sort_key, patient_id"

    def add(self, entries: Iterable[tuple[str, ListEntry]]) -> None:
        """Add some: those with the same text are in the order of their patient ids."""
        self._database.executemany(
            "INSERT INTO entry VALUES (?, ?, ?, ?, ?)", ((key, *entry) for key, entry in entries)
        )

    def __len__(self) -> int:
        count: int = self._database.execute("SELECT count(*) FROM entry").fetchone()[0]
        return count

    def page(self, places: range) -> list[ListEntry]:
        """The entries at these places."""
        return [ListEntry(*row) for row in self._rows(f"LIMIT {len(places)} OFFSET {places.start}")]

    def portions(self, key: str | None = None) -> Iterator[list[ListEntry]]:
        """All entries, or those with this text, some at a time."""
        rows = self._rows("", "" if key is None else "WHERE sort_key = ?", *(() if key is None else (key,)))
        while portion := rows.fetchmany(_AT_ONCE):
            yield [ListEntry(*row) for row in portion]

    def _rows(self, limit: str, where: str = "", *values: str) -> sqlite3.Cursor:
        columns = "SELECT patient_id, before, now, sent FROM entry"
        return self._database.execute(f"{columns} {where} ORDER BY {self._order} {limit}", values)

    def close(self) -> None:
        """Remove the file."""
        self._database.close()
