"""Some of the patients of a stored snapshot, wherever they are in it: read without what comes before them."""

import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import Any

from sqlalchemy import Connection, Select, func, select

from ...hooks import Host
from ...store.tables import snapshot_piece
from .storage import GZIP, PIECE_BYTES, Part, streamed, unzipped

_WITHOUT_HEAD = -15  # zlib's window bits for what follows a full flush
_KEY = snapshot_piece.c
_END = (-1, 0, b"")  # after the last piece


def patients(connection: Connection, snapshot_id: str, places: Sequence[int]) -> list[tuple[bytes, bytes]]:
    """What BODY and GROUP say of the patients at these places of the list, ascending: JSON. One statement.

    Unzips only pieces that hold one of them. Raises zlib.error or EOFError when what is stored is damaged.
    """
    lines: dict[Part, list[bytes]] = {Part.BODY: [], Part.GROUP: []}
    if places:
        query = _pieces_from(snapshot_id, places[0]).where(_KEY.position <= places[-1])
        with connection.execute(query.execution_options(yield_per=1)) as result:
            rows = chain(result, [_END])
            for (part, position, data), (following, begins, _) in pairwise(rows):
                until = bisect_left(places, begins) if following == part else len(places)
                lines[Part(part)] += _lines_at(places[bisect_left(places, position) : until], position, data)
    if not len(lines[Part.BODY]) == len(lines[Part.GROUP]) == len(places):
        raise EOFError("a stored snapshot is not complete")
    return list(zip(lines[Part.BODY], lines[Part.GROUP], strict=True))


def all_patients(host: Host, snapshot_id: str, count: int) -> Iterator[tuple[bytes, bytes]]:
    """The same of all patients, `count` of them, streamed. Raises as `patients` does."""
    texts = (unzipped(streamed(host, snapshot_id, part)) for part in (Part.BODY, Part.GROUP))
    # One line, without a patient, comes before the first one of all.
    body, group = (islice(_split(text), 1, count + 1) for text in texts)
    try:
        for entry, member in zip(body, group, strict=True):
            count -= 1
            yield entry.removesuffix(b","), member.removesuffix(b",")
    except ValueError:
        raise EOFError("a stored snapshot is not complete") from None
    if count:
        raise EOFError("a stored snapshot is not complete")


def _split(texts: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for text in texts:
        *lines, rest = (rest + text).split(b"\n")
        yield from lines
    yield rest


def _pieces_from(snapshot_id: str, place: int) -> Select[Any]:
    """The pieces of BODY and GROUP from the one on that a place is in."""
    at = snapshot_piece.alias().c
    first = select(func.max(at.position)).where(
        at.snapshot_id == snapshot_id, at.part == _KEY.part, at.position <= place
    )
    return (
        select(_KEY.part, _KEY.position, _KEY.data)
        .where(_KEY.snapshot_id == snapshot_id, _KEY.part.in_([Part.BODY.value, Part.GROUP.value]))
        .where(_KEY.position >= first.correlate(snapshot_piece).scalar_subquery())
        .order_by(_KEY.part, _KEY.position)
    )


def _lines_at(places: Sequence[int], first: int, zipped: bytes) -> list[bytes]:
    """The lines of the patients at these places, in the piece that begins with the patient at `first`."""
    if not places:
        return []
    lines, remaining = [], iter(places)
    place = next(remaining)
    # One line, without a patient, comes before the first one of all.
    for position, line in enumerate(_lines(zipped, _WITHOUT_HEAD if first else GZIP), first or -1):
        if position == place:
            lines.append(line.removesuffix(b","))
            if (place := next(remaining, -1)) < 0:
                break
    return lines


def _lines(zipped: bytes, wbits: int) -> Iterator[bytes]:
    gzip, rest = zlib.decompressobj(wbits=wbits), b""
    while zipped and not gzip.eof:
        *lines, rest = (rest + gzip.decompress(zipped, PIECE_BYTES)).split(b"\n")
        yield from lines
        zipped = gzip.unconsumed_tail
    yield rest
