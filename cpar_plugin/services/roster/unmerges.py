"""Merges that the host has undone, or continued: what a record had inherited is reversed, unless changed since.

The record that was split off gets its own membership back. Where a user has changed what the kept record inherited,
it stays, and is listed until a user chooses Keep or removes it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from itertools import groupby, takewhile
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from ...hooks import Host
from ...store import ledger
from ...store.ledger import PanelMembership
from ...store.tables import inherited, member, operation, panel
from ...store.tables import ledger as entries
from ..operations import record
from ..operations.record import OperationKind

_BY_MERGING = (OperationKind.MERGE, OperationKind.UNMERGE)
_SIDE = tuple(field.name for field in fields(PanelMembership))


@dataclass(frozen=True, slots=True)
class _Followed:
    """A membership that was carried over, and where the record that had it is now."""

    retired_id: int
    kept_id: int
    operation_id: int
    alive: bool  # a record of its own again
    now_kept_id: int | None  # into which record it is merged now
    onward_id: int | None  # into which record the kept one was merged in turn

    @property
    def is_broken(self) -> bool:
        """Whether it is no longer merged into the record that has its membership."""
        return self.alive or self.now_kept_id not in (None, self.kept_id)

    @property
    def is_apart(self) -> bool:
        """Whether the two are no longer the same person."""
        return self.alive or self.now_kept_id not in (None, self.onward_id or self.kept_id)


@dataclass(frozen=True, slots=True)
class _LedgerEntry:
    """What an operation did to one record."""

    operation_id: int
    by_merging: bool
    before: PanelMembership | None
    after: PanelMembership | None


def broken(host: Host) -> Select[Any]:
    """Memberships carried over from records that are no longer merged into the record that has them now."""
    query, is_broken = _followed(host)
    return query.where(is_broken)


def follow(session: Session, host: Host) -> int | None:
    """Undo what no longer holds, in the caller's transaction. Those still merged wait to be carried over again.

    Returns the operation, None where no membership changed: the caller moves the Groups on.
    """
    concerned = set(session.scalars(broken(host).with_only_columns(inherited.c.kept_id)))
    if not concerned:
        return None
    rows = [_Followed(*row) for row in session.execute(_followed(host)[0].where(inherited.c.kept_id.in_(concerned)))]
    ids = concerned | {row.retired_id for row in rows}
    current = _memberships(session, ids)
    past = _entries(session, ids)
    live = set(session.scalars(select(panel.c.panel_id).where(panel.c.live_number.is_not(None))))
    after: dict[int, PanelMembership | None] = {}
    resolved: list[int] = []
    onward: dict[int, int] = {}
    review_since: dict[int, datetime] = {}
    for kept_id, group in groupby(rows, lambda row: row.kept_id):
        group_rows = list(group)
        own_entries = [entry for entry in past.get(kept_id, ()) if entry.operation_id >= group_rows[0].operation_id]
        merging = [entry for entry in own_entries if entry.by_merging]
        separated = [row for row in group_rows if row.is_apart]
        onward |= {row.retired_id: row.onward_id for row in group_rows if row.onward_id and not row.is_apart}
        is_unchanged = bool(separated and merging) and _is_unchanged(own_entries, merging[-1], current.get(kept_id))
        if is_unchanged:
            after[kept_id] = merging[0].before
        for row in group_rows if is_unchanged else separated:
            if row.retired_id not in current:
                earlier = _own(past[row.retired_id], row.operation_id)
                after[row.retired_id] = earlier if earlier and earlier.panel_id in live else None
            if merging and not is_unchanged and kept_id in current:
                review_since[row.retired_id] = current[kept_id].since
            else:
                resolved.append(row.retired_id)
    operation_id = _write(session, host, current, after)
    session.execute(delete(inherited).where(inherited.c.retired_id.in_(resolved)))
    for retired_id, kept_id in onward.items():
        session.execute(update(inherited).where(inherited.c.retired_id == retired_id).values(kept_id=kept_id))
    for retired_id, since in review_since.items():
        session.execute(update(inherited).where(inherited.c.retired_id == retired_id).values(review_since=since))
    return operation_id


def _is_unchanged(history: Iterable[_LedgerEntry], last: _LedgerEntry, current: PanelMembership | None) -> bool:
    """Whether the kept record is still as the merges left it."""
    return current == last.after and all(
        entry.by_merging for entry in history if entry.operation_id < last.operation_id
    )


def _own(history: Iterable[_LedgerEntry], operation_id: int) -> PanelMembership | None:
    """What a record had before the merge by this operation, without what it had inherited itself at that time."""
    earlier = [entry for entry in history if entry.operation_id <= operation_id]
    merging = list(takewhile(lambda entry: entry.by_merging, reversed(earlier)))
    return merging[-1].before


def _write(
    session: Session, host: Host, current: Mapping[int, PanelMembership], after: Mapping[int, PanelMembership | None]
) -> int | None:
    changed = {key: side for key, side in after.items() if side != current.get(key)}
    if not changed:
        return None
    operation_id = record.begin(session, host, host.identity.system, OperationKind.UNMERGE)
    rows = [
        {"operation_id": operation_id, "patient_id": key} | _side("from", current.get(key)) | _side("to", side)
        for key, side in changed.items()
    ]
    session.execute(insert(entries), rows)
    ledger.apply(session, operation_id)
    record.conclude(session, operation_id, {"changed": len(changed)})
    return operation_id


def _side(name: str, membership: PanelMembership | None) -> dict[str, Any]:
    return {
        f"{name}_{field}": value
        for field, value in zip(_SIDE, astuple(membership) if membership else (None,) * len(_SIDE), strict=True)
    }


def _followed(host: Host) -> tuple[Select[Any], ColumnElement[bool]]:
    """Those that need no review, in the columns of _Followed; and which of them are broken."""
    merged, onward = host.roster.merged().alias("now_merged"), host.roster.merged().alias("onward")
    patient = host.roster.patients()
    query = (
        select(
            inherited.c.retired_id,
            inherited.c.kept_id,
            inherited.c.operation_id,
            patient.c.patient_id.is_not(None).label("alive"),
            merged.c.kept_id.label("now_kept_id"),
            onward.c.kept_id.label("onward_id"),
        )
        .select_from(
            inherited.outerjoin(merged, merged.c.retired_id == inherited.c.retired_id)
            .outerjoin(onward, onward.c.retired_id == inherited.c.kept_id)
            .outerjoin(patient, patient.c.patient_id == inherited.c.retired_id)
        )
        .where(inherited.c.review_since.is_(None))
        .order_by(inherited.c.kept_id, inherited.c.operation_id, inherited.c.retired_id)
    )
    return query.correlate(None), or_(patient.c.patient_id.is_not(None), merged.c.kept_id != inherited.c.kept_id)


def _memberships(session: Session, ids: Collection[int]) -> dict[int, PanelMembership]:
    rows = session.execute(select(member.c.patient_id, *ledger.columns()).where(member.c.patient_id.in_(ids)))
    return {row.patient_id: PanelMembership(*row[1:]) for row in rows}


def _entries(session: Session, ids: Collection[int]) -> dict[int, list[_LedgerEntry]]:
    """What was done to these records, the earliest first."""
    rows = session.execute(
        select(entries.c.patient_id, entries.c.operation_id, operation.c.kind, *ledger.before(), *ledger.after())
        .join(operation, operation.c.operation_id == entries.c.operation_id)
        .where(entries.c.patient_id.in_(ids))
        .order_by(entries.c.operation_id)
    )
    by_patient: dict[int, list[_LedgerEntry]] = {}
    for patient_id, operation_id, kind, *sides in rows:
        before, after = (PanelMembership(*side) if side[0] else None for side in (sides[:4], sides[4:]))
        by_patient.setdefault(patient_id, []).append(_LedgerEntry(operation_id, kind in _BY_MERGING, before, after))
    return by_patient
