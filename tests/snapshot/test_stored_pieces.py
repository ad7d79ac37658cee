import gzip
import random
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, select, update

from cpar_plugin.services.snapshots import build, retention, storage, stored_patients
from cpar_plugin.services.snapshots.build import Taken
from cpar_plugin.services.snapshots.snapshot_id import new_snapshot_id
from cpar_plugin.services.snapshots.storage import PIECE_BYTES, GzipWriter, IndexWriter, Part
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..examples import examples

Take = Callable[..., Taken]
Read = Callable[[Taken], Any]
Member = Callable[..., int]

PIECE = tables.snapshot_piece


def count_of(host: OscarHost, table: Any) -> int:
    with host.database.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def text_of(place: int) -> bytes:
    """What is written of a patient: hardly to be compressed, so that pieces fill quickly."""
    return b'{"n":%d,"x":"%s"}' % (place, random.Random(place).randbytes(2000).hex().encode())


PEOPLE = [text_of(place) for place in range(1100)]


@pytest.fixture
def listed(host: OscarHost) -> OscarHost:
    """A list that takes several pieces in BODY, and one in GROUP."""
    writer, short = GzipWriter(host, "s", Part.BODY), GzipWriter(host, "s", Part.GROUP)
    writer.write(b'{"entry":[')
    for place, data in enumerate(PEOPLE):
        writer.write_patients(b"," if place else b"", [data.decode()])
        short.write_patients(b"," if place else b"[", [str(place)])
    writer.write(b"\n]}")
    short.write(b"\n]")
    writer.close()
    short.close()
    return host


def read_at(host: OscarHost, places: list[int]) -> list[tuple[bytes, bytes]]:
    with host.database.engine.connect() as connection:
        return stored_patients.patients(connection, "s", places)


def expected(places: list[int]) -> list[tuple[bytes, bytes]]:
    return [(PEOPLE[place], b"%d" % place) for place in places]


def test_a_part_is_cut_into_pieces_that_no_server_refuses(listed: OscarHost) -> None:
    stored = list(storage.read(listed, "s", Part.BODY))
    assert len(stored) > 3
    assert max(map(len, stored)) <= 1.2 * PIECE_BYTES
    assert list(storage.streamed(listed, "s", Part.BODY)) == stored
    whole = gzip.decompress(b"".join(stored))
    assert whole == b"".join(storage.unzipped(iter(stored)))
    assert whole == b'{"entry":[\n' + b",\n".join(PEOPLE) + b"\n]}"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(15))
@given(places=st.sets(st.integers(0, 1099)).map(sorted))
@example(places=list(range(1100)))
@example(places=[1099])
def test_anyone_in_the_list_is_found_by_place(listed: OscarHost, statements: list[str], places: list[int]) -> None:
    statements.clear()
    assert read_at(listed, places) == expected(places)
    assert len(statements) <= 1


def test_the_list_is_whole_where_a_piece_ends(listed: OscarHost) -> None:
    with listed.database.engine.connect() as connection:
        begins = connection.scalars(select(PIECE.c.position).where(PIECE.c.position > 0)).all()
    for place in begins:
        for places in ([place - 1], [place], [place - 1, place]):
            assert read_at(listed, places) == expected(places)


def test_a_list_that_ends_with_its_last_patient_is_read_to_the_end(host: OscarHost) -> None:
    plain = [b'{"n":%d,"x":"%s"}' % (place, b"x" * 1000) for place in range(3000)]
    for part in (Part.BODY, Part.GROUP):
        writer = GzipWriter(host, "s", part)
        for data in [*PEOPLE[:300], *plain]:
            writer.write_patients(b",", [data.decode()])
        writer.close()
    assert read_at(host, [3299]) == [(plain[-1], plain[-1])]


def test_everyone_in_the_list_is_read_in_order(listed: OscarHost) -> None:
    assert list(stored_patients.all_patients(listed, "s", 1100)) == expected(list(range(1100)))
    with pytest.raises(EOFError):
        list(stored_patients.all_patients(listed, "s", 1102))
    with pytest.raises(EOFError):
        list(stored_patients.all_patients(listed, "other", 1))


@pytest.mark.parametrize("part", [Part.BODY, Part.GROUP])
def test_a_list_that_is_not_whole_is_not_shown(listed: OscarHost, part: Part) -> None:
    with listed.database.writing() as connection:
        connection.execute(delete(PIECE).where(PIECE.c.part == part))
    with pytest.raises(EOFError):
        read_at(listed, [1000])


def test_an_index_is_read_back(host: OscarHost, statements: list[str]) -> None:
    writer = IndexWriter(host, "s")
    everybody = [(3 * place, place.to_bytes(8)) for place in range(70_000)]
    for patient_id, content in everybody:
        writer.add(patient_id, content)
    writer.close()
    assert [len(piece) for piece in storage.read(host, "s", Part.INDEX)] == [2**19, 2**19, 16 * 4464]
    statements.clear()
    assert list(storage.index_entries(storage.streamed(host, "s", Part.INDEX))) == everybody
    assert len(statements) == 1


