"""What the registry has received, in one SQLite file of its own. Only invented patients belong in it."""

import json
import sqlite3
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .transaction import AcceptedSubmission

_TABLES = """
CREATE TABLE IF NOT EXISTS submission (
    identifier TEXT NOT NULL, sha256 TEXT NOT NULL, accepted INTEGER NOT NULL, receipt TEXT NOT NULL,
    panel_number TEXT NOT NULL, members INTEGER NOT NULL, entries INTEGER NOT NULL,
    first_at TEXT NOT NULL, last_at TEXT NOT NULL, arrivals INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (identifier, sha256));
CREATE UNIQUE INDEX IF NOT EXISTS one_accepted ON submission (identifier) WHERE accepted;
CREATE TABLE IF NOT EXISTS resource (key TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refusal (at TEXT NOT NULL, status INTEGER NOT NULL, sha256 TEXT NOT NULL, why TEXT NOT NULL);
"""
_COLUMNS = "identifier, sha256, accepted, receipt, panel_number, members, entries, first_at, last_at, arrivals"
_KEEP = f"""
INSERT INTO submission ({_COLUMNS}, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)
ON CONFLICT DO UPDATE SET arrivals = arrivals + 1, last_at = excluded.last_at
"""  # noqa: S608
_KNOW = """
INSERT INTO resource SELECT value, 1 FROM json_each(?) WHERE true ON CONFLICT DO UPDATE SET version = version + 1
"""


@dataclass(frozen=True)
class Receipt:
    """What was stored: the registry's id for it, and each entry's version before this arrival (0: it is new)."""

    receipt: str
    at: str
    versions: tuple[int, ...]


class Conflict(Exception):
    """Another content has been accepted under this identifier before."""


class Store:
    """Every call opens the file again: it may be used by any thread, and the process may be killed at any moment."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = folder / "registry.sqlite"
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._file, timeout=60, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def receive(self, submission: AcceptedSubmission, sha256: str, zipped: bytes) -> Receipt:
        """Keep it, its body compressed by zlib, or count it once more.

        Raises Conflict where the identifier is that of another content.
        """
        now = _now()
        with self._write() as connection:
            versions = _versions(connection, submission.keys)
            row = connection.execute(
                "SELECT receipt, sha256 FROM submission WHERE identifier = ? AND accepted", (submission.identifier,)
            ).fetchone()
            accepted = row is None or row["sha256"] == sha256
            receipt = row["receipt"] if row else str(uuid.uuid4())
            connection.execute(
                _KEEP,
                (
                    *(submission.identifier, sha256, accepted, receipt, submission.panel_number, submission.members),
                    *(len(submission.keys), now, now, zipped),
                ),
            )
            if row is None:
                connection.execute(_KNOW, (json.dumps(submission.keys),))
        if not accepted:
            raise Conflict
        return Receipt(receipt, now, versions)

    def refuse(self, status: int, sha256: str, why: str) -> None:
        """Note that something was refused, without keeping it."""
        with self._write() as connection:
            connection.execute("INSERT INTO refusal VALUES (?, ?, ?, ?)", (_now(), status, sha256, why))

    def forget(self) -> None:
        """Begin again, with nothing received."""
        with self._write() as connection:
            for table in ("submission", "resource", "refusal"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608

    def received(self) -> list[dict[str, Any]]:
        """Everything received, the latest first. `accepted` 0: refused, since its identifier stood for other bytes."""
        with self._open() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM submission ORDER BY last_at DESC, rowid DESC")  # noqa: S608
            return [dict(row) for row in rows]

    def refused(self, most: int = 20) -> list[dict[str, Any]]:
        """The last refusals, the latest first."""
        with self._open() as connection:
            rows = connection.execute("SELECT * FROM refusal ORDER BY rowid DESC LIMIT ?", (most,))
            return [dict(row) for row in rows]

    def body(self, identifier: str) -> bytes | None:
        """The accepted content under an identifier."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT body FROM submission WHERE identifier = ? AND accepted", (identifier,)
            ).fetchone()
        return zlib.decompress(row["body"]) if row else None


def _versions(connection: sqlite3.Connection, keys: tuple[str, ...]) -> tuple[int, ...]:
    rows = connection.execute(
        "SELECT key, version FROM resource WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(keys),)
    )
    versions = {row["key"]: row["version"] for row in rows}
    return tuple(versions.get(key, 0) for key in keys)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
