"""Members with an inheritance from a record that is apart again, changed in between: for people to review."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import ColumnElement, Connection, String, and_, cast, delete, func, select

from ...hooks import Actor, Host
from ...store.tables import inherited, member
from ...store.types import KEYS
from ..operations import clinic, record
from ..operations.record import OperationKind


def split_off(patient_id: ColumnElement[int], since: ColumnElement[datetime]) -> ColumnElement[str | None]:
    """The records apart again of which a member since then still has an inheritance, divided by spaces."""
    ids = select(func.aggregate_strings(cast(inherited.c.retired_id, String(20)), " "))
    listed = ids.where(inherited.c.kept_id == patient_id, inherited.c.review_since == since)
    return listed.correlate_except(inherited).scalar_subquery()


@dataclass(frozen=True, slots=True)
class SeparatedMember:
    """A member whose inheritance was changed, and the records that it came from, which are apart again."""

    patient_id: int
    retired_ids: tuple[int, ...]


def to_review(connection: Connection, host: Host, actor: Actor, panel_id: int) -> list[SeparatedMember]:
    """Those of a panel that the actor may see, by record. One statement."""
    listed = (
        select(inherited.c.kept_id, inherited.c.retired_id)
        .join(member, and_(member.c.patient_id == inherited.c.kept_id, member.c.since == inherited.c.review_since))
        .where(member.c.panel_id == panel_id, host.identity.visible(actor, member.c.patient_id))
        .order_by(inherited.c.kept_id, inherited.c.retired_id)
    )
    rows = connection.execute(listed).all()
    return [
        SeparatedMember(key, tuple(row.retired_id for row in group))
        for key, group in groupby(rows, lambda row: row.kept_id)
    ]


def keep(host: Host, actor: Actor, patient_id: int) -> None:
    """Keep a membership that was inherited from records that are separate again. Does nothing where that was done.

    Raises Refused when another change takes too long.
    """
    with host.database.session() as session:
        clinic.lock(session)
        conditions = inherited.c.kept_id == patient_id, inherited.c.review_since.is_not(None)
        if patient_id in KEYS and session.execute(delete(inherited).where(*conditions)).rowcount:  # type: ignore[attr-defined]
            panel_id = session.scalar(select(member.c.panel_id).where(member.c.patient_id == patient_id))
            record.begin(session, host, actor, OperationKind.KEEP, panel_id=panel_id, patient_id=patient_id)
