"""The sets of patients that reads have given out together: each is stored once, and named by its digest.

A read names its set without asking for it: the database refuses the name of a set that is not there, which is then
made. A client that polls a Group leaves one row for each read, as long as its members are the same. A read of one
patient has that one in its own row.
"""

import operator
from array import array
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from sys import byteorder
from typing import Final

from sqlalchemy import Connection, delete, exists, insert, select
from sqlalchemy.exc import IntegrityError

from ...hooks import Host
from ...store import number_rows
from ...store.tables import read, read_set, read_set_patient

_DIGEST_BYTES: Final = 16
_ROWS_AT_ONCE: Final = 1000
_NEW = insert(read_set).returning(read_set.c.set_id, sort_by_parameter_order=True)
_UNNAMED: Final = ~exists().where(read.c.set_digest == read_set.c.digest)


def digest_of(patient_ids: Sequence[int]) -> bytes | None:
    """The name of the set of these patients, in whatever order they are; None for less than two, who are no set."""
    if len(patient_ids) < 2:
        return None
    numbers = array("q", _ascending(patient_ids))
    if byteorder == "big":
        numbers.byteswap()
    return blake2b(numbers, digest_size=_DIGEST_BYTES).digest()


def make(connection: Connection, sets: Mapping[bytes, Sequence[int]]) -> None:
    """Store those of these sets, by digest, that are not there: three statements, and more for very many patients.

    Raises what `store.waiting.came_between` is about where another transaction does the same.
    """
    known = connection.scalars(select(read_set.c.digest).where(read_set.c.digest.in_(sets))).all()
    missing = sorted(sets.keys() - set(known))  # all do it in this order, so that no two wait for each other
    if not missing:
        return
    rows: list[tuple[int, int]] = []
    set_ids = connection.scalars(_NEW, [{"digest": digest} for digest in missing]).all()
    for set_id, digest in zip(set_ids, missing, strict=True):
        patient_ids = _ascending(sets[digest])
        for start in range(0, len(patient_ids), _ROWS_AT_ONCE):
            if len(rows) >= _ROWS_AT_ONCE:
                number_rows.add(connection, read_set_patient, rows)
                rows = []
            rows += [(set_id, patient_id) for patient_id in patient_ids[start : start + _ROWS_AT_ONCE]]
    number_rows.add(connection, read_set_patient, rows)


def forget_unnamed(host: Host) -> None:
    """Remove the sets that no read names any more, each in a transaction of its own.

    A read that names one of them now either keeps it, or makes it again: whether it is still named is asked once more
    when it is locked.
    """
    after = 0
    while True:
        query = select(read_set.c.set_id).where(read_set.c.set_id > after, _UNNAMED)
        with host.database.engine.connect() as connection:
            unnamed = connection.scalars(query.order_by(read_set.c.set_id).limit(_ROWS_AT_ONCE)).all()
        for set_id in unnamed:
            with suppress(IntegrityError), host.database.session() as session:  # or it is named by now
                session.connection().execute(delete(read_set).where(read_set.c.set_id == set_id, _UNNAMED))
        if len(unnamed) < _ROWS_AT_ONCE:
            return
        after = unnamed[-1]


def _ascending(patient_ids: Sequence[int]) -> Sequence[int]:
    """Each of them once, in order: mostly as they are, for so they come from the database."""
    in_order = all(map(operator.lt, patient_ids, islice(patient_ids, 1, None)))
    return patient_ids if in_order else sorted(set(patient_ids))
