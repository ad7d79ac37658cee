"""How long the bodies of submissions are kept, and what becomes of attempts that were cut off."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, func, select, union

from ...hooks import Host
from ...settings import Settings
from ...store.tables import exclusion, snapshot, snapshot_piece, submission
from .snapshot_id import first_snapshot_id

_ABANDONED_AFTER = timedelta(days=1)


def forget(host: Host, settings: Settings, *, now: datetime) -> int:
    """Remove bodies that are older than `snapshot_keep_days`, and what cut-off attempts left. Returns for how many.

    The row of a snapshot, and who was excluded from it, stay for the history. A body that may still be sent stays.
    """
    with host.database.engine.connect() as connection:
        old = connection.scalars(_old(now - timedelta(days=settings.snapshot_keep_days))).all()
        abandoned = connection.scalars(_abandoned(now - _ABANDONED_AFTER)).all()
    for snapshot_id in (*old, *abandoned):
        with host.database.session() as session:
            session.execute(delete(snapshot_piece).where(snapshot_piece.c.snapshot_id == snapshot_id))
            if snapshot_id in abandoned:
                session.execute(delete(exclusion).where(exclusion.c.snapshot_id == snapshot_id))
    return len(old) + len(abandoned)


def oldest(connection: Connection) -> datetime | None:
    """When the oldest was taken whose body is kept and may be removed once it is old; None where there is none."""
    earliest: datetime | None = connection.scalar(select(func.min(snapshot.c.taken_at)).where(*_removable()))
    return earliest


def _old(before: datetime) -> Select[tuple[str]]:
    return select(snapshot.c.snapshot_id).where(snapshot.c.taken_at < before, *_removable())


def _removable() -> tuple[ColumnElement[bool], ...]:
    """There is a body, and it will not be sent anymore."""
    return (
        exists().where(snapshot_piece.c.snapshot_id == snapshot.c.snapshot_id),
        ~exists().where(submission.c.snapshot_id == snapshot.c.snapshot_id, submission.c.open_panel_id.is_not(None)),
    )


def _abandoned(before: datetime) -> Select[tuple[str]]:
    stored = union(*(select(table.c.snapshot_id).distinct() for table in (snapshot_piece, exclusion))).subquery()
    return select(stored.c.snapshot_id).where(
        stored.c.snapshot_id < first_snapshot_id(before),
        ~exists().where(snapshot.c.snapshot_id == stored.c.snapshot_id),
    )