def test_what_is_very_small_when_compressed_is_read_back_in_small_chunks(host: OscarHost) -> None:
    writer = GzipWriter(host, "s", Part.BODY)
    for _ in range(100):
        writer.write(b" " * 100_000)
    writer.close()
    chunks = [len(chunk) for chunk in storage.unzipped(storage.read(host, "s", Part.BODY))]
    assert sum(chunks) == 10_000_000
    assert max(chunks) <= PIECE_BYTES


@pytest.fixture
def taken(valid_member: Member, take: Take) -> Taken:
    valid_member()
    valid_member(patient_status="IN")
    return take()


def test_the_two_parts_of_a_body_are_one_gzip_file(host: OscarHost, taken: Taken) -> None:
    stored = [b"".join(storage.read(host, taken.snapshot_id, part)) for part in (Part.BODY, Part.GROUP)]
    assert gzip.decompress(b"".join(stored)) == b"".join(build.body(host, taken.snapshot_id))


def test_a_damaged_body_is_not_sent(host: OscarHost, taken: Taken) -> None:
    whole = next(storage.read(host, taken.snapshot_id, Part.GROUP))
    for damaged, error in ((whole[:-20], EOFError), (whole[:20] + b"\xff" * 20 + whole[40:], zlib.error)):
        with host.database.writing() as connection:
            connection.execute(update(PIECE).where(PIECE.c.part == Part.GROUP).values(data=damaged))
        with pytest.raises(error):
            list(build.body(host, taken.snapshot_id))


def test_a_body_that_is_no_longer_there_is_not_an_empty_one(host: OscarHost, taken: Taken) -> None:
    with host.database.writing() as connection:
        connection.execute(delete(PIECE))
    with pytest.raises(EOFError):
        list(build.body(host, taken.snapshot_id))


def test_a_forgotten_snapshot_leaves_nothing(host: OscarHost, taken: Taken, take: Take, received: Read) -> None:
    other = take()
    build.forget(host, taken.snapshot_id)
    assert (count_of(host, tables.snapshot), count_of(host, tables.exclusion)) == (1, 1)
    assert received(other).excluded


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def cut_off(host: OscarHost, valid_member: Member, take: Take) -> None:
    """An attempt that ended after its pieces were stored and before the snapshot was."""
    valid_member()
    valid_member(patient_status="IN")

    def kill(*arguments: Any) -> None:
        if arguments[2].startswith("INSERT INTO cpar_snapshot "):
            raise Killed

    event.listen(host.database.engine, "before_cursor_execute", kill)
    with pytest.raises(Killed):
        take()
    event.remove(host.database.engine, "before_cursor_execute", kill)
    assert (count_of(host, PIECE), count_of(host, tables.exclusion)) == (3, 1)


def test_an_attempt_that_was_cut_off_is_no_snapshot(host: OscarHost, cut_off: None, take: Take, received: Read) -> None:
    assert count_of(host, tables.snapshot) == 0
    assert len(received(take()).patients) == 1


def test_what_an_attempt_left_is_removed_after_a_day(
    host: OscarHost, cut_off: None, settings: Settings, take: Take, received: Read
) -> None:
    whole = take()
    now = host.clock.now()
    assert retention.forget(host, settings, now=now + timedelta(hours=23)) == 0
    assert (count_of(host, PIECE), count_of(host, tables.exclusion)) == (6, 2)
    assert retention.forget(host, settings, now=now + timedelta(hours=25)) == 1
    assert (count_of(host, PIECE), count_of(host, tables.exclusion)) == (3, 1)
    assert len(received(whole).patients) == 1


def test_a_body_is_kept_as_long_as_the_setting_says_and_its_history_for_ever(
    host: OscarHost, taken: Taken, submitted: Callable[[Taken, str], None]
) -> None:
    submitted(taken, "delivered")
    kept_for_ten_days = Settings(snapshot_keep_days=10)
    now = host.clock.now()
    assert retention.forget(host, kept_for_ten_days, now=now + timedelta(days=10)) == 0
    assert retention.forget(host, kept_for_ten_days, now=now + timedelta(days=10, seconds=1)) == 1
    assert (count_of(host, PIECE), count_of(host, tables.snapshot), count_of(host, tables.exclusion)) == (0, 1, 1)
    assert retention.forget(host, kept_for_ten_days, now=now + timedelta(days=20)) == 0


def test_a_body_that_may_still_be_sent_is_kept(
    host: OscarHost, taken: Taken, submitted: Callable[[Taken, str], None]
) -> None:
    submitted(taken, "waiting")
    assert retention.forget(host, Settings(snapshot_keep_days=1), now=host.clock.now() + timedelta(days=9)) == 0


def test_later_snapshots_sort_after_earlier_ones(host: OscarHost) -> None:
    now = host.clock.now()
    ids = [new_snapshot_id(now + timedelta(milliseconds=wait)) for wait in range(50)]
    assert ids == sorted(ids)
    assert len({new_snapshot_id(now) for _ in range(1000)}) == 1000
