"""Who looked at a patient, and whom a person has seen: a page at a time, or all as the rows of a file."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, func, select, union_all

from ...domain.csv_columns import CsvColumn, CsvHead
from ...hooks import Actor, Host
from ...store.tables import client, look, look_patient, read, read_set, read_set_patient
from ..clients.registry import id_of
from ..operations.looks import page_text
from ..roster.csv_file import moment_cell
from ..roster.providers import actor_names
from ..submissions.patients import PatientNow, visible_patients
from . import panel_rows
from .panel_rows import Filters, Place

AT_ONCE = 50
NAMED = 5
HEAD: Final[CsvHead] = (
    CsvColumn.AT,
    CsvColumn.BY,
    CsvColumn.ROLE,
    CsvColumn.PAGE,
    CsvColumn.ADDRESS,
    CsvColumn.RECORD,
)
_EXPORTED_AT_ONCE = 500
_LOOK, _READ = panel_rows.OPERATION, panel_rows.SUBMISSION  # the two kinds of a place
_GIVEN_OUT: Final = read.outerjoin(read_set).outerjoin(read_set_patient)
_SHOWN: Final = func.coalesce(read.c.patient_id, read_set_patient.c.patient_id)  # NULL where no one is named


class ShownLook(NamedTuple):
    """One look. `patients` are the first of them that the reader may see, `more` all others that were shown."""

    at: datetime
    by: str
    role: str
    page: str
    path: str  # '' for what is no page
    address: str
    place: Place
    patients: Sequence[PatientNow] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class LookList:
    """A page of looks, the latest first. `following`: where the next page begins, None on the last."""

    looks: Sequence[ShownLook]
    following: Place | None


def looks(
    host: Host, actor: Actor, filters: Filters, patient_id: int | None = None, after: Place | None = None
) -> LookList:
    """A page of the looks at a patient, or at anybody; by one person, or by anybody."""
    with host.database.engine.connect() as connection:
        rows, following = _page(connection, host, filters, patient_id, after, AT_ONCE)
        names = _names(connection, host, rows)
        shown = _patients(connection, rows) if patient_id is None else {}
        some = {key for keys in shown.values() for key in keys[:NAMED]}
        visible = visible_patients(connection, host, actor, sorted(some))
    return LookList([_shown(place, row, names, shown, visible) for place, row in rows], following)


def _shown(
    place: Place,
    row: Row[Any],
    names: Mapping[str, str],
    shown: Mapping[tuple[int, int], Sequence[int]],
    visible: Mapping[int, PatientNow],
) -> ShownLook:
    by, ids = names[row.actor_id], shown.get((place.rank, place.number), ())
    named = [visible[key] for key in ids[:NAMED] if key in visible]
    if place.rank == _READ:
        return ShownLook(row.at, by, "", _read_text(row), "", row.address, place, named, more=row.patients - len(named))
    path = row.path if row.path.startswith("/") else ""
    return ShownLook(row.at, by, row.role, page_text(row.page), path, row.address, place, named, len(ids) - len(named))


def _read_text(row: Row[Any]) -> str:
    return f"FHIR {row.kind}: {row.interaction}"


def export(host: Host, filters: Filters, patient_id: int | None = None) -> Iterator[tuple[object, ...]]:
    """All of them as the rows of a file, streamed: one for each patient shown, one for an export's file."""
    yield HEAD
    after: Place | None = None
    while True:
        with host.database.engine.connect() as connection:
            rows, after = _page(connection, host, filters, patient_id, after, _EXPORTED_AT_ONCE)
            names = _names(connection, host, rows)
            shown = _patients(connection, rows) if patient_id is None else {}
        for place, row in rows:
            moment, by = moment_cell(row.at, host.clock.zone), names[row.actor_id]
            role, page = (None, _read_text(row)) if place.rank == _READ else (row.role, page_text(row.page))
            for record in (patient_id,) if patient_id else shown.get((place.rank, place.number), (None,)):
                yield (moment, by, role, page, row.address, record)
        if after is None:
            return


def people(connection: Connection, host: Host) -> list[tuple[str, str]]:
    """Everybody who may have looked, by id, with a name: providers of the host, and clients; in order of the names."""
    provider = host.roster.providers().c
    names = actor_names(connection, host, connection.scalars(select(provider.provider_id)).all())
    clients = connection.execute(select(client.c.client_id, client.c.name)).all()
    return sorted([*names.items(), *((id_of(row.client_id), row.name) for row in clients)], key=_by_name)


def _by_name(person: tuple[str, str]) -> tuple[str, str]:
    return person[1].casefold(), person[0]


def _page(
    connection: Connection, host: Host, filters: Filters, patient_id: int | None, after: Place | None, most: int
) -> tuple[list[tuple[Place, Row[Any]]], Place | None]:
    """Two statements."""
    query, ways = select(look), [select(read)]
    if patient_id is not None:
        query = query.join(look_patient, look_patient.c.look_id == look.c.look_id)
        query = query.where(look_patient.c.patient_id == patient_id)
        together = select(read).select_from(read.join(read_set).join(read_set_patient))
        # Each by an index of its own.
        ways = [
            ways[0].where(read.c.patient_id == patient_id),
            together.where(read_set_patient.c.patient_id == patient_id),
        ]
    if filters.actor_id:
        query = query.where(look.c.actor_id == filters.actor_id)
        ways = [way.where(read.c.actor_id == filters.actor_id) for way in ways]
    zone = host.clock.zone
    query = panel_rows.before(query, look.c.at, _LOOK, look.c.look_id, filters, after, zone, most)
    ways = [panel_rows.before(way, read.c.at, _READ, read.c.read_id, filters, after, zone, most) for way in ways]
    reads = union_all(*(way.subquery().select() for way in ways))
    rows = sorted(
        [
            *((Place(row.at, _LOOK, row.look_id), row) for row in connection.execute(query)),
            *((Place(row.at, _READ, row.read_id), row) for row in connection.execute(reads)),
        ],
        key=panel_rows.latest_first,
    )
    return rows[:most], rows[most - 1][0] if len(rows) > most else None


def _names(connection: Connection, host: Host, rows: Collection[tuple[Place, Row[Any]]]) -> dict[str, str]:
    ids = {row.actor_id for _, row in rows}
    names = actor_names(connection, host, ids)
    if any(actor_id.startswith("client-") for actor_id in ids):
        clients = connection.execute(select(client.c.client_id, client.c.name)).all()
        names |= {key: row.name for row in clients if (key := id_of(row.client_id)) in ids}
    return names


def _patients(connection: Connection, rows: Collection[tuple[Place, Row[Any]]]) -> dict[tuple[int, int], list[int]]:
    """Whom each look or read showed, in order of the record numbers; by rank and number of its place."""
    shown: dict[tuple[int, int], list[int]] = {}
    columns = (
        (_LOOK, look_patient.c.look_id, look_patient.c.patient_id, look_patient),
        (_READ, read.c.read_id, _SHOWN, _GIVEN_OUT),
    )
    for rank, key, patient, source in columns:
        ids = [place.number for place, _ in rows if place.rank == rank]
        if ids:
            query = (
                select(key, patient)
                .select_from(source)
                .where(key.in_(ids), patient.is_not(None))
                .order_by(key, patient)
            )
            for number, patient_id in connection.execute(query):
                shown.setdefault((rank, number), []).append(patient_id)
    return shown
