"""A snapshot's parts in `cpar_snapshot_piece`: bytes of any length, cut so that no server refuses a packet.

BODY and GROUP are gzip members which, one after the other, are the body of a submission. INDEX is who was in it:
sixteen bytes for each patient, for the comparison with the next submission. All three have the patients in the same
order. The position of a piece is how many patients are in the pieces before it, and each piece can be unzipped
without those: see `stored_patients`.
"""

import zlib
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from enum import IntEnum
from struct import Struct

from isal import isal_zlib
from sqlalchemy import ColumnElement, Connection, exists, insert, select

from ...hooks import Host
from ...store.tables import snapshot_piece

PIECE_BYTES = 512 * 1024
_CHUNK_BYTES = 64 * 1024  # of more at once the C library gives the memory back, and asks for it again each time
_CUT_BYTES = PIECE_BYTES - _CHUNK_BYTES
GZIP = 31  # zlib's window bits for a gzip member
HASH_BYTES = 8
_ENTRY = Struct(f">q{HASH_BYTES}s")  # patient_id, content hash
_KEY = snapshot_piece.c

Entry = tuple[int, bytes]


class Part(IntEnum):
    """The parts of a snapshot."""

    BODY = 0
    GROUP = 1
    INDEX = 2


class _Pieces:
    """Stores the pieces of one part, each in a transaction of its own."""

    def __init__(self, host: Host, snapshot_id: str, part: Part) -> None:
        self._host = host
        self._key = {"snapshot_id": snapshot_id, "part": part.value}

    def store(self, position: int, data: bytes) -> None:
        with self._host.database.session() as session:
            session.execute(insert(snapshot_piece).values(**self._key, position=position, data=data))


class IndexWriter:
    """Writes the index. Holds no more than one piece."""

    def __init__(self, host: Host, snapshot_id: str) -> None:
        self._pieces = _Pieces(host, snapshot_id, Part.INDEX)
        self._position = 0
        self._pending = bytearray()

    def add(self, patient_id: int, content: bytes) -> None:
        """Add a patient, in ascending order. `content` is a hash of HASH_BYTES."""
        self._pending += _ENTRY.pack(patient_id, content)
        if len(self._pending) == PIECE_BYTES:
            self.close()

    def close(self) -> None:
        """Write what is left."""
        if self._pending:
            self._pieces.store(self._position, bytes(self._pending))
            self._position += len(self._pending) // _ENTRY.size
            self._pending.clear()


class GzipWriter:
    """Writes a part that is text, compressed on its way. Holds no more than one piece.

    Each patient is on a separate line: JSON allows that, and a list can be resumed at any patient. `observer` is
    handed all of the text, in order and chunk by chunk.
    """

    def __init__(
        self, host: Host, snapshot_id: str, part: Part, observer: Callable[[bytes], None] | None = None
    ) -> None:
        self._pieces = _Pieces(host, snapshot_id, part)
        self._observer = observer
        self._gzip = isal_zlib.compressobj(level=1, wbits=GZIP)
        self._position = 0
        self._patients = 0  # in this piece
        self._zipped = bytearray()
        self._pending: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Add to the part. Small writes are gathered: compressing a line costs as much as compressing a page."""
        self._pending.append(data)
        self._size += len(data)
        if self._size >= _CHUNK_BYTES:
            self._compress()

    def write_patients(self, opening: bytes, patients: Sequence[str]) -> None:
        """Add patients after what comes before the first of them. A piece ends before a patient's line."""
        self.write(opening + b"\n")
        if self._patients and len(self._zipped) >= _CUT_BYTES:
            self._cut()
        self.write(",\n".join(patients).encode())
        self._patients += len(patients)

    def close(self) -> None:
        """Write what is left."""
        self._compress()
        self._pieces.store(self._position, bytes(self._zipped + self._gzip.flush()))

    def _compress(self) -> None:
        text = b"".join(self._pending)
        if self._observer:
            self._observer(text)
        self._zipped += self._gzip.compress(text)
        self._pending.clear()
        self._size = 0

    def _cut(self) -> None:
        self._compress()
        self._pieces.store(self._position, bytes(self._zipped + self._gzip.flush(isal_zlib.Z_FULL_FLUSH)))
        self._zipped.clear()
        self._position += self._patients
        self._patients = 0


def read(host: Host, snapshot_id: str, part: Part) -> Iterator[bytes]:
    """The pieces of a part. Nothing is kept open between two of them, however slow the reader is."""
    of_part = select(_KEY.position, _KEY.data).where(_KEY.snapshot_id == snapshot_id, _KEY.part == part.value)
    position = -1
    while True:
        with host.database.engine.connect() as connection:
            following = of_part.where(_KEY.position > position).order_by(_KEY.position).limit(1)
            row = connection.execute(following).one_or_none()
        if row is None:
            return
        position = row.position
        yield row.data


def streamed(host: Host, snapshot_id: str, part: Part) -> Iterator[bytes]:
    """The same in one statement, for a quick reader who reads to the end."""
    query = select(_KEY.data).where(_KEY.snapshot_id == snapshot_id, _KEY.part == part.value).order_by(_KEY.position)
    with (
        host.database.engine.connect() as connection,
        connection.execute(query.execution_options(yield_per=1)) as result,
    ):
        yield from result.scalars()


def unzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The text of one gzip member, in chunks that stay small however well it was compressed.

    Raises zlib.error when it is damaged, EOFError when its end is missing.
    """
    gzip = zlib.decompressobj(wbits=GZIP)
    for data in pieces:
        while data and not gzip.eof:
            yield gzip.decompress(data, PIECE_BYTES)
            data = gzip.unconsumed_tail
    if not gzip.eof:
        raise EOFError("a stored snapshot is not complete")


def index_entries(pieces: Iterator[bytes]) -> Iterator[Entry]:
    """Everyone in an index, by patient id: the id, and a hash of the submitted facts."""
    for data in pieces:
        yield from _ENTRY.iter_unpack(data)


def is_kept(snapshot_id: ColumnElement[str], part: Part) -> ColumnElement[bool]:
    """Whether a part of this snapshot is still stored, as a condition."""
    first = _KEY.part == part.value, _KEY.position == 0
    return exists().where(_KEY.snapshot_id == snapshot_id, *first)


def snapshots_with(connection: Connection, snapshot_ids: Collection[str], patient_id: int) -> Iterator[str]:
    """Those of these snapshots in whose index the patient is: of one that is no longer kept, nothing is known."""
    query = select(_KEY.snapshot_id, _KEY.data).where(_KEY.snapshot_id.in_(snapshot_ids), _KEY.part == Part.INDEX.value)
    with connection.execute(query.execution_options(yield_per=1)) as result:
        for snapshot_id, data in result:
            place = bisect_left(range(len(data) // _ENTRY.size), patient_id, key=lambda at: _id_at(data, at))
            if place * _ENTRY.size < len(data) and _id_at(data, place) == patient_id:
                yield snapshot_id


def _id_at(data: bytes, place: int) -> int:
    patient_id, _ = _ENTRY.unpack_from(data, place * _ENTRY.size)
    return int(patient_id)
