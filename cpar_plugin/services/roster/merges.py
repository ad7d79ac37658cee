"""Follow the host's merges of records, and their undoing. It does not announce them: code that uses memberships asks.

One membership is left, on the record kept: its own panel if it has one, else that of the record merged into it, of
several the latest. Of the confirmations on that panel the latest stays, whichever record it was on.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from ...domain.refusals import Refused
from ...hooks import Host
from ...store import ledger
from ...store.tables import inherited, member
from ...store.types import KEYS
from ..operations import clinic, record
from ..operations.record import OperationKind
from . import other_merges, unmerges


def reconcile(session: Session, host: Host) -> int:
    """Bring all memberships in line with the merges as they are. Returns how many were carried over.

    Takes part in the caller's transaction, after `clinic.lock`. Where nothing is to be done, as nearly always, that is
    one statement.
    """
    if not _is_anything_to_follow(session.connection(), host):
        return 0
    other_merges.reconcile(session, host)
    unmerge_id = unmerges.follow(session, host)
    merge_id, count = _carry_over(session, host)
    operation_ids = [operation_id for operation_id in (unmerge_id, merge_id) if operation_id]
    if operation_ids:
        ledger.move_changed_groups(session, operation_ids, host.clock.now())
    return count


def waiting(host: Host, patient_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a merge of this record may be waiting, for a statement that asks other things too.

    Of one that was followed before it is not asked whether it still holds: that takes longer, and `catch_up` does.
    """
    merged = host.roster.merged()
    of_record = or_(merged.c.retired_id == patient_id, merged.c.kept_id == patient_id)
    followed = or_(inherited.c.retired_id == patient_id, inherited.c.kept_id == patient_id)
    return or_(
        _retired_members(merged).where(of_record).exists(),
        select(inherited.c.retired_id).where(followed, inherited.c.review_since.is_(None)).exists(),
        other_merges.waiting(host, patient_id),
    )


def _retired_members(merged: FromClause) -> Select[Any]:
    return select(member.c.patient_id).join(merged, merged.c.retired_id == member.c.patient_id)


def kept_record(connection: Connection, host: Host, patient_id: int) -> int | None:
    """The record that this one was merged into; None for a record that was not merged away."""
    merged = host.roster.merged()
    query = select(merged.c.kept_id).where(merged.c.retired_id == patient_id)
    return connection.scalar(query) if patient_id in KEYS else None


def kept_records(connection: Connection, host: Host, patient_ids: Collection[int]) -> dict[int, int]:
    """Those of a page of records that were merged away, each with the record kept. At most one statement."""
    if not patient_ids:
        return {}
    merged = host.roster.merged()
    query = select(merged.c.retired_id, merged.c.kept_id).where(merged.c.retired_id.in_(patient_ids))
    return {row.retired_id: row.kept_id for row in connection.execute(query)}


def catch_up(host: Host) -> bool:
    """Reconcile in a transaction of its own, where there is anything to reconcile: whether there was."""
    with host.database.engine.connect() as connection:
        if not _is_anything_to_follow(connection, host):
            return False
    with host.database.session() as session:
        clinic.lock(session)
        reconcile(session, host)
    return True


def _is_anything_to_follow(connection: Connection, host: Host) -> bool:
    to_follow = (
        _retired_members(host.roster.merged()),
        unmerges.broken(host),
        other_merges.retired_members(host.roster.merged()),
        other_merges.separate_again(host),
    )
    return bool(connection.scalar(select(or_(*(query.exists() for query in to_follow)))))


def catch_up_to_show(host: Host) -> bool:
    """The same before something is shown: where a large change keeps the lock, the current state is shown."""
    try:
        return catch_up(host)
    except Refused:
        return False


def _carry_over(session: Session, host: Host) -> tuple[int | None, int]:
    """The operation, None where there was nothing to do, and how many were carried over."""
    merged = host.roster.merged()
    retired = member.join(merged, merged.c.retired_id == member.c.patient_id)
    if session.scalar(select(member.c.patient_id).select_from(retired).limit(1)) is None:
        return None, 0
    operation_id = record.begin(session, host, host.identity.system, OperationKind.MERGE)
    inheriting = ledger.append(session, operation_id, _inherited_memberships(host))
    leaving = select(member.c.patient_id, *ledger.columns(), *ledger.NONE).select_from(retired)
    count = ledger.append(session, operation_id, leaving)
    retired_ids = select(member.c.patient_id).select_from(retired)
    # Of an earlier merge, since undone.
    session.execute(delete(inherited).where(inherited.c.retired_id.in_(retired_ids)))
    followed = select(member.c.patient_id, merged.c.kept_id, literal(operation_id)).select_from(retired)
    columns = [inherited.c.retired_id, inherited.c.kept_id, inherited.c.operation_id]
    session.execute(insert(inherited).from_select(columns, followed))
    ledger.apply(session, operation_id)
    record.conclude(session, operation_id, {"merged": count, "inherited": inheriting})
    return operation_id, count


def _inherited_memberships(host: Host) -> Select[Any]:
    """In the ledger's columns, for those records kept whose membership becomes another one."""
    merged, own = host.roster.merged(), member.alias("own")
    columns = (member.c.patient_id, *ledger.columns())
    inherited_rows = select(merged.c.kept_id, null().label("is_own"), *columns).join(
        member, member.c.patient_id == merged.c.retired_id
    )
    with_members = select(merged.c.kept_id).join(member, member.c.patient_id == merged.c.retired_id)
    own_rows = select(member.c.patient_id.label("kept_id"), literal(1).label("is_own"), *columns).where(
        member.c.patient_id.in_(with_members)
    )
    membership = union_all(own_rows, inherited_rows).subquery("membership")
    of_kept: dict[str, Any] = {"partition_by": membership.c.kept_id}
    own_first = membership.c.is_own.is_(None)
    latest = (membership.c.since.desc(), membership.c.patient_id.desc())
    place = func.row_number().over(**of_kept, order_by=(own_first, *latest)).label("place")
    panels = select(membership, place).subquery()
    panel = select(panels).where(panels.c.place == 1).subquery("panel")
    by_date = (membership.c.confirmed_on.is_(None), membership.c.confirmed_on.desc(), own_first, *latest)
    dates = (
        select(membership, func.row_number().over(**of_kept, order_by=by_date).label("place"))
        .join(panel, (panel.c.kept_id == membership.c.kept_id) & (panel.c.panel_id == membership.c.panel_id))
        .subquery()
    )
    date = select(dates).where(dates.c.place == 1).subquery("confirmation")
    after = (panel.c.panel_id, panel.c.since, date.c.confirmed_on, date.c.confirmed_how)
    differs = or_(*(now.is_distinct_from(before) for now, before in zip(after, ledger.columns(own), strict=True)))
    return (
        select(panel.c.kept_id, *ledger.columns(own), *after)
        .select_from(panel.join(date, date.c.kept_id == panel.c.kept_id))
        .outerjoin(own, own.c.patient_id == panel.c.kept_id)
        .where(differs)
    )
