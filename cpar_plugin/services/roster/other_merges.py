"""Affiliations and caseloads follow the host's merges of records, and their undoing, as CPAR panels do.

One membership of each kind is left, on the record kept: its own if it has one, else that of the record merged into it,
of several the latest. A date of the signed form that only another record had on the same panel is kept.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, func, literal, null, or_, select, union_all, update
from sqlalchemy.orm import Session

from ...hooks import Host
from ...store import other_ledger as ledger
from ...store.tables import other_ledger, other_member, other_panel
from ..operations import record
from ..operations.record import OperationKind


def retired_members(merged: FromClause) -> Select[Any]:
    """Those with a membership whose record was merged away."""
    return select(other_member.c.patient_id).join(merged, merged.c.retired_id == other_member.c.patient_id)


def separate_again(host: Host) -> Select[Any]:
    """What the ledger has of records whose merge was followed, undone since, and of which nothing came later."""
    merged, later, patient = host.roster.merged(), other_ledger.alias("later"), host.roster.patients()
    entry = other_ledger.c
    same = (later.c.patient_id == entry.patient_id) & (later.c.kind == entry.kind)
    return (
        select(entry.patient_id)
        .join(patient, patient.c.patient_id == entry.patient_id)
        .join(other_panel, other_panel.c.other_panel_id == entry.from_other_panel_id)
        .where(
            entry.merged_into.is_not(None),
            other_panel.c.live_name.is_not(None),
            ~select(merged.c.retired_id).where(merged.c.retired_id == entry.patient_id).exists(),
            ~select(later.c.patient_id).where(same, later.c.operation_id > entry.operation_id).exists(),
        )
    )


def waiting(host: Host, patient_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a merge of this record may be waiting, for a statement that asks other things too."""
    merged = host.roster.merged()
    of_record = or_(merged.c.retired_id == patient_id, merged.c.kept_id == patient_id)
    entry = other_ledger.c
    followed = (entry.patient_id == patient_id) & entry.merged_into.is_not(None) | (entry.merged_into == patient_id)
    return or_(retired_members(merged).where(of_record).exists(), select(entry.patient_id).where(followed).exists())


def reconcile(session: Session, host: Host) -> None:
    """Bring the memberships in line with the merges as they are. In the caller's transaction, after `clinic.lock`."""
    if session.scalar(separate_again(host).limit(1)) is not None:
        _separate(session, host)
    if session.scalar(retired_members(host.roster.merged()).limit(1)) is not None:
        _carry_over(session, host)


def _carry_over(session: Session, host: Host) -> None:
    merged, member = host.roster.merged(), other_member.c
    operation_id = record.begin(session, host, host.identity.system, OperationKind.MERGE_OTHER)
    inheriting = ledger.append(session, operation_id, _inherited(host))
    leaving = select(member.patient_id, member.kind, *ledger.columns(), *ledger.NONE)
    count = ledger.append(session, operation_id, leaving.join(merged, merged.c.retired_id == member.patient_id))
    kept = select(merged.c.kept_id).where(merged.c.retired_id == other_ledger.c.patient_id).scalar_subquery()
    retired = other_ledger.c.to_other_panel_id.is_(None)
    session.execute(
        update(other_ledger).where(other_ledger.c.operation_id == operation_id, retired).values(merged_into=kept)
    )
    ledger.carry_out(session, operation_id)
    record.conclude(session, operation_id, {"merged": count, "inherited": inheriting})


def _inherited(host: Host) -> Select[Any]:
    """In the ledger's columns, for those records kept whose membership becomes another one."""
    merged, own, member = host.roster.merged(), other_member.alias("own"), other_member.c
    columns = (member.kind, member.patient_id, *ledger.columns())
    joined = other_member.join(merged, merged.c.retired_id == member.patient_id)
    inherited_rows = select(merged.c.kept_id, null().label("is_own"), *columns).select_from(joined)
    with_members = select(merged.c.kept_id).select_from(joined)
    own_rows = select(member.patient_id.label("kept_id"), literal(1).label("is_own"), *columns).where(
        member.patient_id.in_(with_members)
    )
    rows = union_all(own_rows, inherited_rows).subquery("membership")
    order = (rows.c.is_own.is_(None), rows.c.since.desc(), rows.c.patient_id.desc())
    place = func.row_number().over(partition_by=(rows.c.kept_id, rows.c.kind), order_by=order)
    on_same = func.max(rows.c.signed_on).over(partition_by=(rows.c.kept_id, rows.c.kind, rows.c.other_panel_id))
    placed = select(rows, place.label("place"), on_same.label("signed_on_same")).subquery("placed")
    after = (placed.c.other_panel_id, placed.c.since, func.coalesce(placed.c.signed_on, placed.c.signed_on_same))
    differs = or_(*(now.is_distinct_from(was) for now, was in zip(after, ledger.columns(own), strict=True)))
    return (
        select(placed.c.kept_id, placed.c.kind, *ledger.columns(own), *after)
        .select_from(placed)
        .outerjoin(own, (own.c.patient_id == placed.c.kept_id) & (own.c.kind == placed.c.kind))
        .where(placed.c.place == 1, differs)
    )


def _separate(session: Session, host: Host) -> None:
    """Who is a record of their own again gets back what they had; the record kept loses it where nothing changed it."""
    entry, kept, member = other_ledger.c, other_ledger.alias("kept"), other_member
    operation_id = record.begin(session, host, host.identity.system, OperationKind.MERGE_OTHER)
    concerned = separate_again(host)
    own = (kept.c.patient_id == entry.merged_into) & (kept.c.kind == entry.kind)
    unchanged = (member.c.patient_id == kept.c.patient_id) & (member.c.kind == kept.c.kind)
    as_left = zip(ledger.columns(), ledger.after(kept), strict=True)
    losing = (
        concerned.with_only_columns(kept.c.patient_id, kept.c.kind, *ledger.columns(), *ledger.before(kept))
        .where(own, kept.c.operation_id == entry.operation_id, unchanged)
        .where(*(now.is_not_distinct_from(then) for now, then in as_left))
        .distinct()
    )
    back = concerned.with_only_columns(entry.patient_id, entry.kind, *ledger.NONE, *ledger.before())
    lost = ledger.append(session, operation_id, losing)
    restored = ledger.append(session, operation_id, back)
    ledger.carry_out(session, operation_id)
    record.conclude(session, operation_id, {"separated": restored, "lost": lost})
