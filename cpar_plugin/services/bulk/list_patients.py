"""The patients of an uploaded list that an import is about: who is certain, and who was accepted by a person."""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from ...domain.list_columns import Purpose
from ...domain.refusals import Refused
from ...hooks import Actor, Host
from ...store.tables import upload_match, upload_patient, upload_row
from ..uploads import kept, matching
from ..uploads.layouts import ListReading
from ..uploads.matching import MatchedHow

AT_MOST: Final = 1000  # rows accepted one by one with a form


def read(host: Host, actor: Actor, upload_id: str, reading: ListReading) -> None:
    """Read the list in this way, find its patients, and the panel of each. Everything found out earlier is dropped.

    Raises NotFound, Stale and Refused.
    """
    with host.database.engine.connect() as connection:
        upload = kept.required(connection, host, actor, Purpose.IMPORT, upload_id)
        file = kept.file_of(connection, upload_id)

    def panel_of(text: str) -> int | None:
        return upload.panel_id or reading.panels.get(text) or None

    with host.database.session() as session:
        if not matching.stage(session, upload_id, file, reading, panel_of):
            raise Refused({"header": matching.NO_ROWS})
        matching.match(session, host, actor, upload_id)
        settle(session, upload_id)
        kept.decide(session, upload_id, reading)


def accept(host: Host, actor: Actor, upload_id: str, row_numbers: Collection[int] | None) -> int:
    """Accept the patients proposed for these rows, or (None) all who match by name. Returns for how many rows.

    Rows with more than one proposal, or none, are skipped. Raises NotFound, Stale, and Refused for too many.
    """
    if row_numbers is not None and len(row_numbers) > AT_MOST:
        raise Refused({"rows": f"Accept at most {AT_MOST:,} at a time."})
    single = matching.single_matches(upload_id)
    proposal = upload_match.c.row_number.in_(select(single.c.row_number).where(single.c.how != MatchedHow.PHN.value))
    which = upload_match.c.how == MatchedHow.NAME.value
    if row_numbers is not None:
        which = upload_match.c.row_number.in_(row_numbers)
    of_list = upload_match.c.upload_id == upload_id
    return _set_accepted(host, actor, upload_id, of_list & proposal & which, to=True)


def withdraw(host: Host, actor: Actor, upload_id: str) -> int:
    """Withdraw every acceptance. Returns for how many rows. Raises NotFound and Stale."""
    of_list = upload_match.c.upload_id == upload_id
    return _set_accepted(host, actor, upload_id, of_list & upload_match.c.accepted, to=False)


def accepted(connection: Connection, upload_id: str) -> int:
    """For how many rows a proposal is accepted."""
    query = select(func.count()).where(upload_match.c.upload_id == upload_id, upload_match.c.accepted)
    return connection.scalar(query) or 0


def _set_accepted(host: Host, actor: Actor, upload_id: str, which: Any, *, to: bool) -> int:
    with host.database.session() as session:
        kept.required(session.connection(), host, actor, Purpose.IMPORT, upload_id)
        count = session.execute(update(upload_match).where(which).values(accepted=to)).rowcount  # type: ignore[attr-defined]
        settle(session, upload_id)
    return int(count)


def settle(session: Session, upload_id: str) -> None:
    """Store each patient who is certain or accepted, with the panel. Not those whose rows name more than one panel."""
    session.execute(delete(upload_patient).where(upload_patient.c.upload_id == upload_id))
    single, row = matching.single_matches(upload_id), upload_row.c
    patients = (
        select(literal(upload_id), single.c.patient_id, func.min(row.row_number), func.min(row.panel_id))
        .select_from(single.join(upload_row, row.row_number == single.c.row_number))
        .where(row.upload_id == upload_id, row.panel_id.is_not(None))
        .where(or_(single.c.how == MatchedHow.PHN.value, single.c.accepted == 1))
        .group_by(single.c.patient_id)
        .having(func.min(row.panel_id) == func.max(row.panel_id))
    )
    columns = [upload_patient.c[name] for name in ("upload_id", "patient_id", "row_number", "panel_id")]
    session.execute(insert(upload_patient).from_select(columns, patients))
