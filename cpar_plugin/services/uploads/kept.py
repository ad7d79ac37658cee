"""Uploaded files on the server, for a short time: each belongs to the person who uploaded it, and to no one else.

In the database, where every process of the application finds them; none of it is in the cookie or in an address.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ...domain.list_columns import Purpose
from ...domain.refusals import NotFound, Stale
from ...domain.texts import readable
from ...hooks import Actor, AuditEvent, Host
from ...settings import load
from ...store import tables
from .layouts import ListReading
from .limits import MEGABYTE
from .reading import ListFile

_NAME_LENGTH: Final = 100
_TABLE: Final = tables.upload


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded list. `reading` is None until its columns are decided, and no row is stored before."""

    upload_id: str
    created_at: datetime
    name: str
    panel_id: int | None  # of all its patients; None where the list says which
    reading: ListReading | None
    kept_until: datetime  # when it is removed at the latest


def time_kept(host: Host) -> timedelta:
    """How long a list is kept after its upload."""
    return timedelta(hours=load(host.settings).upload_keep_hours)


def keep(host: Host, actor: Actor, purpose: Purpose, file: ListFile, name: str, panel_id: int | None) -> str:
    """Store a file in place of the actor's earlier one for the same purpose. Returns its id.

    Raises Stale where the actor uploads two at the same moment.
    """
    upload_id = uuid4().hex
    short_name = (readable(PurePath(name).name) or "")[-_NAME_LENGTH:]
    with host.database.session() as session:
        session.execute(delete(_TABLE).where(*_of(actor, purpose)))
        try:
            session.execute(
                insert(_TABLE).values(
                    upload_id=upload_id,
                    actor_id=actor.actor_id,
                    purpose=purpose,
                    created_at=host.clock.now(),
                    name=short_name,
                    panel_id=panel_id,
                )
            )
        except IntegrityError:
            raise Stale("Another list of yours has just been uploaded: wait, then reload this page.") from None
        for position, start in enumerate(range(0, len(file.data), MEGABYTE)):  # servers refuse large packets
            values = {"upload_id": upload_id, "position": position, "data": file.data[start : start + MEGABYTE]}
            session.execute(insert(tables.upload_piece).values(values))
        event = AuditEvent(actor=actor, action="add", noun="cparUpload", key=upload_id, detail=f"list for {purpose}")
        host.audit.record(session, event)
    return upload_id


def current(connection: Connection, host: Host, actor: Actor, purpose: Purpose) -> Upload | None:
    """The list that the actor works on, None where there is none, or its time is over."""
    kept_for = time_kept(host)
    recent = _TABLE.c.created_at > host.clock.now() - kept_for
    row = connection.execute(select(_TABLE).where(*_of(actor, purpose), recent)).one_or_none()
    return _upload(row._mapping, kept_for) if row else None


def required(connection: Connection, host: Host, actor: Actor, purpose: Purpose, upload_id: str) -> Upload:
    """The same, where a form is about this list. Raises NotFound where there is none, Stale where it is another one."""
    upload = current(connection, host, actor, purpose)
    if upload is None:
        raise NotFound("This list is no longer here: it was used, discarded, or has expired. Upload it again.")
    if upload.upload_id != upload_id:
        raise Stale("You have uploaded another list in the meantime. Nothing was changed: reload this page.")
    return upload


def file_of(connection: Connection, upload_id: str) -> ListFile:
    """The file as it was uploaded."""
    piece = tables.upload_piece.c
    pieces = connection.scalars(select(piece.data).where(piece.upload_id == upload_id).order_by(piece.position))
    return ListFile(b"".join(pieces))


def decide(session: Session, upload_id: str, reading: ListReading) -> None:
    """Store how a list is read, in the transaction that stores its rows."""
    session.execute(update(_TABLE).where(_TABLE.c.upload_id == upload_id).values(reading=reading.model_dump_json()))


def remove(host: Host, upload_id: str) -> None:
    """Remove a list, and all that was found out about it."""
    with host.database.session() as session:
        session.execute(delete(_TABLE).where(_TABLE.c.upload_id == upload_id))


def _of(actor: Actor, purpose: Purpose) -> tuple[Any, ...]:
    return (_TABLE.c.actor_id == actor.actor_id, _TABLE.c.purpose == purpose)


def _upload(row: Mapping[Any, Any], kept_for: timedelta) -> Upload:
    return Upload(
        upload_id=row["upload_id"],
        created_at=row["created_at"],
        name=row["name"],
        panel_id=row["panel_id"],
        reading=ListReading.model_validate_json(row["reading"]) if row["reading"] else None,
        kept_until=row["created_at"] + kept_for,
    )
