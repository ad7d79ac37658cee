"""A snapshot's parts in `cpar_snapshot_piece`: bytes of any length, cut so that no server refuses a packet.

BODY and GROUP are gzip members which, one after the other, are the body of a submission. INDEX is who was in it:
sixteen bytes for each patient, for the comparison with the next submission.
"""

import zlib
from collections.abc import Iterator
from enum import IntEnum
from itertools import count
from struct import Struct

from sqlalchemy import insert, select

from ..hooks import Host
from ..store.tables import snapshot_piece

PIECE_BYTES = 512 * 1024
_CHUNK_BYTES = 256 * 1024
_GZIP = 31  # zlib's window bits for a gzip member
HASH_BYTES = 8
_ENTRY = Struct(f">q{HASH_BYTES}s")  # patient_id, content hash


class Part(IntEnum):
    """The parts of a snapshot."""

    BODY = 0
    GROUP = 1
    INDEX = 2


class PieceWriter:
    """Writes one part, each full piece in a transaction of its own. Holds no more than one piece."""

    def __init__(self, host: Host, snapshot_id: str, part: Part) -> None:
        self._host = host
        self._key = {"snapshot_id": snapshot_id, "part": part.value}
        self._position = 0
        self._held = bytearray()

    def write(self, data: bytes) -> None:
        """Add to the part."""
        self._held += data
        while len(self._held) >= PIECE_BYTES:
            self._store(PIECE_BYTES)

    def close(self) -> None:
        """Write what is left."""
        if self._held:
            self._store(len(self._held))

    def _store(self, size: int) -> None:
        piece = bytes(self._held[:size])
        del self._held[:size]
        with self._host.database.session() as session:
            session.execute(insert(snapshot_piece).values(**self._key, position=self._position, data=piece))
        self._position += 1


class GzipWriter:
    """The same for text that is compressed on its way."""

    def __init__(self, host: Host, snapshot_id: str, part: Part) -> None:
        self._pieces = PieceWriter(host, snapshot_id, part)
        self._gzip = zlib.compressobj(level=1, wbits=_GZIP)
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Add to the part. Small writes are gathered: compressing a line costs as much as compressing a page."""
        self._held.append(data)
        self._size += len(data)
        if self._size >= _CHUNK_BYTES:
            self._compress()

    def close(self) -> None:
        """Write what is left."""
        self._compress()
        self._pieces.write(self._gzip.flush())
        self._pieces.close()

    def _compress(self) -> None:
        self._pieces.write(self._gzip.compress(b"".join(self._held)))
        self._held.clear()
        self._size = 0


def read(host: Host, snapshot_id: str, part: Part) -> Iterator[bytes]:
    """The pieces of a part. Nothing is kept open between two of them, however slow the reader is."""
    key = snapshot_piece.c
    of_part = select(key.data).where(key.snapshot_id == snapshot_id, key.part == part.value)
    for position in count():
        with host.database.engine.connect() as connection:
            data = connection.scalar(of_part.where(key.position == position))
        if data is None:
            return
        yield data


def unzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The text of one gzip member, in chunks that stay small however well it was compressed.

    Raises zlib.error when it is damaged, EOFError when its end is missing.
    """
    gzip = zlib.decompressobj(wbits=_GZIP)
    for data in pieces:
        while data:
            yield gzip.decompress(data, PIECE_BYTES)
            data = gzip.unconsumed_tail
    if not gzip.eof:
        raise EOFError("a stored snapshot is not complete")


def index_entry(patient_id: int, content: bytes) -> bytes:
    """One entry of the index. `content` is a hash of HASH_BYTES."""
    return _ENTRY.pack(patient_id, content)


def index_entries(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """The entries of an index: a piece holds whole ones."""
    for data in pieces:
        yield from _ENTRY.iter_unpack(data)
